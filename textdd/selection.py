"""Selection by geometry: class by class, a method sees the features of candidate texts and picks some of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from torch import Tensor

from textdd.seeds import derive, numpy_generator
from textdd.spaces.reading import Reader, Reading

Selector = Callable[[Reading, Reader, int, int], np.ndarray]
"""(training split, reader, per_class, seed) -> rows (M,), row m of class m mod C."""

Pick = Callable[[Tensor, int, int], list[int]]
"""(features (N, D), count, seed) -> `count` distinct positions, in the order of the picking."""

CANDIDATES = 2000
"""Texts of a class that are looked at; more change what is picked little and take long."""


def select_by_class(pick: Pick, train: Reading, reader: Reader, per_class: int, seed: int) -> np.ndarray:
    """Pick `per_class` distinct texts of every class.

    Args:
        pick: the method.
        train: the training texts.
        reader: has the vectors that features are made of.
        per_class: M / C.
        seed: draws the candidates, and decides what the method leaves to chance.

    Returns:
        Rows of the split (M,); row m belongs to class m mod C, as in a distilled set.
    """
    chosen = []
    for label in range(reader.student.task.classes):
        rows = candidates(train, label, per_class, seed)
        features = train.features(rows, reader)
        chosen.append(rows[pick(features, per_class, derive(seed, "pick", label))])
    return np.stack(chosen, axis=1).ravel()


def candidates(train: Reading, label: int, count: int, seed: int) -> np.ndarray:
    """Draw the texts of one class that are looked at: rows of the split (N,), ascending.

    N is at most 2000, or ten times as many as are picked: memory does not grow with the corpus. Another seed draws
    other candidates of a class that has more; a smaller class is looked at whole, under every seed.
    """
    rows = np.flatnonzero(train.split.strata == label)
    size = min(len(rows), max(CANDIDATES, 10 * count))
    return np.sort(numpy_generator(seed, "candidates", label).choice(rows, size, replace=False))
