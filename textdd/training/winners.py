"""The strongest response of every filter to a text, with derivatives that touch only the windows that won.

A maximum over time passes its derivative to one window in L. As matrix products, the derivatives of all orders would
be multiplications by matrices of which one entry in L is not zero. Here they are sums over the winners alone. With the
winning rows fixed, the strongest responses are a bilinear function of texts and filters, so its derivatives of all
orders are the three contractions of one form

    sum over texts n and filters f of   g[n, f] <window of n that won f, weight of f>

with respect to g (`_Responses`), to the weights (`_ToWeights`) and to the texts (`_ToTexts`), each the derivative of
the others. Only the search for the winners is a dense product, and `remembering` and `recalling` let an engine that
goes over a training step twice search once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property, lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

Winners = tuple[Tensor, Tensor]
"""Strongest responses (N, F) and the tokens (N, F) at which their windows start."""

Tape = list[Winners]
"""The winners that one pass of a student found, in the order in which it looked for them."""

_recording: ContextVar[Tape | None] = ContextVar("recording", default=None)
_replaying: ContextVar[Iterator[Winners] | None] = ContextVar("replaying", default=None)


@contextmanager
def remembering() -> Iterator[Tape]:
    """Collect the winners that students find inside of the block."""
    tape: Tape = []
    token = _recording.set(tape)
    try:
        yield tape
    finally:
        _recording.reset(token)


@contextmanager
def recalling(tape: Tape) -> Iterator[None]:
    """Give students inside of the block, which do again what was done before, the winners that were found then."""
    token = _replaying.set(iter(tape))
    try:
        yield
    finally:
        _replaying.reset(token)


def strongest(x: Tensor, weights: Sequence[Tensor], mask: Tensor | None) -> Tensor:
    """Strongest responses (N, F) of all filters over the windows of each text, reaching over zeros at its end.

    Filters of K students give responses (K, N, F), to the same texts or to each student's own.

    Args:
        x: texts (N, L, D) or (K, N, L, D).
        weights: filters of one width each (filters, width * D) or (K, filters, width * D), F in all of a student.
        mask: true at tokens (N, L) or (K, N, L), where windows may start; None means everywhere.
    """
    dimension = x.shape[-1]
    widths = tuple(weight.shape[-1] // dimension for weight in weights)
    padded = F.pad(x, (0, 0, 0, max(widths) - 1))  # (N, L + widest - 1, D)
    differentiated = torch.is_grad_enabled() and (x.requires_grad or any(weight.requires_grad for weight in weights))
    with torch.no_grad():
        if not differentiated:
            return torch.cat([responses.amax(dim=-2) for responses in _responses(padded, weights, mask)], dim=-1)
        replaying, recording = _replaying.get(), _recording.get()
        values, where = _search(padded, weights, mask) if replaying is None else next(replaying)
        if recording is not None:
            recording.append((values, where))
        meetings = _Meetings(where, widths, tuple(weight.shape[-2] for weight in weights), padded.shape[:-1])
    # One row per word under a filter, (R, D) or (K, R, D), those of all students in one list.
    rows = torch.cat([weight.unflatten(-1, (-1, dimension)).flatten(-3, -2) for weight in weights], dim=-2)
    responses: Tensor = _Responses.apply(padded.view(-1, dimension), rows.view(-1, dimension), meetings, values)
    return responses


def _responses(padded: Tensor, weights: Sequence[Tensor], mask: Tensor | None) -> Iterator[Tensor]:
    """All responses (N, L, filters) or (K, N, L, filters), for the filters of one width after another."""
    *texts, length, dimension = padded.shape
    widest = max(weight.shape[-1] for weight in weights) // dimension
    length -= widest - 1
    windows = padded.unfold(-2, widest, 1).transpose(-2, -1).reshape(*texts, length, -1).contiguous()
    for weight in weights:
        seen = windows[..., : weight.shape[-1]]
        if weight.dim() == 2:
            responses = seen @ weight.t()
        elif len(texts) == 1:  # the same texts for K students: all their filters are those of one large student
            responses = (seen @ weight.flatten(0, 1).t()).unflatten(-1, weight.shape[:2]).movedim(-2, 0)
        else:
            responses = (seen.flatten(1, 2) @ weight.mT).unflatten(1, (-1, length))
        yield responses if mask is None else responses.masked_fill_(~mask.unsqueeze(-1), -torch.inf)


def _search(padded: Tensor, weights: Sequence[Tensor], mask: Tensor | None) -> Winners:
    found = [responses.max(dim=-2) for responses in _responses(padded, weights, mask)]
    values = torch.cat([values for values, _ in found], dim=-1).to(padded.dtype)
    return values, torch.cat([where for _, where in found], dim=-1).to(torch.int16)


@lru_cache(maxsize=16)
def _layout(widths: tuple[int, ...], counts: tuple[int, ...], device: torch.device) -> tuple[Tensor, Tensor]:
    """For each of the R rows of all filters: the filter it belongs to, and how many words after the first it stands."""
    spans = torch.repeat_interleave(torch.tensor(widths), torch.tensor(counts))  # (F,)
    owners = torch.repeat_interleave(spans)
    words = torch.cat([torch.arange(width).repeat(count) for width, count in zip(widths, counts, strict=True)])
    return owners.to(device), words.to(device, torch.int32)


class _Meetings:
    """Which row of the texts meets which row of the filters, where windows have won.

    Every filter meets N texts: of K students each its own or all the same. Here the students make one list of all
    their filters and texts, and R counts the rows of all of them.

    Args:
        where: tokens (N, F) or (K, N, F) at which the winning windows start.
        widths: words under the filters of each kind.
        counts: filters of each kind.
        texts: sizes of the padded texts, (N, length) or (K, N, length).
    """

    def __init__(self, where: Tensor, widths: tuple[int, ...], counts: tuple[int, ...], texts: torch.Size) -> None:
        self.shape, self.size = where.shape, texts.numel()
        students = where.shape[:-2].numel()
        self.owners, words = _layout(widths * students, counts * students, where.device)
        firsts = torch.arange(0, self.size, texts[-1], dtype=torch.int32, device=where.device).view(texts[:-1])
        starts = (where.mT + firsts.unsqueeze(-2)).flatten(0, -2)
        self.rows = starts.index_select(0, self.owners).add_(words.unsqueeze(1))  # (R, N)

    def spread(self, g: Tensor) -> Tensor:
        """The weight g (N, F) or (K, N, F) of each meeting (R, N)."""
        return g.mT.flatten(0, -2).index_select(0, self.owners)

    def gather(self, products: Tensor) -> Tensor:
        """The sums (N, F) or (K, N, F) over the rows of each filter of what meetings give (R, N)."""
        *students, count, filters = self.shape
        return (
            products.new_zeros(math.prod(students) * filters, count)
            .index_add_(0, self.owners, products)
            .view(*students, filters, count)
            .mT
        )

    @cached_property
    def by_text(self) -> tuple[Tensor, Tensor, Tensor]:
        """The meetings by row of the texts: their order, the rows of the filters, where each row's meetings start."""
        rows, order = self.rows.view(-1).sort()
        every = torch.arange(self.size, dtype=torch.int32, device=rows.device)
        starts = torch.searchsorted(rows, every, out_int32=True)
        return order, (order // self.shape[-2]).to(torch.int32), starts


class _Responses(torch.autograd.Function):
    """<x, w> over the winners, (N, F); known `values` are taken as they are."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Tensor, meetings: _Meetings, values: Tensor | None) -> Tensor:
        ctx.meetings = meetings
        ctx.save_for_backward(x, w)
        if values is not None:
            return values.clone()
        rows = meetings.rows
        bags = torch.arange(len(rows), dtype=torch.int32, device=x.device)
        # By its public name it can only be had as a derivative, after a forward pass that nobody needs.
        products = torch.ops.aten._embedding_bag_per_sample_weights_backward(
            w, x, rows.view(-1), bags * rows.shape[1], bags.repeat_interleave(rows.shape[1]), 0
        )
        return meetings.gather(products.view(rows.shape))

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        x, w = ctx.saved_tensors
        by_x = _ToTexts.apply(g, w, ctx.meetings) if ctx.needs_input_grad[0] else None
        by_w = _ToWeights.apply(g, x, ctx.meetings) if ctx.needs_input_grad[1] else None
        return by_x, by_w, None, None


class _ToWeights(torch.autograd.Function):
    """For every row of the filters, the sum of g x over its winners, (R, D)."""

    @staticmethod
    def forward(ctx: Any, g: Tensor, x: Tensor, meetings: _Meetings) -> Tensor:
        ctx.meetings = meetings
        ctx.save_for_backward(g, x)
        return F.embedding_bag(meetings.rows, x, mode="sum", per_sample_weights=meetings.spread(g))

    @staticmethod
    def backward(ctx: Any, v: Tensor) -> tuple[Tensor | None, ...]:
        g, x = ctx.saved_tensors
        by_g = _Responses.apply(x, v, ctx.meetings, None) if ctx.needs_input_grad[0] else None
        by_x = _ToTexts.apply(g, v, ctx.meetings) if ctx.needs_input_grad[1] else None
        return by_g, by_x, None


class _ToTexts(torch.autograd.Function):
    """For each of the S rows of the texts, the sum of g w over the filters that it won, (S, D)."""

    @staticmethod
    def forward(ctx: Any, g: Tensor, w: Tensor, meetings: _Meetings) -> Tensor:
        ctx.meetings = meetings
        ctx.save_for_backward(g, w)
        order, rows, starts = meetings.by_text
        weights = meetings.spread(g).view(-1).index_select(0, order)
        return F.embedding_bag(rows, w, starts, mode="sum", per_sample_weights=weights)

    @staticmethod
    def backward(ctx: Any, v: Tensor) -> tuple[Tensor | None, ...]:
        g, w = ctx.saved_tensors
        by_g = _Responses.apply(v, w, ctx.meetings, None) if ctx.needs_input_grad[0] else None
        by_w = _ToWeights.apply(g, v, ctx.meetings) if ctx.needs_input_grad[1] else None
        return by_g, by_w, None
