"""DD-Ranking's scores, in fractions.

HLR, hard label recovery, is how much accuracy a set loses against the full data when its labels have no shades:

    HLR = acc(full data, hard labels) - acc(set, hard labels)

IOR, improvement over random, is what it gains over as many random texts with labels of the same kind, tuned alike:

    IOR = acc(set) - acc(random)

LRS, the label-robust score, puts both together; ARS, the augmentation-robust one, the gains with and without
augmentation:

    LRS = f(w IOR - (1 - w) HLR)        ARS = f(g IOR_augmented + (1 - g) IOR)        f(a) = (e^a - e^-1) / (e - e^-1)

with w = g = 1/2. The package (v0.2.0) puts percent into f, so that its scores leave [0, 1]; here all are fractions, and
a set that neither gains nor loses has f(0) = 0.269. All lie near one another then, so HLR and IOR stand beside.
Its ARS is of images. Ours, **ARS-wd**, is of word dropout: every text in as many copies as `score.copies`, from
which each word is left out with probability `score.dropped` (see `dropping.py`), for the set and for random texts
alike, each with a recipe tuned for it. Unlike the package, nothing is chosen on test texts.
"""

from __future__ import annotations

import math

HALF = 0.5
"""The weights w and g, as the package has them."""


def hard_label_recovery(full: float, hard: float) -> float:
    """HLR: lower is better."""
    return full - hard


def improvement_over_random(ours: float, random: float) -> float:
    """IOR: higher is better."""
    return ours - random


def squashed(gain: float) -> float:
    """f: -1 goes to 0, 1 to 1."""
    return (math.exp(gain) - math.exp(-1)) / (math.e - math.exp(-1))


def label_robust_score(gain: float, lost: float, weight: float = HALF) -> float:
    """LRS of IOR and HLR."""
    return squashed(weight * gain - (1 - weight) * lost)


def augmentation_robust_score(augmented: float, plain: float, weight: float = HALF) -> float:
    """ARS of the gains over random with augmentation and without."""
    return squashed(weight * augmented + (1 - weight) * plain)
