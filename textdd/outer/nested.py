"""Nested sets: one set whose beginnings are good sets themselves, so that one artefact serves several budgets.

Feng et al. (2023) distil a small set and extend it. Here all sizes are learned at once: every student is trained on the
first n examples per class for an n that is drawn anew, by the recipe for that many. Rows are ordered by turns of the
classes, so these are the first n C rows.
"""

from __future__ import annotations

from collections.abc import Sequence

from textdd.errors import TextddError
from textdd.seeds import numpy_generator


def check_nested(sizes: Sequence[int], per_class: int | None) -> None:
    """Check examples per class of the nested sets.

    Args:
        sizes: as configured.
        per_class: that of the whole set; None where it is not known yet.

    Raises:
        TextddError: they do not ascend from 1 or more, or one is no smaller than the whole set.
    """
    shown = f"[{','.join(map(str, sizes))}]"
    valid = sorted({size for size in sizes if size >= 1 and (per_class is None or size < per_class)})
    if list(sizes) != valid:
        below = "" if per_class is None else f" below {per_class}, the examples per class of the whole set"
        raise TextddError(
            f"Got distiller.nested={shown}; it takes ascending numbers from 1{below}. "
            f"Type: distiller.nested=[{','.join(map(str, valid))}]"
        )


def draw_size(sizes: Sequence[int], per_class: int, seed: int) -> int:
    """Draw one of the sizes or the whole set, each as likely, in examples per class."""
    return int(numpy_generator(seed, "nested").choice([*sizes, per_class]))
