"""Matrices as texts: which positions stand for words, and where these come to stand when the text is read again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from textdd.errors import TextddError
from textdd.projecting.words import Words, closeness
from textdd.spaces.space import Space, TokenBatch
from textdd.spaces.store import Encoded


class Placed(NamedTuple):
    """M texts of the words nearest to the positions of matrices, as students read them.

    Attributes:
        tokens: the texts, within what the space puts around them (M, L).
        places: where words are (M, L), bool.
        x: the vectors that the words stand for (M, L, D), without what marks a second segment; zero elsewhere.
    """

    tokens: TokenBatch
    places: Tensor
    x: Tensor


def placed(matrices: Tensor, space: Space, words: Words, metric: str, *, pair: bool) -> Placed:
    """Find the words nearest to matrices.

    The frame takes its places from a matrix's ends, and positions that stand for no word are left out.

    Args:
        matrices: texts as embeddings (M, L, D); what students of the space do not read of them is cut off.
        space: what they are embeddings of.
        words: its words.
        metric: how near words are.
        pair: whether each is two segments.

    Raises:
        TextddError: they are too short to hold a word.
    """
    around, least = space.frame.size(pair=pair), 1 + pair
    if matrices.shape[1] < around + least:
        raise TextddError(
            f"The matrices have {matrices.shape[1]} positions, and {around} of them are none of words. Distil longer "
            f"texts. Type: distiller=meta_gradient distiller.length={around + 6}"
        )
    rows = [segments(row, space, words, pair=pair) for row in matrices[:, : space.length]]
    tokens = space.framed([encoded(part, words, metric) for part in zip(*rows, strict=True)])
    places = words.known[tokens.ids] & tokens.mask
    x = torch.zeros(*places.shape, matrices.shape[2])
    x[places] = torch.cat([segment for row in rows for segment in row])
    return Placed(tokens, places, x)


def encoded(segments: Sequence[Tensor], words: Words, metric: str) -> Encoded:
    """The words nearest to the positions of M segments (l, D)."""
    lengths = np.array([len(segment) for segment in segments], np.int64)
    return Encoded(words.nearest(torch.cat(list(segments)), 1, metric)[:, 0].numpy(), lengths, lengths)


def segments(row: Tensor, space: Space, words: Words, *, pair: bool) -> list[Tensor]:
    """The positions of one matrix (L, D) that stand for words, segment by segment (l, D).

    Where a pair turns from one segment to the other was learned away if it was ever there; the position that is most
    like what stands between them is taken for it.
    """
    frame = space.frame
    row = row[len(frame.before) : len(row) - len(frame.after)]
    if not pair:
        return [without_empty(row, words)]
    inside = row[1 : len(row) - len(frame.between)]
    likeness = closeness(inside, space.table[list(frame.between[:1])], "cosine")
    turn = 1 + int(likeness.argmax()) if frame.between else len(row) // 2
    both = row[:turn], row[turn + len(frame.between) :] - space.second
    return [without_empty(segment, words) for segment in both]


def without_empty(segment: Tensor, words: Words) -> Tensor:
    """The positions (l, D) that stand for words; all of them where none does, since no text is empty."""
    kept = ~words.empty(segment)
    return segment[kept] if kept.any() else segment
