"""Averages of iterates: the late outer steps circle around a good set, and their mean is nearer to it."""

from __future__ import annotations

import copy

import torch
from torch import nn

from textdd.outer.synthetic import SyntheticSet


class Averaged(nn.Module):
    """An exponential moving average of a synthetic set (Polyak & Juditsky 1992; DATM averages so too).

    Args:
        synthetic: the set that is followed.
        decay: share of the old average that each step keeps; the first steps keep less, so that the start is
            forgotten at once.
    """

    def __init__(self, synthetic: SyntheticSet, decay: float) -> None:
        super().__init__()
        self.mean = copy.deepcopy(synthetic).requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def follow(self, synthetic: SyntheticSet, step: int) -> None:
        """Move the average towards the set after outer step `step` (0-based)."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for mean, parameter in zip(self.mean.parameters(), synthetic.parameters(), strict=True):
            mean.lerp_(parameter, 1 - decay)
