"""What an inner optimiser is: a pure function on flat vectors, so that training can be differentiated through it.

It works element by element, so it takes stacks (K, P) of the vectors of K students as well.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor

Slots = tuple[Tensor, ...]
"""What an optimiser remembers between steps: vectors (P,) such as a momentum."""


class Optimiser(ABC):
    """One update rule theta' = theta - step size * direction.

    Attributes:
        step_scale: what a distiller's step sizes, which are those that suit Adam, are multiplied by.
    """

    step_scale: ClassVar[float] = 1.0

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
            step_size: a scalar tensor, or one for each parameter (P,); may carry a gradient.
            t: how many steps were taken before this one, 0-based.

        Returns:
            The next parameters (P,) and the next memory.
        """
