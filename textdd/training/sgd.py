"""Gradient descent, plain and with momentum."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from textdd.training.optimiser import Optimiser, Slots


@dataclass(frozen=True)
class SGD(Optimiser):
    """Plain gradient descent: equation 1 of Li & Li (2021)."""

    def start(self, theta: Tensor) -> Slots:
        """Nothing to remember."""
        del theta
        return ()

    def update(self, theta: Tensor, gradient: Tensor, slots: Slots, step_size: Tensor, t: int) -> tuple[Tensor, Slots]:
        """Theta' = theta - step size * gradient."""
        del t
        return theta - step_size * gradient, slots


@dataclass(frozen=True)
class Momentum(Optimiser):
    """Heavy-ball momentum (Polyak, 1964), in the form of torch.optim.SGD.

    Attributes:
        mu: how much of the last direction is kept.
    """

    mu: float = 0.9

    def start(self, theta: Tensor) -> Slots:
        """One velocity (P,), at rest."""
        return (torch.zeros_like(theta),)

    def update(self, theta: Tensor, gradient: Tensor, slots: Slots, step_size: Tensor, t: int) -> tuple[Tensor, Slots]:
        """V' = mu v + gradient; theta' = theta - step size * v'."""
        del t
        velocity = self.mu * slots[0] + gradient
        return theta - step_size * velocity, (velocity,)
