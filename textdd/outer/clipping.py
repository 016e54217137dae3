"""Adaptive clipping of hypergradients: they explode at times, and a fixed bound would need tuning per data set."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import nn

from textdd.errors import TextddError


class AdaptiveClip:
    """Clip to a multiple of a running mean of the gradient's norm (Feng et al. 2023, RaT-BPTT).

    Args:
        factor: how many times the running mean is allowed; 0 switches clipping off.
        decay: how much of the running mean each step keeps.
        patience: steps in a row with a gradient that is not finite before the run is given up.
    """

    def __init__(self, factor: float = 2.0, decay: float = 0.9, patience: int = 20) -> None:
        self.factor, self.decay, self.patience = factor, decay, patience
        self.mean = math.nan
        self.bad = 0

    def __call__(self, parameters: Iterable[nn.Parameter]) -> float:
        """Scale the gradients in place and return their norm before scaling.

        A gradient that is not finite is replaced by zero: one exploded student must not end a run.

        Raises:
            TextddError: the gradient was not finite `patience` times in a row.
        """
        gradients = [p.grad for p in parameters if p.grad is not None]
        norm = float(torch.nn.utils.get_total_norm(gradients))
        if not math.isfinite(norm):
            self.bad += 1
            if self.bad >= self.patience:
                raise TextddError(
                    f"The hypergradient was not finite in {self.bad} outer steps in a row: the inner training "
                    "diverges. Type a smaller step size, such as distiller.step_size=0.001, or a shorter "
                    "training, such as distiller.inner_steps=8."
                )
            for gradient in gradients:
                gradient.zero_()
            return norm
        self.bad = 0
        bound = norm if math.isnan(self.mean) else self.factor * self.mean
        if self.factor > 0 and norm > bound:
            for gradient in gradients:
                gradient.mul_(bound / norm)
        kept = min(norm, bound) if self.factor > 0 else norm
        self.mean = kept if math.isnan(self.mean) else self.decay * self.mean + (1 - self.decay) * kept
        return norm

    def state_dict(self) -> dict[str, float]:
        """The running mean and the count of bad steps, for checkpoints."""
        return {"mean": self.mean, "bad": float(self.bad)}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Take up a stored running mean."""
        self.mean, self.bad = state["mean"], int(state["bad"])
