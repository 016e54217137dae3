"""Texts of words that are looked for with a gradient: words at rest, and while learning something that can be moved."""

from __future__ import annotations

import torch
from torch import Tensor

from textdd.projecting.placed import Placed
from textdd.sets.parametrisations import LearnedTexts
from textdd.spaces.space import Space


class OfWords(LearnedTexts):
    """M texts of words of a space, in their frames. Checks see them at rest, so what counts is what the words do.

    A subclass says what may be moved, `moving`, and which words it stands for, `words`.

    Args:
        found: where words are.
        space: has their vectors, and what marks the second segment of a pair.
    """

    def __init__(self, found: Placed, space: Space) -> None:
        super().__init__()
        self.learning = False
        self.is_token: Tensor
        self.register_buffer("is_token", found.tokens.mask)
        self.places: Tensor
        self.register_buffer("places", found.places)
        self.vectors: Tensor
        self.register_buffer("vectors", space.table, persistent=False)
        second = found.tokens.second
        marked = torch.zeros(*found.places.shape, 1) if second is None else second.unsqueeze(-1).to(space.second)
        self.beside: Tensor
        self.register_buffer("beside", marked * space.second)

    def forward(self) -> Tensor:
        """The texts (M, L, D)."""
        return (self.moving() if self.learning else self.vectors[self.words()]) + self.beside

    def moving(self) -> Tensor:
        """The texts (M, L, D) as they are while they are learned, without what marks a second segment."""
        raise NotImplementedError

    def words(self) -> Tensor:
        """The tokens (M, L), those of the frame among them."""
        raise NotImplementedError

    @property
    def mask(self) -> Tensor:
        """True at tokens (M, L)."""
        return self.is_token
