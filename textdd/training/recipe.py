"""The recipe: how a student is to be trained on a set. A distilled set carries its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from textdd.seeds import torch_generator

ORDERS = ("fixed", "shuffled")
"""fixed: batches follow the order of the set, again and again; shuffled: a new permutation every epoch."""


@dataclass(frozen=True)
class Recipe:
    """How to train a student on a set of M examples.

    Attributes:
        optimiser: `sgd`, `momentum`, `adam` or `smooth_adam`.
        steps: T, the number of training steps.
        batch: examples in a step; at most M are used.
        order: `fixed` or `shuffled` (see ORDERS).
        step_size: one positive step size for all steps, or one for each part of a student that has such (its head
            first); a distilled set may carry T learned ones in its place.
    """

    optimiser: str = "adam"
    steps: int = 100
    batch: int = 64
    order: str = "shuffled"
    step_size: float | tuple[float, ...] = 1e-3

    def __post_init__(self) -> None:
        # In JSON a tuple is a list; two recipes are equal whichever way they came.
        if not isinstance(self.step_size, float | int):
            object.__setattr__(self, "step_size", tuple(self.step_size))

    def for_parts(self, scales: Sequence[float]) -> Recipe:
        """The same for a student whose step size, or those of its parts, are multiples of the one that there is."""
        assert isinstance(self.step_size, float | int), "only one step size for all can be scaled"
        if len(scales) == 1:
            return replace(self, step_size=self.step_size * scales[0])
        return replace(self, step_size=tuple(self.step_size * scale for scale in scales))

    def sized(self, size: int, classes: int, batch: int = 0, epochs: int = 1) -> Recipe:
        """The same for a set of another size.

        Args:
            size: its examples.
            classes: C.
            batch: examples in a step; 0 divides the set so that T steps see every example `epochs` times; -1
                takes the whole set in every step. Otherwise a small set is divided into three at least, but not into
                less than one example per class, so it is seen several times; and of one that is too large for T such
                steps in fixed order, which would never reach its end, a step takes a T-th.
            epochs: how often T steps see the set, for a batch of 0.
        """
        least = min(size, classes)
        if batch == -1:
            return replace(self, batch=size)
        if batch == 0:
            return replace(self, batch=max(least, -(-size * epochs // self.steps)))
        fewest = -(-size // self.steps) if self.order == "fixed" else 1
        return replace(self, batch=max(fewest, min(batch, max(least, -(-size // 3)))))

    def schedule(self, size: int, seed: int) -> Tensor:
        """Row numbers (T, B) of the examples in every step, for a set of `size` examples.

        Args:
            size: M.
            seed: decides the permutations of order `shuffled`; order `fixed` ignores it.
        """
        batch = min(self.batch, size)
        needed = self.steps * batch
        epochs = -(-needed // size)
        if self.order == "fixed":
            rows = torch.arange(size).repeat(epochs)
        else:
            generator = torch_generator(seed, "order")
            rows = torch.cat([torch.randperm(size, generator=generator) for _ in range(epochs)])
        return rows[:needed].view(self.steps, batch)

    def step_sizes(self) -> Tensor:
        """The constant step sizes (T,), or of a student with parts (T, G)."""
        if isinstance(self.step_size, float | int):
            return torch.full((self.steps,), float(self.step_size))
        return torch.tensor(self.step_size).expand(self.steps, -1).clone()
