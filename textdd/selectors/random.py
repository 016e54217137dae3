"""The baseline of every paper: real examples drawn at random, as many of each class."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from textdd.corpora.corpus import Split
from textdd.seeds import numpy_generator


def select_random(split: Split, table: Tensor, per_class: int, seed: int) -> np.ndarray:
    """Draw `per_class` distinct examples of every class.

    Args:
        split: the training texts.
        table: not used, chance looks at no words.
        per_class: M / C.
        seed: another seed draws another subset.

    Returns:
        Rows of the split (M,); row m belongs to class m mod C, as in a distilled set.
    """
    del table
    generator = numpy_generator(seed, "random subset")
    labels = split.labels
    chosen = [generator.choice(np.flatnonzero(labels == c), per_class, replace=False) for c in np.unique(labels)]
    return np.stack(chosen, axis=1).ravel()
