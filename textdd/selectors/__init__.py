"""Selectors: baselines that pick real examples, one per file, named as in the literature."""

from __future__ import annotations

from functools import partial

from textdd.selection import Selector, select_by_class
from textdd.selectors.herding import herd
from textdd.selectors.k_center import farthest_first
from textdd.selectors.k_means import nearest_to_centres
from textdd.selectors.less import select_less
from textdd.selectors.random import select_random

SELECTORS: dict[str, Selector] = {
    "random": select_random,
    "herding": partial(select_by_class, herd),
    "k_center": partial(select_by_class, farthest_first),
    "k_means": partial(select_by_class, nearest_to_centres),
    "less": select_less,
}
"""The choices of `evaluation.selectors`."""

__all__ = ["SELECTORS"]
