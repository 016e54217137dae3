"""TextCNN (Kim, 2014), the student of the paper: convolutions over words, max over time, one linear layer."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from textdd.students.student import Student


@dataclass
class TextCNNConfig:
    """Options of TextCNN.

    Attributes:
        name: the choice `model=textcnn`.
        widths: words under each kind of filter.
        filters: filters of each width.
    """

    name: str = "textcnn"
    widths: list[int] = field(default_factory=lambda: [3, 4, 5])
    filters: int = 100


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

    def forward(self, windows: Tensor, mask: Tensor | None) -> Tensor:
        """Strongest response (N, count) of each filter over the windows (N, L, widest * D) of a text."""
        responses = windows[..., : self.weight.shape[1]] @ self.weight.t()  # (N, L, count)
        if mask is not None:
            responses = responses.masked_fill(~mask.unsqueeze(-1), -torch.inf)
        # The bias and the rectifier commute with the maximum, and are L times cheaper after it.
        return F.relu(responses.max(dim=1).values + self.bias)


class TextCNN(Student):
    """TextCNN without regularisation, as the paper uses it (Kim 2014; Li & Li 2021, section 3.2).

    A window starts at every token and reaches over zeros at the end, so a text shorter than a filter is read too.
    Written as one unfolding and a matrix product per width: on a CPU its second derivatives, which the
    hypergradient needs, take less than half the time of torch.nn.Conv1d's.

    Args:
        config: widths and number of filters.
        dimension: D.
        classes: C.
    """

    def __init__(self, config: TextCNNConfig, dimension: int, classes: int) -> None:
        super().__init__(config.filters * len(config.widths), classes)
        self.widest = max(config.widths)
        self.filters = nn.ModuleList(Filters(width, dimension, config.filters) for width in config.widths)

    def features(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Map x (N, L, D) to the strongest responses (N, widths * filters)."""
        if mask is not None:
            x = x * mask.unsqueeze(-1)
        count, length, dimension = x.shape
        padded = F.pad(x, (0, 0, 0, self.widest - 1))  # (N, L + widest - 1, D)
        windows = padded.unfold(1, self.widest, 1).transpose(2, 3)  # (N, L, widest, D)
        windows = windows.reshape(count, length, self.widest * dimension)
        return torch.cat([filters(windows, mask) for filters in self.filters], dim=1)
