"""Baselines are tuned like the method: step size and number of steps are chosen on validation texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import NamedTuple

import torch
from torch import Tensor

from textdd.evaluation.scoring import score
from textdd.progress import track
from textdd.seeds import derive
from textdd.sets.training_set import TrainingSet, train_students
from textdd.spaces.reading import Reader, Reading
from textdd.students.body import BODY
from textdd.training import Recipe
from textdd.training.student import FlatStudent

MARKS = (5, 10, 20, 30, 50, 75, 100, 150, 200, 300, 400, 600, 800)
"""Numbers of steps at which a long training is looked at, besides its end."""

GENTLY = 0.1
"""A few texts move the layers of a pretrained body too far by the steps that suit a corpus: so much of them is tried,
too."""


class Curve(NamedTuple):
    """The headline measure on validation texts against training steps (the paper's figure 3).

    Attributes:
        steps: numbers of training steps.
        mean: mean over students at each.
        std: standard deviation over students at each.
    """

    steps: list[int]
    mean: list[float]
    std: list[float]


def marks_up_to(steps: int) -> list[int]:
    """The MARKS within a training of so many steps, and its end."""
    return [*(mark for mark in MARKS if mark < steps), steps]


def curve(trained: list[list[Tensor]], marks: Sequence[int], reading: Reading, reader: Reader) -> Curve:
    """Score students (from `train_students`) at every mark, on validation texts."""
    flat = [theta for thetas in trained for theta in thetas]
    headline = score(flat, reading, reader)[reader.student.task.measures[0]].view(len(trained), len(marks))
    std = headline.std(dim=0) if len(trained) > 1 else torch.zeros(len(marks))
    return Curve(list(marks), headline.mean(dim=0).tolist(), std.tolist())


def tune(
    sets: Sequence[TrainingSet],
    reading: Reading,
    reader: Reader,
    *,
    step_sizes: Sequence[float],
    most_steps: int,
    batch: int,
    students: int,
    seed: int,
    what: str,
    side_by_side: str = "auto",
) -> Recipe:
    """Choose the plain recipe (Adam, shuffled mini-batches) that is best on validation texts.

    A few students are noisy, and the best of many noisy figures is a lucky one: each number of steps is judged by the
    plateau that it lies on.

    Args:
        sets: the set, or several of one kind, used in turn.
        reading: validation texts.
        reader: turns texts into what the student reads.
        step_sizes: step sizes to try; of a student whose parts have their own, those of its head, and with each those
            of `scales_of`.
        most_steps: the longest training to try; shorter ones are read off the same run.
        batch: most examples per step; of sets in pieces, which are not equally many, no more than the smallest has.
        students: fresh students per step size.
        seed: the run's seed.
        what: a word for the progress bar.
        side_by_side: as in `train_students`.
    """
    marks, student = marks_up_to(most_steps), reader.student
    seeds = [derive(seed, "tuning", i) for i in range(students)]
    batch = min(batch, *(len(examples.x) for examples in sets))
    tried: list[tuple[float, Recipe]] = []
    for step_size, scales in track(list(product(step_sizes, scales_of(student))), f"tuning {what}"):
        recipe = Recipe("adam", marks[-1], batch, "shuffled", step_size).for_parts(scales)
        trained = train_students(student, sets, recipe, seeds, marks, side_by_side=side_by_side)
        levels = plateaus(curve(trained, marks, reading, reader).mean)
        tried += [(level, replace(recipe, steps=mark)) for level, mark in zip(levels, marks, strict=True)]
    sign = 1 if student.task.higher_is_better else -1
    return max(tried, key=lambda pair: (sign * pair[0], -pair[1].steps))[1]


def scales_of(student: FlatStudent) -> list[tuple[float, ...]]:
    """What step sizes of the student's parts are multiplied by: its own, and gentler ones for learned layers."""
    gently = zip(student.groups, student.scales, strict=True)
    own = [student.scales, tuple(scale * (GENTLY if group == BODY else 1) for group, scale in gently)]
    return list(dict.fromkeys(own))


def plateaus(means: Sequence[float]) -> list[float]:
    """The mean of every value and its neighbours, of which the first and the last have one."""
    around = (means[max(0, i - 1) : i + 2] for i in range(len(means)))
    return [sum(values) / len(values) for values in around]
