"""Gradient checkpointing (Chen et al. 2016): layers keep what they were given, and make the rest again when asked.

A student is a pure function: what it learns is put into its module for the time of a reading (`functional_call`), and
adapters are hung into a body that others share. When a gradient is asked for, all that is gone again. So what a layer
reads with is remembered together with what it is given, and is put back for the second reading.

Gradients are those without checkpoints, of the second order, too; but there they save no memory, so none are made (see
textdd/training/twice.py). `transformers` has checkpoints of its own, for models in training mode, which no body is in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from textdd.students.adapters import Adapters


class OneLayer(nn.Module):
    """One layer and the adapters that it reads with, as a function of the parameters of both.

    Args:
        layer: of a body.
        forward: what it does.
        adapters: of the body, if there are any.
        body: the body.
    """

    def __init__(
        self, layer: nn.Module, forward: Callable[..., Any], adapters: Adapters | None, body: nn.Module
    ) -> None:
        super().__init__()
        self.layer, self.adapters = layer, adapters
        self.does, self.bodies = forward, (body,)  # the body is no part of this

    def forward(self, *given: Any, **named: Any) -> Any:
        """What the layer makes of what it is given."""
        with nullcontext() if self.adapters is None else self.adapters.on(*self.bodies):
            return self.does(*given, **named)


@contextmanager
def checkpointed(layers: Sequence[nn.Module], adapters: Adapters | None, body: nn.Module) -> Iterator[None]:
    """As long as this lasts, each of these layers of a body keeps no more than what it was given.

    Args:
        layers: of the body.
        adapters: that it reads with, if any: they are on within the layers, and must not be besides.
        body: the body.
    """
    before = [layer.__dict__.get("forward") for layer in layers]  # None is that of the class
    try:
        for layer in layers:
            reading = OneLayer(layer, layer.forward, adapters, body)
            layer.forward = partial(kept, reading)
        yield
    finally:
        for layer, own in zip(layers, before, strict=True):
            if own is not None:
                layer.forward = own
            else:
                layer.__dict__.pop("forward", None)


def kept(reading: OneLayer, *given: Any, **named: Any) -> Any:
    """What a layer makes of what it is given, by a checkpoint."""
    parameters: dict[str, Tensor] = dict(reading.named_parameters(remove_duplicate=False))

    def again(*given: Any, **named: Any) -> Any:
        return torch.func.functional_call(reading, parameters, given, named)

    # Nothing in a body draws: it is in evaluation mode.
    return checkpoint(again, *given, use_reentrant=False, preserve_rng_state=False, **named)
