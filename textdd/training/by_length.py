"""Reading texts of like length together: a batch that holds a long text does not make a long one of every other.

A student's answers do not depend on how much padding follows a text, so that a batch may be read in parts, each as
long as its own longest text, to the same answers but for rounding. Where texts are long, reading real ones is most of
an outer step, and they differ most.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

LONG = 100
"""Tokens up to which a batch is read as it is: a training on a distilled set takes longer than that."""

PARTS = 4
"""A batch is read in so many parts of equally many texts."""


def by_length(read: Callable[[Tensor, Tensor | None], Tensor], x: Tensor, mask: Tensor | None) -> Tensor:
    """What `read` says of N texts, those of like length read together.

    Args:
        read: gives answers (N, C), or (K, N, C) of K students, to texts (N, L, D) and their mask (N, L).
        x: embeddings (N, L, D).
        mask: true at tokens (N, L), between which there may be gaps; None where there is no padding.
    """
    if mask is None or x.shape[1] <= LONG or len(x) < PARTS:
        return read(x, mask)
    lengths = (mask * torch.arange(1, x.shape[1] + 1, device=mask.device)).amax(1)  # up to the last token
    order = lengths.argsort()
    parts = []
    for rows in order.chunk(PARTS):
        longest = max(1, int(lengths[rows[-1]]))
        parts.append(read(x[rows, :longest], mask[rows, :longest]))
    return torch.cat(parts, dim=-2).index_select(-2, order.argsort())


def read_as(lengths: np.ndarray, longest: int, batch: int) -> float:
    """Tokens that a text is read as on average, in batches that are read so.

    Args:
        lengths: of all texts that they are drawn from (n,).
        longest: L, of the longest that is read.
        batch: N.
    """
    if longest <= LONG or batch < PARTS:
        return longest
    bounds = np.sort(lengths)[np.arange(1, PARTS + 1) * len(lengths) // PARTS - 1]
    return float(bounds.mean())
