"""What grows with the number of classes, where it is left open.

Up to MANY classes the few steps and texts that are enough for four are enough. Beyond, a training of 24 steps cannot
tell the classes apart whatever it is taught, 128 real texts have fewer than two of a class, so that their gradient
points anywhere, and Adam, which moves a parameter as far for a tiny gradient as for a large one, makes that gradient
explode (all measured on 77 classes, experiments/README.md).
"""

from __future__ import annotations

import math
from typing import NamedTuple

from textdd.sets.parametrisations.pieces import MANY

STEPS = 24
"""T up to there; beyond, it grows with the root of the classes."""

TEXTS, PER_CLASS, MOST_TEXTS = 128, 7, 1024
"""Real texts of an outer step up to there; beyond, so many of each class, and no more than the last."""


class Grown(NamedTuple):
    """Options of a distiller, by their names, where they are left open."""

    start: str
    inner_optimiser: str
    inner_steps: int
    outer_batch: int


def grown_to(classes: int) -> Grown:
    """What is taken for C classes."""
    if classes <= MANY:
        return Grown("real", "adam", STEPS, TEXTS)
    steps = round(STEPS * math.sqrt(classes / MANY))
    return Grown("telling", "smooth_adam", steps, min(max(TEXTS, PER_CLASS * classes), MOST_TEXTS))
