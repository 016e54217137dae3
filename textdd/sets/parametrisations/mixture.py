"""Mixtures of words: every position is a convex combination of R word vectors.

After Sahni & Patel (2023), who learn distributions over the vocabulary. A distribution over R candidates, the words
nearest to the one that a position starts at, takes R numbers in place of V, and still can be read.
"""

from __future__ import annotations

import math
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from textdd.errors import TextddError
from textdd.sets.parametrisations.half import narrowed, widened
from textdd.sets.parametrisations.parametrisation import Parametrisation, Source
from textdd.spaces.tokeniser import PAD

CONFIDENCE = 0.9
"""Share of the word that a position starts at: all of it would leave no gradient to move by."""

CHUNK = 1000
"""Words whose neighbours are looked for at a time: all at once would take gigabytes."""


class Mixture(Parametrisation):
    """Texts inside the convex hull of their candidate words.

    Args:
        candidates: word numbers (M, L, R).
        logits: of the distributions over them (M, L, R).
        vectors: word vectors (V, D).
    """

    tensors = ("candidates", "logits")
    step_scale = 10.0  # a logit has to move by units where a component of a word vector moves by tenths

    def __init__(self, candidates: Tensor, logits: Tensor, vectors: Tensor) -> None:
        super().__init__()
        self.logits = nn.Parameter(logits.clone())
        self.candidates: Tensor
        self.register_buffer("candidates", candidates.long())
        self.vectors: Tensor
        self.register_buffer("vectors", vectors, persistent=False)

    @classmethod
    def start(cls, source: Source, rank: int) -> Self:
        """Give each initial word a share of CONFIDENCE, its neighbours the rest.

        Raises:
            TextddError: the start has no words, there are fewer words than R, or R leaves nothing to mix.
        """
        words = len(source.vectors)
        if not 2 <= rank <= words:
            raise TextddError(
                f"Got distiller.rank={rank}; a mixture is of 2 to {words} candidate words. Type: distiller.rank=8"
            )
        used, places = source.words().unique(return_inverse=True)
        candidates = neighbours(used, source.vectors, rank)[places]  # (M, L, R)
        logits = torch.zeros(candidates.shape, dtype=source.vectors.dtype)
        logits[..., 0] = math.log(CONFIDENCE / (1 - CONFIDENCE) * (rank - 1))
        return cls(candidates, logits, source.vectors)

    def forward(self) -> Tensor:
        """The texts (M, L, D)."""
        count, length, rank = self.logits.shape
        shares = self.logits.softmax(dim=-1).view(-1, rank)
        x = F.embedding_bag(self.candidates.view(-1, rank), self.vectors, per_sample_weights=shares, mode="sum")
        return x.view(count, length, -1)

    def stored(self) -> dict[str, Tensor]:
        """Word numbers and logits, in 16 bits where they fit."""
        small = torch.int16 if len(self.vectors) <= 1 << 15 else torch.int32
        return {"candidates": self.candidates.to(small), "logits": narrowed(self.logits.detach())}

    @classmethod
    def from_stored(cls, tensors: dict[str, Tensor], vectors: Tensor | None) -> Self:
        """Rebuild from word numbers and logits.

        Raises:
            KeyError: a tensor is missing.
            ValueError: there is no such word.
        """
        candidates = tensors["candidates"]
        if vectors is None:
            raise ValueError("mixtures are of words, and there are no word vectors")
        if candidates.shape != tensors["logits"].shape or candidates.dim() != 3:
            raise ValueError(f"candidates {tuple(candidates.shape)} for logits {tuple(tensors['logits'].shape)}")
        if not 0 <= int(candidates.min()) <= int(candidates.max()) < len(vectors):
            raise ValueError(f"word {int(candidates.min())} or {int(candidates.max())} of {len(vectors)} words")
        logits = widened(tensors["logits"])
        return cls(candidates, logits, vectors.to(logits.dtype))  # a set that was distilled in 64 bits has such logits

    def first(self, count: int) -> Self:
        """The first `count` texts alone."""
        return type(self)(self.candidates[:count], self.logits.detach()[:count], self.vectors)

    def words(self) -> Tensor:
        """The likeliest word of each position (M, L)."""
        return self.candidates.gather(-1, self.logits.argmax(-1, keepdim=True)).squeeze(-1)


def neighbours(ids: Tensor, vectors: Tensor, count: int) -> Tensor:
    """Find the `count` words nearest to each word by the cosine of their vectors (V, D), itself first.

    The empty position behind the end of a text is nobody's neighbour; its own are the first words of the vocabulary,
    which are the most frequent.

    Args:
        ids: words (U,).
        vectors: word vectors (V, D).
        count: at most V.

    Returns:
        Word numbers (U, count), int64.
    """
    directions = F.normalize(vectors, dim=1)
    found = []
    for chunk in ids.split(CHUNK):
        cosines = directions[chunk] @ directions.t()  # (U, V)
        cosines[:, PAD] = -torch.inf
        cosines[chunk == PAD] = -torch.arange(len(vectors)).to(cosines)
        cosines[torch.arange(len(chunk)), chunk] = torch.inf
        found.append(cosines.topk(count, dim=1).indices)
    return torch.cat(found)
