"""Token batches become embeddings once they are on the device, so the table is looked up where it is fastest."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from textdd.corpora.corpus import TokenBatch


class Batch(NamedTuple):
    """N examples as students read them.

    Attributes:
        x: embeddings (N, L, D).
        mask: true at real tokens (N, L).
        labels: class numbers (N,).
    """

    x: Tensor
    mask: Tensor
    labels: Tensor


def embed(table: Tensor, batch: TokenBatch) -> Batch:
    """Look N texts up in the word-vector table (V, D)."""
    return Batch(table[batch.ids], batch.mask, batch.labels)
