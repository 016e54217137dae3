"""The size of a student before it is built: counted on torch's meta device, where tensors take no memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from textdd.allowed import shown
from textdd.errors import TextddError
from textdd.machine import available
from textdd.options import table
from textdd.training.student import Student

COPIES = 4
"""What training keeps of every parameter: itself, its gradient, and the two means of Adam."""

BYTES = 4
"""Of a number in single precision."""


def check_size(build: Callable[..., Student], config: Any, dimension: int, classes: int) -> None:
    """Check that a student can be trained in the memory at hand.

    Args:
        build: makes it.
        config: its options.
        dimension: D.
        classes: C.

    Raises:
        TextddError: its parameters are too many; nothing was allocated.
    """
    with torch.device("meta"):
        parameters = sum(parameter.numel() for parameter in build(config, dimension, classes).parameters())
    needed, room = COPIES * BYTES * parameters, available(torch.device("cpu"))
    if needed > room:
        changed = [option for option in table(config, prefix="model.") if option.value != option.default]
        remedy = " ".join(f"{option.key}={shown(option.default)}" for option in changed) or "embedding.dimension=100"
        raise TextddError(
            f"model={config.name} with {' '.join(f'{one.key}={shown(one.value)}' for one in changed) or 'its options'} "
            f"on {dimension} numbers a word has {parameters:,} parameters; training them takes {needed / 1e9:.1f} GB, "
            f"{room / 1e9:.1f} GB are available. Type: {remedy}"
        )
