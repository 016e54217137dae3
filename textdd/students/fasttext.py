"""fastText-like student (Joulin et al., 2017): the mean of a text's word vectors, one hidden layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn

from textdd.allowed import Chosen, Width
from textdd.training.student import Student
from textdd.training.work import Weights, Work


@dataclass
class FastTextConfig:
    """Options of the fastText-like student.

    Attributes:
        name: the choice `model=fasttext`.
        hidden: units of the hidden layer.
    """

    name: Annotated[str, Chosen("model")] = "fasttext"
    hidden: Width = 100


class FastText(Student):
    """Mean of the word vectors, a tanh layer, a linear layer: blind to word order (Joulin et al. 2017).

    Args:
        config: size of the hidden layer.
        dimension: D.
        classes: C.
    """

    def __init__(self, config: FastTextConfig, dimension: int, classes: int) -> None:
        super().__init__(config.hidden, classes)
        self.hidden = nn.Linear(dimension, config.hidden)

    def features(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Map x (N, L, D) to the hidden layer (N, hidden)."""
        if mask is None:
            mean = x.mean(dim=1)
        else:
            tokens = mask.unsqueeze(-1).to(x.dtype)  # (N, L, 1)
            mean = (x * tokens).sum(dim=1) / tokens.sum(dim=1).clamp_min(1)
        return torch.tanh(self.hidden(mean))

    def work(self) -> Work:
        """Little for a token, which is only added to a mean; the rest is what a step costs whatever it reads."""
        dimension, parameters = self.hidden.in_features, sum(p.numel() for p in self.parameters())
        return Work(
            differentiated=Weights(220 + 0.004 * parameters, 0.0, 6.5e-4 * dimension),
            plain=Weights(90 + 8.8e-4 * parameters, 0.24 + 1.57e-5 * parameters, 1.06e-4 * dimension),
            read=Weights(19 + 2.1e-4 * parameters, 0.06 + 5.4e-6 * parameters, 4e-5 * dimension),
            learn=Weights(55 + 5.4e-4 * parameters, 0.15 + 5.8e-6 * parameters, 4.9e-5 * dimension),
        )
