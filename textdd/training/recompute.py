"""Back-gradient: the exact derivative of a training run from its stored states, one step's graph at a time.

Equation 2 of Li & Li (2021) makes the trained parameters a function F(theta_0, alpha, D~). Its reverse sweep carries
an adjoint v_t = d loss / d state_t backwards through the steps; each step asks only for the products

    v_t = v_{t+1}^T  d state_{t+1} / d state_t        and        v_{t+1}^T  d state_{t+1} / d (batch, step size),

which are Hessian-vector products (Pearlmutter 1994; Maclaurin et al. 2015; Domke 2012). Rebuilding one step's graph
from the stored state gives them exactly, so the memory for graphs does not grow with T: only the stored states do,
and they are vectors of P numbers. Where these are too many, every k-th is stored and the k - 1 steps in between are
walked again (Griewank & Walther 2000), or they are stored in the memory of the host. What a student had to search for
in a step (see textdd/training/winners.py) is stored as well, and not searched for again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from textdd.training.optimiser import Optimiser
from textdd.training.student import FlatStudent
from textdd.training.training import Lesson, Portion, State, step
from textdd.training.winners import Tape, recalling, remembering


def recompute(
    student: FlatStudent,
    optimiser: Optimiser,
    state: State,
    lesson: Lesson,
    marks: Sequence[int],
    *,
    keep_every: int = 1,
    on_host: bool = False,
) -> list[State]:
    """Train and differentiate with graph memory that is constant in T; same contract as `unroll`.

    Args:
        student: the classifier.
        optimiser: the update rule.
        state: where to start.
        lesson: the set, its portions and its step sizes.
        marks: ascending numbers of steps at which the state is wanted.
        keep_every: store every so many-th state only; the least memory is where it is about the root of T.
        on_host: store states in the memory of the host instead of the device's.
    """
    plan = _Plan(student, optimiser, lesson, tuple(marks), keep_every, on_host)
    flat = _Recompute.apply(
        plan, state.t, lesson.x, lesson.y, lesson.step_sizes, lesson.attention, state.theta, *state.slots
    )
    width = 1 + len(state.slots)  # tensors in one state
    starts = range(0, len(flat), width)
    return [State(flat[i], flat[i + 1 : i + width], mark) for i, mark in zip(starts, marks, strict=True)]


LEARNED = ("x", "y", "step_sizes", "attention")
"""What of a lesson is differentiated, by its names there."""

LEARNED_IN_STEP = ("x", "y", "step_size", "attention")
"""By its names in a portion."""


class _Plan:
    """What the sweeps need besides the tensors that are differentiated; see `recompute`."""

    def __init__(
        self,
        student: FlatStudent,
        optimiser: Optimiser,
        lesson: Lesson,
        marks: tuple[int, ...],
        keep_every: int,
        on_host: bool,
    ) -> None:
        self.student, self.optimiser, self.lesson, self.marks = student, optimiser, lesson, marks
        self.keep_every, self.place = keep_every, torch.device("cpu") if on_host else lesson.x.device
        # The reverse sweep runs outside the caller's autocast region and must cast as the forward sweep did.
        kind = lesson.x.device.type if torch.amp.is_autocast_available(lesson.x.device.type) else "cpu"
        self.casting = (kind, torch.get_autocast_dtype(kind), torch.is_autocast_enabled(kind))

    def step(self, state: State, portion: Portion, *, differentiable: bool) -> State:
        with torch.autocast(*self.casting):
            return step(self.student, self.optimiser, state, portion, differentiable=differentiable)

    def walk(self, state: State, lesson: Lesson) -> State:
        """Take the next step without a graph."""
        leaf = state._replace(theta=state.theta.detach().requires_grad_())
        return self.step(leaf, lesson.portion(state.t), differentiable=False)

    def in_reverse(self, kept: list[State], tapes: dict[int, Tape], lesson: Lesson) -> Iterator[State]:
        """All states before the last step, the latest first, from those that were kept."""
        end = self.marks[-1]
        for first in reversed(kept):
            stretch = [_move(first, lesson.x.device)]
            while stretch[-1].t + 1 < min(first.t + self.keep_every, end):
                with recalling(tapes[stretch[-1].t]):
                    stretch.append(self.walk(stretch[-1], lesson))
            while stretch:
                yield stretch.pop()


def _move(state: State, place: torch.device) -> State:
    return State(state.theta.to(place), tuple(slot.to(place) for slot in state.slots), state.t)


class _Recompute(torch.autograd.Function):
    """F as one node of the caller's graph: forward trains and stores states, backward sweeps in reverse."""

    @staticmethod
    def forward(
        ctx: Any,
        plan: _Plan,
        first: int,
        x: Tensor,
        y: Tensor,
        step_sizes: Tensor,
        attention: Tensor | None,
        *start: Tensor,
    ) -> tuple[Tensor, ...]:
        lesson = replace(plan.lesson, x=x, y=y, step_sizes=step_sizes, attention=attention)
        state = State(start[0], start[1:], first)
        kept, tapes, outputs = [], {}, []
        for mark in plan.marks:
            while state.t < mark:
                if (state.t - first) % plan.keep_every == 0:
                    kept.append(_move(state, plan.place))
                with remembering() as tape:
                    after = plan.walk(state, lesson)
                tapes[state.t], state = tape, after
            # Outputs are copies, so that the stored states do not become part of the caller's graph.
            outputs += [state.theta.clone(), *(slot.clone() for slot in state.slots)]
        ctx.plan, ctx.kept, ctx.tapes = plan, kept, tapes
        ctx.save_for_backward(x, y, step_sizes, *([] if attention is None else [attention]))
        return tuple(outputs)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        plan: _Plan = ctx.plan
        lesson = replace(plan.lesson, **dict(zip(LEARNED, ctx.saved_tensors, strict=False)))
        width = len(gradients) // len(plan.marks)  # tensors in one state
        arriving = {mark: gradients[i * width : (i + 1) * width] for i, mark in enumerate(plan.marks)}
        needed = ctx.needs_input_grad[2 : 2 + len(ctx.saved_tensors)]  # of each of LEARNED that there is
        totals = [torch.zeros_like(tensor) for tensor in ctx.saved_tensors]
        adjoint = list(arriving[plan.marks[-1]])
        for state in plan.in_reverse(ctx.kept, ctx.tapes, lesson):
            whole = lesson.portion(state.t)
            names = LEARNED_IN_STEP[: len(needed)]
            own = [getattr(whole, name).detach().requires_grad_(n) for name, n in zip(names, needed, strict=True)]
            carried = [tensor.detach().requires_grad_() for tensor in (state.theta, *state.slots)]
            with recalling(ctx.tapes[state.t]):
                before = State(carried[0], tuple(carried[1:]), state.t)
                after = plan.step(before, whole._replace(**dict(zip(names, own, strict=True))), differentiable=True)
            leaves = [*carried, *(tensor for tensor in own if tensor.requires_grad)]
            products = torch.autograd.grad((after.theta, *after.slots), leaves, adjoint, materialize_grads=True)
            adjoint = list(products[:width])
            if state.t in arriving:
                adjoint = [a + b for a, b in zip(adjoint, arriving[state.t], strict=True)]
            # A batch that spans two shuffled epochs may hold an example twice, so its gradients are added up.
            rows, found = lesson.rows[state.t].flatten(), iter(products[width:])
            step = rows.new_tensor([state.t])
            for total, places, wanted in zip(totals, (rows, rows, step, rows), needed, strict=False):
                if wanted:
                    total.index_add_(0, places, next(found).reshape(len(places), *total.shape[1:]))
        given = [total if wanted else None for total, wanted in zip(totals, needed, strict=True)]
        given += [None] * (len(LEARNED) - len(given))
        return None, None, *given, *adjoint
