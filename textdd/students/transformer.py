"""A small transformer encoder from scratch, on any space: pre-norm, learned positions, mean pooling.

Attention is written out as matrix products (Vaswani et al. 2017; layers normalised first, Xiong et al. 2020): it has a
double backward on every machine, and K students side by side are one operation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from textdd.allowed import Chosen, Whole, Width
from textdd.errors import TextddError
from textdd.training.student import Student
from textdd.training.work import Work

WIDER = 2
"""Units of the layer between, as a multiple of the width."""


@dataclass
class TransformerConfig:
    """Options of the transformer.

    Attributes:
        name: the choice `model=transformer`.
        layers: of attention and of what follows it.
        width: numbers that stand for a token inside.
        heads: of attention; they divide the width.
        positions: tokens that have a position of their own; those behind share the last.
    """

    name: Annotated[str, Chosen("model")] = "transformer"
    layers: Annotated[int, Whole(1, 100)] = 2
    width: Width = 64
    heads: Annotated[int, Whole(1, 1024)] = 4
    positions: Annotated[int, Whole(1, 512)] = 128

    def check(self) -> None:
        """Check what relates several options.

        Raises:
            TextddError: the heads do not divide the width.
        """
        if self.width % self.heads:
            raise TextddError(
                f"Got model.width={self.width} and model.heads={self.heads}: heads divide the width. "
                f"Type: model.width={max(1, self.width // self.heads) * self.heads}"
            )


class Positions(nn.Module):
    """A vector for every place in a text.

    Args:
        count: places; those behind share the last.
        width: numbers of each.
    """

    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(count, width))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw them a tenth as large as what they are added to."""
        nn.init.normal_(self.weight, std=0.1)

    def forward(self, length: int) -> Tensor:
        """The vectors of the first places (L, width)."""
        places = torch.arange(length, device=self.weight.device).clamp_max(len(self.weight) - 1)
        return self.weight[places]


class Layer(nn.Module):
    """Attention, then two linear maps with GELU between, each added to what it reads.

    Args:
        width: of what it reads.
        heads: of attention.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.asked, self.mixed = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.wide, self.narrow = nn.Linear(width, WIDER * width), nn.Linear(WIDER * width, width)

    def forward(self, x: Tensor, hidden: Tensor) -> Tensor:
        """Map x (N, L, width); nobody looks at tokens where `hidden` (N, 1, 1, L) is true."""
        count, length, width = x.shape
        asked = self.asked(self.first(x)).view(count, length, 3, self.heads, width // self.heads)
        query, key, value = asked.permute(2, 0, 3, 1, 4).unbind(0)  # (N, heads, L, width / heads)
        likeness = query @ key.mT / math.sqrt(width // self.heads)  # (N, heads, L, L)
        attention = likeness.masked_fill(hidden, -torch.inf).softmax(-1)
        x = x + self.mixed((attention @ value).transpose(1, 2).reshape(count, length, width))
        return x + self.narrow(F.gelu(self.wide(self.second(x))))


class Transformer(Student):
    """Tokens mapped to the width, layers of attention, the mean over a text's tokens.

    Args:
        config: its size.
        dimension: D.
        classes: C.
    """

    def __init__(self, config: TransformerConfig, dimension: int, classes: int) -> None:
        super().__init__(config.width, classes)
        self.entry, self.positions = nn.Linear(dimension, config.width), Positions(config.positions, config.width)
        self.layers = nn.ModuleList(Layer(config.width, config.heads) for _ in range(config.layers))
        self.exit = nn.LayerNorm(config.width)

    def features(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Map x (N, L, D) to the mean of its tokens' states (N, width)."""
        there = x.new_ones(x.shape[:2], dtype=torch.bool) if mask is None else mask
        # What stands in padding must not matter, be it infinite.
        states = self.entry(x.masked_fill(~there.unsqueeze(-1), 0)) + self.positions(x.shape[1])
        for layer in self.layers:
            states = layer(states, ~there[:, None, None, :])
        weights = there.unsqueeze(-1).to(states.dtype)
        return (self.exit(states) * weights).sum(1) / weights.sum(1).clamp_min(1)

    def work(self) -> Work:
        """Matrix products over tokens, in layers."""
        parameters = sum(p.numel() for p in self.parameters())
        outside = self.positions.weight.numel() + self.head.weight.numel()  # no token meets these
        return Work.of_layers(len(self.layers), parameters - outside, parameters)
