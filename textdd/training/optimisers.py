"""The inner optimisers by name. Each agrees with its namesake in torch.optim (tests compare them step by step)."""

from __future__ import annotations

from textdd.errors import unknown_choice
from textdd.training.adam import Adam, SmoothAdam
from textdd.training.optimiser import Optimiser
from textdd.training.sgd import SGD, Momentum

OPTIMISERS: dict[str, type[Optimiser]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "adam": Adam,
    "smooth_adam": SmoothAdam,
}
"""The choices of `distiller.inner_optimiser=`."""


def make_optimiser(name: str) -> Optimiser:
    """Build an inner optimiser with its usual constants.

    Raises:
        TextddError: no optimiser has that name.
    """
    if name not in OPTIMISERS:
        raise unknown_choice("inner optimiser", name, OPTIMISERS, "distiller.inner_optimiser")
    return OPTIMISERS[name]()
