"""The baseline of every paper: real examples drawn at random, as many of each class."""

from __future__ import annotations

import numpy as np

from textdd.seeds import numpy_generator
from textdd.spaces.reading import Reader, Reading


def select_random(train: Reading, reader: Reader, per_class: int, seed: int) -> np.ndarray:
    """Draw `per_class` distinct examples of every class.

    Args:
        train: the training texts.
        reader: tells the classes; chance looks at no words.
        per_class: M / C.
        seed: another seed draws another subset.

    Returns:
        Rows of the split (M,); row m belongs to class m mod C, as in a distilled set.
    """
    generator = numpy_generator(seed, "random subset")
    strata, classes = train.split.strata, range(reader.student.task.classes)
    chosen = [generator.choice(np.flatnonzero(strata == c), per_class, replace=False) for c in classes]
    return np.stack(chosen, axis=1).ravel()
