"""Adapters: low-rank additions to the query and value projections of a frozen body (LoRA, Hu et al. 2021, equation 3).

A body is shared by all of its students; each has matrices A and B of its own, and adds 2 B A x to what a projection W
makes of x. Nothing of the size of W is made or differentiated.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from textdd.errors import TextddError

PROJECTIONS = ("q_proj", "v_proj", "query", "value", "q_lin", "v_lin")
"""What bodies call the projections, those of Llama's kind first."""

TOGETHER = ("c_attn", "query_key_value", "qkv_proj", "Wqkv")
"""What bodies call them that have queries, keys and values in one."""

SCALE = 2.0
"""alpha / rank."""


class Adapters(nn.Module):
    """A (R, inputs) and B (outputs, R) for each projection.

    Args:
        body: its projections are found by their names.
        rank: R.
        path: where the body comes from, for the message.

    Raises:
        TextddError: no projection is found.
    """

    def __init__(self, body: nn.Module, rank: int, path: str) -> None:
        super().__init__()
        self.rank, self.names = rank, list(projections(body))
        if not self.names:
            raise TextddError(
                f"The projections of attention in {path} ({type(body).__name__}) were not found, so none can be "
                "adapted. Type: model.tuning=head"
            )
        parts = [body.get_submodule(name) for name in self.names]
        self.turned = [not isinstance(part, nn.Linear) for part in parts]  # GPT-2 keeps weights (inputs, outputs)
        weights = [body.get_parameter(f"{name}.weight") for name in self.names]
        sizes = [w.shape[::-1] if turned else w.shape for w, turned in zip(weights, self.turned, strict=True)]
        self.down = nn.ParameterList([nn.Parameter(torch.zeros(rank, inputs)) for _, inputs in sizes])
        self.up = nn.ParameterList([nn.Parameter(torch.zeros(outputs, rank)) for outputs, _ in sizes])

    @contextmanager
    def on(self, body: nn.Module) -> Iterator[None]:
        """The body, of which nothing is changed, reads with these adapters as long as this lasts."""
        handles = []
        try:
            for i, name in enumerate(self.names):
                handles.append(body.get_submodule(name).register_forward_hook(partial(self._added, i)))
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _added(self, i: int, projection: nn.Module, given: tuple[Tensor, ...], made: Tensor) -> Tensor:
        """What projection i makes of (N, L, inputs), and what its adapter adds, in the precision of the adapter."""
        del projection
        down, up = self.down[i], self.up[i]  # looked up here: `functional_call` may have put others in their place
        return made + (SCALE * (given[0].to(down.dtype) @ down.t()) @ up.t()).to(made.dtype)

    def weights(self, body: nn.Module) -> dict[str, Tensor]:
        """The weights W + 2 B A with which the body reads as with the adapters, by their names in it."""
        found = {}
        for name, turned, down, up in zip(self.names, self.turned, self.down, self.up, strict=True):
            change = SCALE * up @ down
            weight = body.get_parameter(f"{name}.weight")
            found[f"{name}.weight"] = weight + (change.t() if turned else change).to(weight.dtype)
        return found

    @torch.no_grad()
    def redraw(self) -> None:
        """Draw every A afresh; every B is zero, so that the body reads as it did."""
        for down, up in zip(self.down, self.up, strict=True):
            bound = down.shape[1] ** -0.5
            down.uniform_(-bound, bound)
            up.zero_()


def projections(body: nn.Module) -> Iterator[str]:
    """Names of the projections of queries and values in a body."""
    for name, part in body.named_modules():
        if name.rpartition(".")[2] in (*PROJECTIONS, *TOGETHER) and getattr(part, "weight", None) is not None:
            yield name
