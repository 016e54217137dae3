"""The words of a space: tokens that a text can be written with, so that it is read as the very same tokens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor
from torch.nn import functional as F

from textdd.sets.texts import Text
from textdd.spaces.space import Space, TokenBatch
from textdd.spaces.tokeniser import BETWEEN, SPECIAL

METRICS = ("cosine", "euclid")
"""How near a word is: by the angle between vectors, or by their distance."""

CHUNK = 1000
"""Vectors whose neighbours are looked for at a time: all at once would take gigabytes."""

BEFORE = "a"
"""A word behind which others are tried: tokenisers may treat the first one of a text in another way."""


@dataclass(frozen=True)
class Words:
    """Which tokens of a space are words.

    A token is a word if a text that has it between spaces is read as this token. Parts of words are none, since they
    are read as something else when they stand alone, and the tokens of the frame are none.

    Attributes:
        table: a vector for every token (V, D).
        written: each token as it is written (V,).
        known: whether it is a word (V,), bool.
        marks: whether it stands for no word at all: padding, unknown words, the frame (V,), bool.
    """

    table: Tensor
    written: list[str]
    known: Tensor
    marks: Tensor

    def nearest(self, x: Tensor, count: int, metric: str) -> Tensor:
        """The words nearest to vectors, the nearest first.

        Args:
            x: the vectors (n, D).
            count: how many; at most as many as there are words.
            metric: one of METRICS.

        Returns:
            Token numbers (n, count), int64.
        """
        ids = torch.nonzero(self.known).squeeze(1)
        rows = self.table[ids]
        found = [closeness(part, rows, metric).topk(min(count, len(ids)), dim=1).indices for part in x.split(CHUNK)]
        return ids[torch.cat(found)]

    def empty(self, x: Tensor) -> Tensor:
        """Whether vectors (n, D) stand for no word: a mark, such as the empty vector of padding, is nearest (n,)."""
        return torch.cat([self.marks[closeness(part, self.table, "euclid").argmax(1)] for part in x.split(CHUNK)])

    def texts(self, tokens: TokenBatch) -> list[Text]:
        """Write out N texts of words (N, L), whatever is around them; of pairs, both segments."""
        words = self.known[tokens.ids] & tokens.mask
        parts = [words] if tokens.second is None else [words & ~tokens.second, words & tokens.second]
        rows = zip(tokens.ids, *parts, strict=True)
        return [tuple(" ".join(self.written[i] for i in ids[part].tolist()) for part in of) for ids, *of in rows]


def words_of(space: Space) -> Words:
    """Find the words of a space."""
    tokeniser, size = space.tokeniser, len(space.table)
    decoded = tokeniser.decode_batch([[number] for number in range(size)], skip_special_tokens=False)
    written = [word.strip() for word in decoded]
    before = len(space.encode(pa.array([BEFORE])).tokens)
    read = space.encode(pa.array([f"{BEFORE} {word}" for word in written]))
    last = read.tokens[np.cumsum(read.lengths) - 1]
    known = torch.from_numpy((read.lengths == before + 1) & (last == np.arange(size)))
    added = [number for number, token in tokeniser.get_added_tokens_decoder().items() if token.special]
    named = [tokeniser.token_to_id(name) for name in (*SPECIAL, BETWEEN)]
    frame = (*space.frame.before, *space.frame.between, *space.frame.after)
    marks = torch.zeros(size, dtype=torch.bool)
    marks[[number for number in (*added, *named, *frame) if number is not None and number < size]] = True
    return Words(space.table, written, known & ~marks, marks)


def closeness(x: Tensor, rows: Tensor, metric: str) -> Tensor:
    """How near each of m vectors (m, D) is to each of n (n, D): (n, m); more is nearer."""
    if metric == "cosine":
        return F.normalize(x, dim=1) @ F.normalize(rows, dim=1).t()
    return 2 * x @ rows.t() - rows.square().sum(1)
