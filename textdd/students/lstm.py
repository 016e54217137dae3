"""Bidirectional LSTM student (Hochreiter & Schmidhuber, 1997) with a maximum over time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn

from textdd.allowed import Chosen, Width
from textdd.training.student import Student
from textdd.training.work import Weights, Work


@dataclass
class LSTMConfig:
    """Options of the LSTM student.

    Attributes:
        name: the choice `model=lstm`.
        hidden: units of each direction.
    """

    name: Annotated[str, Chosen("model")] = "lstm"
    hidden: Width = 64


class LSTM(Student):
    """Two LSTMs, one per direction, and the maximum over time of their states.

    The backward direction reads each text reversed within its own length, so padding is never read before a text.

    Args:
        config: size of the hidden state.
        dimension: D.
        classes: C.
    """

    beside = "loop"  # torch.func.vmap knows no rule for torch's LSTM

    def __init__(self, config: LSTMConfig, dimension: int, classes: int) -> None:
        super().__init__(2 * config.hidden, classes)
        self.forwards = nn.LSTM(dimension, config.hidden, batch_first=True)
        self.backwards = nn.LSTM(dimension, config.hidden, batch_first=True)

    def features(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Map x (N, L, D) to the strongest state of each unit (N, 2 * hidden)."""
        if mask is None:
            mask = x.new_ones(x.shape[:2], dtype=torch.bool)
        positions = torch.arange(x.shape[1], device=x.device)
        flipped = (mask.sum(dim=1, keepdim=True) - 1 - positions) % x.shape[1]  # (N, L)
        reversed_x = x.gather(1, flipped.unsqueeze(-1).expand_as(x))
        # cuDNN's LSTM has no second derivative, which the hypergradient needs; oneDNN's knows bfloat16 on few CPUs.
        with torch.backends.cudnn.flags(enabled=False), torch.autocast("cpu", enabled=False):
            states = torch.cat([self.forwards(x)[0], self.backwards(reversed_x)[0]], dim=2)  # (N, L, 2 * hidden)
        return states.masked_fill(~mask.unsqueeze(-1), -torch.inf).max(dim=1).values

    def work(self) -> Work:
        """Place by place: a small product for every token, and what an operation costs for every place of a text."""
        size = sum(p.numel() for p in (*self.forwards.parameters(), *self.backwards.parameters()))
        return Work(
            differentiated=Weights(0.0, 0.0, 2 + 4.7e-5 * size, 450 + 5.2e-4 * size),
            plain=Weights(0.0015 * size, 0.0, 0.6 + 9e-6 * size, 12 + 7.7e-5 * size),
            read=Weights(0.0, 0.0, 0.14 + 4.2e-6 * size, 6 + 2.5e-5 * size),
            learn=Weights(0.0, 0.0, 0.6 + 9.3e-6 * size, 14 + 8.2e-5 * size),
        )
