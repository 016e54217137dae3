"""Free matrices: every number of every text is learned by itself (Li & Li 2021; Sucholutsky & Schonlau 2021)."""

from __future__ import annotations

from typing import Self

from torch import Tensor, nn

from textdd.sets.parametrisations.parametrisation import Parametrisation, Source


class Free(Parametrisation):
    """The texts themselves.

    Args:
        x: texts (M, L, D).
    """

    tensors = ("x",)

    def __init__(self, x: Tensor) -> None:
        super().__init__()
        self.x = nn.Parameter(x.clone())

    @classmethod
    def start(cls, source: Source, rank: int) -> Self:
        """Take the initial texts."""
        del rank
        return cls(source.x)

    def forward(self) -> Tensor:
        """The texts (M, L, D)."""
        return self.x
