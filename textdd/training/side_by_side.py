"""K students side by side: one training of stacked parameters in place of K trainings.

A stack of parameters theta (K, P) is taught as one student is. Optimisers work element by element, and students do not
meet in the sum of their losses, so its gradient holds each one's own. Every operation then serves K students: a GPU is
filled, and what an operation costs however little it computes is paid once, which counts on a CPU where mini-batches
are small.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from textdd.training.optimiser import Optimiser
from textdd.training.student import FlatStudent
from textdd.training.training import Engine, Lesson, State

CHOICES = ("auto", "always", "never")
"""`auto`: on a GPU always, on a CPU where it is faster."""

FEW_TOKENS = 1000
"""Tokens in a mini-batch up to which that is so, by measurement (experiments/side_by_side/table.md)."""


def train_all(
    engine: Engine,
    student: FlatStudent,
    optimiser: Optimiser,
    states: Sequence[State],
    lessons: Sequence[Lesson],
    marks: Sequence[int],
    choice: str,
) -> list[list[State]]:
    """Train K students as `engine` would train each of them; both ways agree but for rounding.

    Args:
        engine: `train`, `unroll` or `recompute`.
        student: the classifier.
        optimiser: the update rule.
        states: where each student starts, after equally many steps.
        lessons: one for each: other texts and other orders, but batches of one size and the same step sizes.
        marks: ascending numbers of steps at which the states are wanted.
        choice: one of CHOICES.

    Returns:
        For each student its states at the marks.
    """
    device, tokens = lessons[0].x.device, lessons[0].rows.shape[1] * lessons[0].x.shape[1]
    if len(states) == 1 or not worthwhile(choice, device, tokens):
        return [engine(student, optimiser, state, lesson, marks) for state, lesson in zip(states, lessons, strict=True)]
    reached = engine(student, optimiser, stack(states), join(lessons), marks)
    return [list(each) for each in zip(*map(unstack, reached), strict=True)]


def answers(student: FlatStudent, thetas: Sequence[Tensor], x: Tensor, mask: Tensor | None, choice: str) -> Tensor:
    """Logits (K, N, C) of K students with parameters (P,) each on the same texts (N, L, D); `choice` as above."""
    if len(thetas) > 1 and worthwhile(choice, x.device, x.shape[0] * x.shape[1]):
        return student(torch.stack(list(thetas)), x, mask)
    return torch.stack([student(theta, x, mask) for theta in thetas])


def worthwhile(choice: str, device: torch.device, tokens: int) -> bool:
    """Whether students who read so many tokens at a time are to do it side by side."""
    return choice == "always" or (choice == "auto" and (device.type != "cpu" or tokens <= FEW_TOKENS))


def sharing(lessons: Sequence[Lesson]) -> list[Lesson]:
    """Lessons of one set, which differ in their rows, made to share texts, labels and step sizes."""
    return [replace(lessons[0], rows=lesson.rows) for lesson in lessons]


def stack(states: Sequence[State]) -> State:
    """K students of one age as one state: parameters (K, P), and the optimiser's memory likewise."""
    slots = zip(*(state.slots for state in states), strict=True)
    theta = torch.stack([state.theta for state in states])
    return State(theta, tuple(torch.stack(slot) for slot in slots), states[0].t)


def unstack(state: State) -> list[State]:
    """The students of a stack, one by one."""
    slots = zip(*state.slots, strict=True) if state.slots else ((),) * len(state.theta)
    return [State(theta, own, state.t) for theta, own in zip(state.theta, slots, strict=True)]


def join(lessons: Sequence[Lesson]) -> Lesson:
    """One lesson for K students from theirs.

    Its rows are (T, K, B), or (T, B) where all students see the same texts at the same time. Sets that differ are put
    one after the other, padded to the length of the longest.
    """
    sets = {(id(lesson.x), id(lesson.y)): lesson for lesson in lessons}
    starts, count = {}, 0
    for key, lesson in sets.items():
        starts[key], count = count, count + len(lesson.x)
    rows = [lesson.rows + starts[id(lesson.x), id(lesson.y)] for lesson in lessons]
    alike = all(torch.equal(own, rows[0]) for own in rows)
    lesson = lessons[0] if len(sets) == 1 else concatenated(list(sets.values()))
    return replace(lesson, rows=rows[0] if alike else torch.stack(rows, dim=1))


def concatenated(lessons: Sequence[Lesson]) -> Lesson:
    """The texts and labels of several lessons one after the other; attention labels have those of one length alone."""
    lengths = [lesson.x.shape[1] for lesson in lessons]
    longest = max(lengths)
    x = torch.cat(
        [F.pad(lesson.x, (0, 0, 0, longest - length)) for lesson, length in zip(lessons, lengths, strict=True)]
    )
    mask = None
    if any(lesson.mask is not None for lesson in lessons) or min(lengths) < longest:
        masks = [mask_of(lesson) for lesson in lessons]
        mask = torch.cat([F.pad(own, (0, longest - own.shape[1])) for own in masks])
    taught = [lesson.attention for lesson in lessons if lesson.attention is not None]
    attention = torch.cat(taught) if taught else None
    return replace(lessons[0], x=x, y=torch.cat([lesson.y for lesson in lessons]), mask=mask, attention=attention)


def mask_of(lesson: Lesson) -> Tensor:
    """The mask (M, L), also where it goes without saying."""
    return lesson.x.new_ones(lesson.x.shape[:2], dtype=torch.bool) if lesson.mask is None else lesson.mask
