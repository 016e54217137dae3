"""Classes that hardly are any: with too few texts to learn from, or called almost as another."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np

from textdd.errors import TextddError, cut, some_of


def rare_classes(classes: Sequence[str], counts: np.ndarray, least: int) -> tuple[frozenset[str], str]:
    """The classes to leave out, and what is said of them.

    Args:
        classes: the C class names.
        counts: training texts of each (C,).
        least: how many a class must have.

    Raises:
        TextddError: fewer than two are left.
    """
    rare = frozenset(name for name, count in zip(classes, counts, strict=True) if count < least)
    there = some_of([f"{cut(name)!r} ({counts[i]})" for i, name in enumerate(classes) if name in rare])
    if len(classes) - len(rare) < 2:
        raise TextddError(
            f"Got dataset.min_per_class={least}, which leaves {len(classes) - len(rare)} of {len(classes)} classes; 2 "
            f"are needed. Too few training texts have {there}. Type: dataset.min_per_class={np.sort(counts)[-2]}"
        )
    return rare, f"classes with fewer than {least} training texts left out: {there}"


def alike(classes: Sequence[str]) -> list[str]:
    """What is said of classes whose names differ in nothing but case, blanks or the form of their letters."""
    groups: dict[str, list[str]] = {}
    for name in classes:
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
        groups.setdefault("".join(folded.split()), []).append(repr(cut(name)))
    return [
        f"warning: {' and '.join(names[:9])} are different classes; if they mean the same, make them one in the file"
        for names in groups.values()
        if len(names) > 1
    ]
