"""Averages of iterates: the late outer steps circle around a good set, and their mean is nearer to it."""

from __future__ import annotations

import copy

import torch
from torch import nn


class Averaged(nn.Module):
    """An exponential moving average of a module's parameters (Polyak & Juditsky 1992; DATM averages so too).

    Args:
        module: the module whose parameters are followed.
        decay: share of the old average that each step keeps; the first steps keep less, so that the
            initialisation is forgotten at once.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        super().__init__()
        self.module = copy.deepcopy(module).requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def follow(self, module: nn.Module, step: int) -> None:
        """Move the average towards the module's parameters after outer step `step` (0-based)."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for mean, parameter in zip(self.module.parameters(), module.parameters(), strict=True):
            mean.lerp_(parameter, 1 - decay)
