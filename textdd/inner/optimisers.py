"""Inner optimisers as pure functions on flat vectors, so that training can be differentiated through them.

Each agrees with its namesake in torch.optim (tests compare them step by step).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from textdd.errors import unknown_choice

Slots = tuple[Tensor, ...]
"""What an optimiser remembers between steps: vectors (P,) such as a momentum."""


class Optimiser(ABC):
    """One update rule theta' = theta - step size * direction."""

    @abstractmethod
    def start(self, theta: Tensor) -> Slots:
        """Memory before the first step, for parameters theta (P,)."""

    @abstractmethod
    def update(self, theta: Tensor, gradient: Tensor, slots: Slots, step_size: Tensor, t: int) -> tuple[Tensor, Slots]:
        """Take one step.

        Args:
            theta: parameters (P,).
            gradient: gradient of the loss at theta (P,).
            slots: the optimiser's memory.
            step_size: a scalar tensor; may carry a gradient.
            t: how many steps were taken before this one, 0-based.

        Returns:
            The next parameters (P,) and the next memory.
        """


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


@dataclass(frozen=True)
class Adam(Optimiser):
    """Adam (Kingma & Ba, 2015).

    Attributes:
        beta1: decay of the mean of the gradients.
        beta2: decay of the mean of their squares.
        epsilon: added to the root of the second mean.
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def start(self, theta: Tensor) -> Slots:
        """Two means (P,), at zero."""
        return torch.zeros_like(theta), torch.zeros_like(theta)

    def update(self, theta: Tensor, gradient: Tensor, slots: Slots, step_size: Tensor, t: int) -> tuple[Tensor, Slots]:
        """M' and v' are running means; theta' = theta - step size * m^ / (sqrt(v^) + epsilon)."""
        mean = torch.lerp(slots[0], gradient, 1 - self.beta1)
        square = self.beta2 * slots[1] + (1 - self.beta2) * gradient * gradient
        # Where a unit never fired its gradient is exactly zero, and the root's derivative there would be infinite:
        # the floor is far below epsilon squared, so it changes no step but makes that derivative zero.
        root = (square / (1 - self.beta2 ** (t + 1))).clamp_min(1e-30).sqrt()
        direction = mean / (1 - self.beta1 ** (t + 1)) / (root + self.epsilon)
        return theta - step_size * direction, (mean, square)


OPTIMISERS: dict[str, type[Optimiser]] = {"sgd": SGD, "momentum": Momentum, "adam": Adam}
"""The choices of `distiller.inner_optimiser=`."""


def make_optimiser(name: str) -> Optimiser:
    """Build an inner optimiser with its usual constants.

    Raises:
        TextddError: no optimiser has that name.
    """
    if name not in OPTIMISERS:
        raise unknown_choice("inner optimiser", name, OPTIMISERS, "distiller.inner_optimiser")
    return OPTIMISERS[name]()
