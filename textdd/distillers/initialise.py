"""Where the distilled texts start: noise, real texts, or the real texts nearest to k-means centres."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from textdd.data.corpus import Split
from textdd.errors import unknown_choice
from textdd.seeds import derive, numpy_generator, torch_generator

STARTS = ("noise", "real", "kmeans")
CANDIDATES = 2000
"""Texts of a class that k-means looks at: more change the centres little and take long."""


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
    choose = random_of_class if start == "real" else nearest_to_centres
    classes = int(split.labels.max()) + 1
    chosen = np.stack([choose(split, table, c, per_class, seed) for c in range(classes)], axis=1)
    ids = split.batch(chosen.ravel()).ids[:, :length]  # row-major: one of each class in turn
    return torch.nn.functional.pad(ids, (0, length - ids.shape[1]))


def random_of_class(split: Split, table: Tensor, label: int, count: int, seed: int) -> np.ndarray:
    """Draw `count` distinct rows of one class."""
    del table
    rows = np.flatnonzero(split.labels == label)
    return numpy_generator(seed, "start", label).choice(rows, count, replace=False)


def nearest_to_centres(split: Split, table: Tensor, label: int, count: int, seed: int) -> np.ndarray:
    """Find the rows of one class whose mean word vectors are nearest to `count` k-means centres, each row once."""
    from sklearn.cluster import KMeans  # takes a second, and most starts do without

    rows = np.flatnonzero(split.labels == label)
    generator = numpy_generator(seed, "candidates", label)
    rows = generator.choice(rows, min(len(rows), max(CANDIDATES, count)), replace=False)
    ids, mask, _ = split.batch(rows)
    means = (table[ids] * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True)  # (N, D)
    state = derive(seed, "k-means", label) % 2**32
    centres = torch.from_numpy(KMeans(count, n_init=1, random_state=state).fit(means.numpy()).cluster_centers_)
    distances = torch.cdist(centres.to(means), means)  # (count, N)
    chosen: list[int] = []
    for row in distances:
        row[chosen] = torch.inf
        chosen.append(int(row.argmin()))
    return rows[chosen]
