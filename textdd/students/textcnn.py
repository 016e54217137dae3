"""TextCNN (Kim, 2014), the student of the paper: convolutions over words, max over time, one linear layer."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from textdd.allowed import Chosen, ListOf, Whole, Width
from textdd.training.student import Student
from textdd.training.winners import strongest
from textdd.training.work import Weights, Work

DEFAULT_WEIGHTS = 100 * (3 + 4 + 5) * 100
"""Weights of the filters as the work was measured: the default's, on 100 numbers a word."""


@dataclass
class TextCNNConfig:
    """Options of TextCNN.

    Attributes:
        name: the choice `model=textcnn`.
        widths: words under each kind of filter.
        filters: filters of each width.
    """

    name: Annotated[str, Chosen("model")] = "textcnn"
    widths: Annotated[list[int], ListOf(Whole(1, 512), least=1)] = field(default_factory=lambda: [3, 4, 5])
    filters: Width = 100


class Filters(nn.Module):
    """`count` filters over `width` neighbouring words, initialised as torch.nn.Conv1d is.

    Args:
        width: words under a filter.
        dimension: D.
        count: number of filters.
    """

    def __init__(self, width: int, dimension: int, count: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(count, width * dimension))
        self.bias = nn.Parameter(torch.empty(count))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weights and biases uniformly within 1 / sqrt(fan in)."""
        bound = 1 / math.sqrt(self.weight.shape[1])
        nn.init.uniform_(self.weight, -bound, bound)
        nn.init.uniform_(self.bias, -bound, bound)


class TextCNN(Student):
    """TextCNN without regularisation, as the paper uses it (Kim 2014; Li & Li 2021, section 3.2).

    A window starts at every token and reaches over zeros at the end, so a text shorter than a filter is read too.
    Its maxima over time and all their derivatives are in textdd/training/winners.py.

    Args:
        config: widths and number of filters.
        dimension: D.
        classes: C.
    """

    beside = "stacked"

    def __init__(self, config: TextCNNConfig, dimension: int, classes: int) -> None:
        super().__init__(config.filters * len(config.widths), classes)
        self.filters = nn.ModuleList(Filters(width, dimension, config.filters) for width in config.widths)

    def features(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Map x (N, L, D) to the strongest responses (N, widths * filters); those of K students have a leading K."""
        if mask is not None:
            x = x * mask.unsqueeze(-1)
        kinds = [filters for filters in self.filters if isinstance(filters, Filters)]
        responses = strongest(x, [filters.weight for filters in kinds], mask)
        # The bias and the rectifier commute with the maximum, and are L times cheaper after it.
        return F.relu(responses + torch.cat([filters.bias for filters in kinds], dim=-1).unsqueeze(-2))

    def work(self) -> Work:
        """What it costs with the default's filters, and in proportion with more or fewer of them.

        Derivatives touch only the windows that won, as many per text whatever its length, and an optimiser touches all
        parameters whatever the batch.
        """
        kinds = [filters for filters in self.filters if isinstance(filters, Filters)]
        size = sum(filters.weight.numel() for filters in kinds) / DEFAULT_WEIGHTS
        return Work(
            differentiated=Weights(800 * size, 21 * size, size),
            plain=Weights(480 * size, 6 * size, 0.9 * size),
            read=Weights(0.0, 0.0, 0.9 * size),
            learn=Weights(0.0, 5 * size, 0.9 * size),
        )
