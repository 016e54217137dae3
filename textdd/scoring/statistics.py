"""Figures over sets and students: spread of each apart, intervals, and paired tests against a baseline.

Values are (S, K): S sets, of each K students, whose initialisations are the same K for every set. Students of one set
are no independent draws of a method: where there are several sets, each counts once, with the mean of its students.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import stats

Values = list[list[float]]
"""Of S sets, one for each of K students."""


def spread(values: Values, confidence: float) -> dict[str, Any]:
    """Mean, deviation over sets and over students apart, and an interval for the mean.

    Args:
        values: (S, K).
        confidence: of the interval, such as 0.95.

    Returns:
        `mean`; `over_sets`, the deviation of the means of sets, null for one; `over_students`, the deviation within
        sets (the root of their mean variance), null for one student; `interval`, of Student's t over `unit`, which is
        `sets`, or `students` where there is but one set; null where there is but one of these.
    """
    found = np.array(values, np.float64)
    means = found.mean(1)
    several = len(means) > 1
    return {
        "mean": float(means.mean()),
        "over_sets": float(means.std(ddof=1)) if several else None,
        "over_students": float(math.sqrt(found.var(1, ddof=1).mean())) if found.shape[1] > 1 else None,
        "unit": "sets" if several else "students",
        "interval": interval(means if several else found[0], confidence),
    }


def interval(drawn: np.ndarray, confidence: float) -> list[float] | None:
    """The interval of Student's t for the mean of some draws (n,); null of a single one."""
    if len(drawn) < 2:
        return None
    half = stats.t.ppf((1 + confidence) / 2, len(drawn) - 1) * drawn.std(ddof=1) / math.sqrt(len(drawn))
    return [float(drawn.mean() - half), float(drawn.mean() + half)]


def paired(ours: Values, theirs: Values, confidence: float) -> dict[str, Any]:
    """A paired t-test of a method against a baseline.

    Of several sets, set s is paired with the baseline's set s, and a pair's difference is that of the means over the
    same K initialisations. A single set is paired student by student: with the same initialisation on, in the mean, all
    sets of the baseline; then the test speaks of this set alone.

    Args:
        ours: (S, K).
        theirs: (R, K), R at least S.
        confidence: of the interval of the difference.

    Returns:
        `difference`, `interval` and `p` (two-sided; null of a single pair), `unit` and how many pairs, `n`.
    """
    mine, other = np.array(ours, np.float64), np.array(theirs, np.float64)
    several = len(mine) > 1
    differences = mine.mean(1) - other[: len(mine)].mean(1) if several else mine[0] - other.mean(0)
    return {
        "difference": float(differences.mean()),
        "interval": interval(differences, confidence),
        "p": p_value(differences),
        "unit": "sets" if several else "students",
        "n": len(differences),
    }


def p_value(differences: np.ndarray) -> float | None:
    """Of a two-sided t-test that the mean of differences (n,) is zero; null of a single one."""
    if len(differences) < 2:
        return None
    deviation = differences.std(ddof=1)
    if deviation <= 1e-12:  # all alike: nothing is left to chance
        return 1.0 if abs(differences.mean()) <= 1e-12 else 0.0
    t = differences.mean() / (deviation / math.sqrt(len(differences)))
    return float(2 * stats.t.sf(abs(t), len(differences) - 1))
