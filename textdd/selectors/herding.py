"""Herding: texts whose running mean follows the mean of their class.

Welling, *Herding dynamical weights to learn* (2009), on mean word vectors φ(x) with mean μ. The weights start at
w₀ = μ; each step picks the text most in line with them, and they move by what is still missing:

    x_t = argmax_x ⟨w_{t-1}, φ(x)⟩ − ‖φ(x)‖² / 2        w_t = w_{t-1} + μ − φ(x_t)

The term with the norm, which Welling's features of equal length do not need, makes the pick the one that brings the
mean of all picks nearest to μ, as in algorithm 4 of Rebuffi et al., *iCaRL* (2017). No text is picked twice.
"""

from __future__ import annotations

import torch
from torch import Tensor


def herd(features: Tensor, count: int, seed: int) -> list[int]:
    """Pick `count` texts greedily so that after each pick their mean is as near as can be to that of all.

    Args:
        features: of all texts (N, D).
        count: how many to pick, at most N.
        seed: not used, there is no chance in it.
    """
    del seed
    mean, halves = features.mean(0), features.square().sum(1) / 2
    weights = mean.clone()
    chosen: list[int] = []
    for _ in range(count):
        scores = features @ weights - halves
        scores[chosen] = -torch.inf
        chosen.append(int(scores.argmax()))
        weights += mean - features[chosen[-1]]
    return chosen
