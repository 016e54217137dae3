"""A shared basis: every position of every text is a combination of the same R vectors.

After Deng & Russakovsky (2022, "Remember the Past"), whose examples are combinations of a few memories that all classes
share; here the memories are vectors in word space rather than whole examples.
"""

from __future__ import annotations

from typing import Self

from torch import Tensor, nn

from textdd.sets.parametrisations.factors import factors
from textdd.sets.parametrisations.parametrisation import Parametrisation, Source


class Basis(Parametrisation):
    """Texts of L R numbers and R D numbers for all texts together.

    Args:
        coefficients: what each position takes of each vector (M, L, R).
        basis: the vectors (R, D).
    """

    tensors = ("coefficients", "basis")
    shared = ("basis",)

    def __init__(self, coefficients: Tensor, basis: Tensor) -> None:
        super().__init__()
        self.coefficients, self.basis = nn.Parameter(coefficients.clone()), nn.Parameter(basis.clone())

    @classmethod
    def start(cls, source: Source, rank: int) -> Self:
        """Approximate all initial texts, one below the other, by their R largest singular values."""
        coefficients, basis = factors(source.x.flatten(0, 1), rank)
        return cls(coefficients.view(*source.x.shape[:2], rank), basis)

    def forward(self) -> Tensor:
        """The texts (M, L, D)."""
        return self.coefficients @ self.basis
