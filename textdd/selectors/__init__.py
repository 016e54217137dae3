"""Selectors: baselines that pick real examples, one per file."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from textdd.data.corpus import Split
from textdd.selectors.random import select_random

Selector = Callable[[Split, int, int], np.ndarray]
"""(split, per_class, seed) -> rows (M,), row m of class m mod C."""

SELECTORS: dict[str, Selector] = {"random": select_random}

__all__ = ["SELECTORS", "Selector", "select_random"]
