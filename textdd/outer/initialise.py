"""Where the distilled texts start: noise, real texts, or the real texts nearest to k-means centres."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from textdd.corpora.corpus import Split
from textdd.errors import unknown_choice
from textdd.seeds import numpy_generator, torch_generator
from textdd.selectors import SELECTORS

STARTS = ("noise", "real", "kmeans")


def initial_texts(start: str, split: Split, table: Tensor, per_class: int, length: int, seed: int) -> Tensor:
    """Make the texts (M, L, D) that distilling starts from; row m belongs to class m mod C.

    Args:
        start: `noise` (the paper), `real`, or `kmeans`.
        split: the training texts.
        table: word vectors (V, D).
        per_class: M / C.
        length: L of a distilled text; longer real texts are cut, shorter ones end in zeros.
        seed: the run's seed.

    Raises:
        TextddError: no such start.
    """
    ids = initial_words(start, split, table, per_class, length, seed)
    if ids is not None:
        return table[ids]
    classes = int(split.labels.max()) + 1
    noise = torch.randn(per_class * classes, length, table.shape[1], generator=torch_generator(seed, "noise"))
    return noise * table.std()


def initial_words(start: str, split: Split, table: Tensor, per_class: int, length: int, seed: int) -> Tensor | None:
    """Choose the words (M, L) of those texts, zero beyond the end of a text; None for noise, which has none.

    Arguments and errors as for `initial_texts`.
    """
    if start == "noise":
        return None
    if start not in STARTS:
        raise unknown_choice("start of the distilled texts", start, STARTS, "distiller.start")
    if start == "kmeans":
        rows = SELECTORS["k_means"](split, table, per_class, seed)
    else:  # row-major: one of each class in turn
        classes = range(int(split.labels.max()) + 1)
        rows = np.stack([random_of_class(split, c, per_class, seed) for c in classes], axis=1).ravel()
    ids = split.batch(rows).ids[:, :length]
    return torch.nn.functional.pad(ids, (0, length - ids.shape[1]))


def random_of_class(split: Split, label: int, count: int, seed: int) -> np.ndarray:
    """Draw `count` distinct rows of one class."""
    rows = np.flatnonzero(split.labels == label)
    return numpy_generator(seed, "start", label).choice(rows, count, replace=False)
