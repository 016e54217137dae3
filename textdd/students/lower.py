"""The frozen lower layers of a body of which the top layers are learned, set apart: what they make is read once.

Models of `transformers` run through a list of layers. Below, the upper layers are bridges, of which the first keeps
what it is given; above, the lower layers are one bridge, which hands on what was kept. So any model whose layers hand
one tensor to each other is divided, whatever it does around them; that it is divided rightly is tried out.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

TRIED = (2, 5)
"""Texts and tokens by which a division is tried out."""

TOLERANCE = 1e-5
"""By which both ways may differ, as a share of the largest number: rounding, no more."""


class Bridge(nn.Module):
    """Stands in for a layer: hands on what it is given, or what it is told to, and remembers what it was given.

    Attributes:
        instead: what it hands on, if that is not what it is given.
        given: what it was given last.
    """

    def __init__(self) -> None:
        super().__init__()
        self.instead: Tensor | None = None
        self.given: Tensor | None = None

    def forward(self, hidden: Tensor, *_: Any, **__: Any) -> Tensor:
        """Hand on hidden states (N, L, H)."""
        self.given = hidden
        return hidden if self.instead is None else self.instead


class Lower(nn.Module):
    """The layers of a model below the first that is learned; their weights are the model's own.

    Args:
        model: the whole model, which stays as it is.
        place: the path of its list of layers.
        first: how many of the layers are below.
    """

    def __init__(self, model: nn.Module, place: str, first: int) -> None:
        super().__init__()
        shared = {id(part): part for part in (*model.parameters(), *model.buffers())}
        self.model = copy.deepcopy(model, shared)
        layers = self.model.get_submodule(place)
        assert isinstance(layers, nn.ModuleList)
        for i in range(first, len(layers)):
            layers[i] = Bridge()
        self.place = f"{place}.{first}"

    def forward(self, x: Tensor, attended: Tensor) -> Tensor:
        """Hidden states (N, L, H) of texts as embeddings (N, L, D), with attention to tokens (N, L)."""
        end = self.model.get_submodule(self.place)
        assert isinstance(end, Bridge)
        self.model(inputs_embeds=x, attention_mask=attended)
        hidden, end.given = end.given, None
        assert hidden is not None, "a model runs through its layers"
        return hidden


def bridged(body: nn.Module, place: str, first: int) -> Bridge:
    """Make a bridge of the lowest layers of a body, in place; it can hand on something else than it is given.

    Args:
        body: a model of one's own.
        place: the path of its list of layers.
        first: how many of the layers are below.
    """
    layers, bridge = body.get_submodule(place), Bridge()
    assert isinstance(layers, nn.ModuleList)
    for i in range(first):
        layers[i] = bridge
    return bridge


@torch.no_grad()
def can_be_divided(model: nn.Module, place: str, first: int, dimension: int) -> bool:
    """Whether a model reads in two parts as it does in one, tried on a few texts.

    Args:
        model: the model, which stays as it is.
        place: the path of its list of layers.
        first: how many of the layers are below.
        dimension: D.
    """
    x = torch.randn(*TRIED, dimension, generator=torch.Generator().manual_seed(0)).to(next(model.parameters()))
    attended = torch.ones(TRIED, dtype=torch.long, device=x.device)
    attended[0, -2:] = 0
    try:
        upper = copy.deepcopy(model)
        bridge = bridged(upper, place, first)
        bridge.instead = Lower(model, place, first)(x, attended)
        found = upper(inputs_embeds=torch.zeros_like(x), attention_mask=attended)[0]
        wanted = model(inputs_embeds=x, attention_mask=attended)[0]
    except (RuntimeError, TypeError, ValueError, AttributeError, AssertionError):
        return False
    seen = attended.bool()
    return bool((found - wanted)[seen].abs().max() <= TOLERANCE * wanted[seen].abs().max())
