"""Real texts, left as they are: what remains to learn is labels and step sizes (Bohdal et al. 2020)."""

from __future__ import annotations

from typing import Self

from torch import Tensor

from textdd.sets.parametrisations.parametrisation import Parametrisation, Source
from textdd.spaces.tokeniser import PAD


class Real(Parametrisation):
    """Texts of words, while their labels are learned; a finished set of them is a set of texts.

    Args:
        x: the texts (M, L, D), zero beyond their ends.
        ids: their words (M, L), zero beyond the end of a text; L is the longest.
    """

    def __init__(self, x: Tensor, ids: Tensor) -> None:
        super().__init__()
        self.x: Tensor
        self.register_buffer("x", x)
        self.ids: Tensor
        self.register_buffer("ids", ids)

    @classmethod
    def start(cls, source: Source, rank: int) -> Self:
        """Take the initial texts.

        Raises:
            TextddError: the start has no words.
        """
        del rank
        ids = source.words()
        used = (ids != PAD).any(dim=0)
        return cls(source.x[:, used], ids[:, used])

    def forward(self) -> Tensor:
        """The texts (M, L, D)."""
        return self.x

    @property
    def mask(self) -> Tensor:
        """True at words (M, L)."""
        return self.ids != PAD

    def words(self) -> Tensor:
        """The words (M, L)."""
        return self.ids

    def first(self, count: int) -> Self:
        """The first `count` texts alone."""
        used = (self.ids[:count] != PAD).any(dim=0)
        return type(self)(self.x[:count, used], self.ids[:count, used])
