"""What selectors measure distances between: the mean word vector of a text, cheap and without any training."""

from __future__ import annotations

import numpy as np
from torch import Tensor
from torch.nn import functional as F

from textdd.corpora.corpus import Split
from textdd.spaces.tokeniser import PAD


def mean_word_vectors(split: Split, rows: np.ndarray, table: Tensor) -> Tensor:
    """Average the word vectors of each text, over the tokens that are read of it.

    Args:
        split: the texts.
        rows: their positions in the split (N,).
        table: word vectors (V, D).

    Returns:
        Features (N, D), float64 on the CPU, so that rounding decides nothing.
    """
    ids = split.batch(rows).ids.to(table.device)
    # One fused operation: the embeddings themselves (N, L, D) would take L times the memory.
    return F.embedding_bag(ids, table, mode="mean", padding_idx=PAD).cpu().double()
