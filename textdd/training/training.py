"""One definition of "train a student on a set", and its derivative by plain automatic differentiation.

The distiller differentiates it, the evaluation of distilled and of random sets runs it, and so does the user who
loads an artefact.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from textdd.training.optimiser import Optimiser, Slots
from textdd.training.student import FlatStudent
from textdd.training.twice import differentiated_twice


class State(NamedTuple):
    """A student in the middle of its training.

    Attributes:
        theta: parameters (P,), or of K students side by side (K, P).
        slots: the optimiser's memory, tensors like theta.
        t: steps taken so far.
    """

    theta: Tensor
    slots: Slots
    t: int

    @classmethod
    def fresh(cls, theta: Tensor, optimiser: Optimiser) -> State:
        """The state before the first step from theta_0."""
        return cls(theta, optimiser.start(theta), 0)


class Portion(NamedTuple):
    """What one training step sees: texts (B, L, D), labels (B, C), a step size and a mask (B, L) or None.

    There may be attention labels (B, S, H, R, L), too. The step size is a scalar, or one for each part of the student
    (G,). For K students side by side, who do not see the same, there is a leading K.
    """

    x: Tensor
    y: Tensor
    step_size: Tensor
    mask: Tensor | None
    attention: Tensor | None = None


@dataclass(frozen=True)
class Lesson:
    """What a student is taught, in which portions and how fast: the arguments (alpha, D~) of F.

    Attributes:
        x: texts as embeddings (M, L, D), or what lies below the learned part of the student made of them.
        y: labels (M, C).
        step_sizes: one per step (T,), or one per step and part of the student (T, G).
        rows: the examples of every step (T, B), or of K students side by side (T, K, B).
        mask: true at real tokens (M, L), or None where every position is one.
        attention: attention labels (M, S, H, R, L), weighted (see textdd/training/attention.py), or None.
    """

    x: Tensor
    y: Tensor
    step_sizes: Tensor
    rows: Tensor
    mask: Tensor | None = None
    attention: Tensor | None = None

    def portion(self, t: int) -> Portion:
        """The mini-batch and the step size of step t."""
        rows = self.rows[t]
        mask = None if self.mask is None else self.mask[rows]
        attention = None if self.attention is None else take(self.attention, rows)
        return Portion(take(self.x, rows), take(self.y, rows), self.step_sizes[t], mask, attention)


def take(examples: Tensor, rows: Tensor) -> Tensor:
    """examples[rows], whose derivative adds up what every row gets in the same order each time.

    That of plain indexing is summed by all threads at once on a CPU, and rounds otherwise from run to run.
    """
    return examples.index_select(0, rows.flatten()).view(*rows.shape, *examples.shape[1:])


Engine = Callable[[FlatStudent, Optimiser, State, Lesson, Sequence[int]], list[State]]
"""Something that trains: `train`, `unroll` or `recompute`."""


def as_read(student: FlatStudent, lesson: Lesson) -> Lesson:
    """The lesson as the learned part of a student reads it: what lies below has read the texts, once for all steps."""
    x, mask = student.below(lesson.x, lesson.mask)
    return lesson if x is lesson.x else replace(lesson, x=x, mask=mask)


def step(student: FlatStudent, optimiser: Optimiser, state: State, portion: Portion, *, differentiable: bool) -> State:
    """Take one training step: equation 1 of Li & Li (2021), with any optimiser.

    Args:
        student: the classifier.
        optimiser: the update rule.
        state: where the training stands; `state.theta` must require a gradient.
        portion: the mini-batch and the step size.
        differentiable: keep the graph, so that the next state can be differentiated with respect to all of these.
    """
    with torch.enable_grad(), differentiated_twice(differentiable):
        loss = student.inner_loss(state.theta, portion.x, portion.y, portion.mask, portion.attention)
        (gradient,) = torch.autograd.grad(loss, state.theta, create_graph=differentiable)
    with torch.set_grad_enabled(differentiable):
        step_size = student.spread(portion.step_size)
        theta, slots = optimiser.update(state.theta, gradient, state.slots, step_size, state.t)
    return State(theta, slots, state.t + 1)


def train(
    student: FlatStudent, optimiser: Optimiser, state: State, lesson: Lesson, marks: Sequence[int]
) -> list[State]:
    """Train without keeping a graph, from `state` on.

    Args:
        student: the classifier.
        optimiser: the update rule.
        state: where to start.
        lesson: the set, its portions and its step sizes.
        marks: ascending numbers of steps, counted from the fresh student, at which the state is wanted.

    Returns:
        The detached states at the marks.
    """
    wanted = []
    for mark in marks:
        while state.t < mark:
            leaf = state._replace(theta=state.theta.detach().requires_grad_())
            state = step(student, optimiser, leaf, lesson.portion(state.t), differentiable=False)
        wanted.append(state)
    return wanted


def unroll(
    student: FlatStudent, optimiser: Optimiser, state: State, lesson: Lesson, marks: Sequence[int]
) -> list[State]:
    """Train with the whole graph kept: the obvious derivative of F, and the reference for `recompute`.

    Memory grows with the number of steps. Arguments and result as in `train`; the returned states can be
    differentiated with respect to `state` and to `lesson.x`, `lesson.y`, `lesson.step_sizes` and `lesson.attention`.
    """
    if not state.theta.requires_grad:
        state = state._replace(theta=state.theta.detach().requires_grad_())
    # All mini-batches are taken at once: the derivative of taking one would be a tensor of the size of the whole set.
    first, rows = state.t, lesson.rows[state.t : marks[-1]]
    xs, ys = take(lesson.x, rows).unbind(), take(lesson.y, rows).unbind()
    seen = None if lesson.attention is None else take(lesson.attention, rows).unbind()
    lesson, wanted = replace(lesson, attention=None), []
    for mark in marks:
        while state.t < mark:
            portion = lesson.portion(state.t)._replace(x=xs[state.t - first], y=ys[state.t - first])
            if seen is not None:
                portion = portion._replace(attention=seen[state.t - first])
            state = step(student, optimiser, state, portion, differentiable=True)
        wanted.append(state)
    return wanted
