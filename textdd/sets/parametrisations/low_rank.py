"""Low rank: every text is a product of two thin matrices, (L, R) @ (R, D), of its own."""

from __future__ import annotations

from typing import Self

from torch import Tensor, nn

from textdd.sets.parametrisations.factors import factors
from textdd.sets.parametrisations.parametrisation import Parametrisation, Source


class LowRank(Parametrisation):
    """Texts of R (L + D) numbers in place of L D.

    Args:
        left: what each position takes of the text's directions (M, L, R).
        right: the directions of each text (M, R, D).
    """

    tensors = ("left", "right")

    def __init__(self, left: Tensor, right: Tensor) -> None:
        super().__init__()
        self.left, self.right = nn.Parameter(left.clone()), nn.Parameter(right.clone())

    @classmethod
    def start(cls, source: Source, rank: int) -> Self:
        """Approximate each initial text by its R largest singular values."""
        return cls(*factors(source.x, rank))

    def forward(self) -> Tensor:
        """The texts (M, L, D)."""
        return self.left @ self.right
