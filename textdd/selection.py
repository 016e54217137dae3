"""Selection by geometry: class by class, a method sees the features of candidate texts and picks some of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from torch import Tensor

from textdd.corpora.corpus import Split
from textdd.seeds import derive, numpy_generator
from textdd.spaces.features import mean_word_vectors

Pick = Callable[[Tensor, int, int], list[int]]
"""(features (N, D), count, seed) -> `count` distinct positions, in the order of the picking."""

CANDIDATES = 2000
"""Texts of a class that are looked at; more change what is picked little and take long."""


def select_by_class(pick: Pick, split: Split, table: Tensor, per_class: int, seed: int) -> np.ndarray:
    """Pick `per_class` distinct texts of every class.

    Args:
        pick: the method.
        split: the training texts.
        table: word vectors (V, D).
        per_class: M / C.
        seed: draws the candidates, and decides what the method leaves to chance.

    Returns:
        Rows of the split (M,); row m belongs to class m mod C, as in a distilled set.
    """
    chosen = []
    for label in map(int, np.unique(split.labels)):
        rows = candidates(split, label, per_class, seed)
        features = mean_word_vectors(split, rows, table)
        chosen.append(rows[pick(features, per_class, derive(seed, "pick", label))])
    return np.stack(chosen, axis=1).ravel()


def candidates(split: Split, label: int, count: int, seed: int) -> np.ndarray:
    """Draw the texts of one class that are looked at: rows of the split (N,), ascending.

    N is at most 2000, or ten times as many as are picked: memory does not grow with the corpus. Another seed draws
    other candidates of a class that has more; a smaller class is looked at whole, under every seed.
    """
    rows = np.flatnonzero(split.labels == label)
    size = min(len(rows), max(CANDIDATES, 10 * count))
    return np.sort(numpy_generator(seed, "candidates", label).choice(rows, size, replace=False))
