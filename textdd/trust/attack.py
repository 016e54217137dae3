"""Membership inference by a threshold: members are texts that a student finds easier than others.

Yeom et al., *Privacy risk in machine learning* (2018): whoever trained on a text has less loss on it. Carlini et al.,
*Membership inference attacks from first principles* (2022): what counts is how many members are found while hardly any
other is taken for one, so beside the area under the curve stands the share found at 1 % false positives.
"""

from __future__ import annotations

from typing import Any

import numpy as np

FALSE_POSITIVES = 0.01
"""Share of others that may be taken for members."""


def area(members: np.ndarray, others: np.ndarray) -> float:
    """The chance that a member has less loss than another text, ties counting half: the mean over K students.

    Args:
        members: losses (K, n).
        others: losses (K, m).
    """
    found = []
    for own, other in zip(members, np.sort(others, axis=1), strict=True):
        above = len(other) - (np.searchsorted(other, own, "left") + np.searchsorted(other, own, "right")) / 2
        found.append(above.mean() / len(other))
    return float(np.mean(found))


def found_at(members: np.ndarray, others: np.ndarray, rate: float = FALSE_POSITIVES) -> float:
    """The share of members with less loss than all but `rate` of the others: the mean over K students.

    Args:
        members: losses (K, n).
        others: losses (K, m).
        rate: of the others, rounded down to whole texts.
    """
    thresholds = np.sort(others, axis=1)[:, int(rate * others.shape[1])]
    return float((members < thresholds[:, None]).mean())


def attacked(
    members: np.ndarray, others: np.ndarray, resamples: int, confidence: float, generator: np.random.Generator
) -> dict[str, Any]:
    """Both measures with percentile intervals of a bootstrap over texts; the students stay the same.

    Args:
        members: losses (K, n).
        others: losses (K, m).
        resamples: how many times texts are drawn with replacement.
        confidence: of the intervals.
        generator: draws.

    Returns:
        `area` and `found`, each with `value` and `interval`; 0.5 and 0.01 are those of guessing.
    """
    drawn = np.zeros((resamples, 2))
    for number in range(resamples):
        own = members[:, generator.integers(members.shape[1], size=members.shape[1])]
        other = others[:, generator.integers(others.shape[1], size=others.shape[1])]
        drawn[number] = area(own, other), found_at(own, other)
    ends = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    values = {"area": area(members, others), "found": found_at(members, others)}
    return {
        name: {"value": value, "interval": ends[:, column].tolist()}
        for column, (name, value) in enumerate(values.items())
    }
