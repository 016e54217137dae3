"""The likelihood-ratio attack: how unusual a student's confidence in a text is for students that never saw it.

Carlini et al., *Membership inference attacks from first principles* (2022), offline variant (their section V): a text
that every student finds easy is not taken for a member because this one finds it easy. N shadow students, which are
trained like those that are attacked but on none of the attacked texts, say how confident students are who have not seen
a text; the more confident an attacked student is beyond that, the likelier the text was among what it learned from.
"""

from __future__ import annotations

import numpy as np

OF_ITS_OWN = 64
"""Shadow students from which on the deviation of each text is measured by itself; fewer share one over all texts, as
Carlini et al. do it."""

LEAST_LOSS = 1e-12
"""Losses below have no room for another confidence in double precision."""


def confidence(losses: np.ndarray) -> np.ndarray:
    """The logarithm of the odds p / (1 - p) that a student gives to the right answer, of any shape; p = exp(-loss).

    It is about normally distributed over students, which p is not.
    """
    least = np.maximum(losses, LEAST_LOSS)
    return -least - np.log(-np.expm1(-least))


def surprise(losses: np.ndarray, of_shadows: np.ndarray) -> np.ndarray:
    """How many deviations above that of shadow students the confidence in each text is (K, n).

    Args:
        losses: of the K students that are attacked (K, n).
        of_shadows: of N shadow students on the same texts (N, n), two at least.
    """
    outside = confidence(of_shadows)
    middle, spread = outside.mean(axis=0), outside.std(axis=0, ddof=1)
    if len(of_shadows) < OF_ITS_OWN:
        spread = np.full_like(spread, np.sqrt((spread**2).mean()))
    return (confidence(losses) - middle) / np.maximum(spread, 1e-12)
