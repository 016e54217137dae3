"""Back-gradient: the exact derivative of a training run from its stored states, one step's graph at a time.

Equation 2 of Li & Li (2021) makes the trained parameters a function F(theta_0, alpha, D~). Its reverse sweep carries
an adjoint v_t = d loss / d state_t backwards through the steps; each step asks only for the products

    v_t = v_{t+1}^T  d state_{t+1} / d state_t        and        v_{t+1}^T  d state_{t+1} / d (batch, step size),

which are Hessian-vector products (Pearlmutter 1994; Maclaurin et al. 2015; Domke 2012). Rebuilding one step's graph
from the stored state gives them exactly, so the memory for graphs does not grow with T: only the stored states do,
and they are vectors of P numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from textdd.inner.optimiser import Optimiser
from textdd.inner.training import Lesson, Portion, State, step
from textdd.students import FlatStudent


def recompute(
    student: FlatStudent, optimiser: Optimiser, state: State, lesson: Lesson, marks: Sequence[int]
) -> list[State]:
    """Train and differentiate with graph memory that is constant in T; same contract as `unroll`."""
    plan = _Plan(student, optimiser, lesson, state.t, tuple(marks))
    flat = _Recompute.apply(plan, lesson.x, lesson.y, lesson.step_sizes, state.theta, *state.slots)
    width = 1 + len(state.slots)  # tensors in one state
    starts = range(0, len(flat), width)
    return [State(flat[i], flat[i + 1 : i + width], mark) for i, mark in zip(starts, marks, strict=True)]


class _Plan:
    """What the sweeps need besides the tensors that are differentiated."""

    def __init__(
        self, student: FlatStudent, optimiser: Optimiser, lesson: Lesson, first: int, marks: tuple[int, ...]
    ) -> None:
        self.student, self.optimiser, self.lesson = student, optimiser, lesson
        self.first, self.marks = first, marks
        # The reverse sweep runs outside the caller's autocast region and must cast as the forward sweep did.
        kind = lesson.x.device.type
        self.casting = (kind, torch.get_autocast_dtype(kind), torch.is_autocast_enabled(kind))

    def step(self, state: State, portion: Portion, *, differentiable: bool) -> State:
        with torch.autocast(*self.casting):
            return step(self.student, self.optimiser, state, portion, differentiable=differentiable)


class _Recompute(torch.autograd.Function):
    """F as one node of the caller's graph: forward trains and stores the states, backward sweeps in reverse."""

    @staticmethod
    def forward(ctx: Any, plan: _Plan, x: Tensor, y: Tensor, step_sizes: Tensor, *start: Tensor) -> tuple[Tensor, ...]:
        lesson = replace(plan.lesson, x=x, y=y, step_sizes=step_sizes)
        state = State(start[0], start[1:], plan.first)
        states, outputs = [state], []
        for mark in plan.marks:
            while state.t < mark:
                leaf = state._replace(theta=state.theta.detach().requires_grad_())
                state = plan.step(leaf, lesson.portion(state.t), differentiable=False)
                states.append(state)
            # Outputs are copies, so that the stored states do not become part of the caller's graph.
            outputs += [state.theta.clone(), *(slot.clone() for slot in state.slots)]
        ctx.plan, ctx.states = plan, states
        ctx.save_for_backward(x, y, step_sizes)
        return tuple(outputs)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        plan: _Plan = ctx.plan
        x, y, step_sizes = ctx.saved_tensors
        lesson = replace(plan.lesson, x=x, y=y, step_sizes=step_sizes)
        width = len(gradients) // len(plan.marks)  # tensors in one state
        arriving = {mark: gradients[i * width : (i + 1) * width] for i, mark in enumerate(plan.marks)}
        totals = [torch.zeros_like(tensor) for tensor in (x, y, step_sizes)]
        adjoint = list(arriving[plan.marks[-1]])
        for state in reversed(ctx.states[:-1]):
            portion = lesson.portion(state.t)
            leaves = [t.detach().requires_grad_() for t in (state.theta, *state.slots, *portion[:3])]
            before = State(leaves[0], tuple(leaves[1:width]), state.t)
            after = plan.step(
                before, Portion(leaves[width], leaves[width + 1], leaves[width + 2], portion.mask), differentiable=True
            )
            products = torch.autograd.grad((after.theta, *after.slots), leaves, adjoint, materialize_grads=True)
            adjoint = list(products[:width])
            if state.t in arriving:
                adjoint = [a + b for a, b in zip(adjoint, arriving[state.t], strict=True)]
            by_x, by_y, by_step_size = products[width:]
            # A batch that spans two shuffled epochs may hold an example twice, so its gradients are added up.
            totals[0].index_add_(0, lesson.rows[state.t], by_x)
            totals[1].index_add_(0, lesson.rows[state.t], by_y)
            totals[2][state.t] += by_step_size
        return None, *totals, *adjoint
