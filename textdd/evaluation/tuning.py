"""Baselines are tuned like the method: step size and number of steps are chosen on validation texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from textdd.corpora.corpus import Split
from textdd.evaluation.scoring import score
from textdd.evaluation.training_set import TrainingSet
from textdd.progress import track
from textdd.seeds import derive
from textdd.training import Recipe, State, make_optimiser, train
from textdd.training.side_by_side import train_all
from textdd.training.student import FlatStudent

MARKS = (5, 10, 20, 30, 50, 75, 100, 150, 200, 300, 400, 600, 800)
"""Numbers of steps at which a long training is looked at, besides its end."""


class Curve(NamedTuple):
    """Validation accuracy against training steps (the paper's figure 3).

    Attributes:
        steps: numbers of training steps.
        mean: mean accuracy over students at each.
        std: standard deviation over students at each.
    """

    steps: list[int]
    mean: list[float]
    std: list[float]


def marks_up_to(steps: int) -> list[int]:
    """The MARKS within a training of so many steps, and its end."""
    return [*(mark for mark in MARKS if mark < steps), steps]


def train_students(
    student: FlatStudent,
    sets: Sequence[TrainingSet],
    recipe: Recipe,
    seeds: Sequence[int],
    marks: Sequence[int],
    step_sizes: Tensor | None = None,
    side_by_side: str = "auto",
) -> list[list[Tensor]]:
    """Train one fresh student per seed, on the sets in turn, and return its parameters (P,) at each mark.

    Args:
        student: the classifier.
        sets: one set for all students, or one for each (several random subsets).
        recipe: how to train.
        seeds: one fresh initialisation and order each.
        marks: ascending numbers of steps.
        step_sizes: learned ones (T,).
        side_by_side: whether all are trained as one stack: `auto`, `always` or `never`.
    """
    optimiser, like = make_optimiser(recipe.optimiser), sets[0].x
    starts = [State.fresh(student.fresh(seed, like.device, like.dtype), optimiser) for seed in seeds]
    lessons = [sets[i % len(sets)].lesson(recipe, seed, step_sizes) for i, seed in enumerate(seeds)]
    trained = train_all(train, student, optimiser, starts, lessons, marks, side_by_side)
    return [[state.theta for state in states] for states in trained]


def curve(
    student: FlatStudent, trained: list[list[Tensor]], marks: Sequence[int], split: Split, table: Tensor
) -> Curve:
    """Score students (from `train_students`) at every mark."""
    flat = [theta for thetas in trained for theta in thetas]
    accuracy = score(student, flat, split, table).accuracy.view(len(trained), len(marks))
    std = accuracy.std(dim=0) if len(trained) > 1 else torch.zeros(len(marks))
    return Curve(list(marks), accuracy.mean(dim=0).tolist(), std.tolist())


def tune(
    student: FlatStudent,
    sets: Sequence[TrainingSet],
    split: Split,
    table: Tensor,
    *,
    step_sizes: Sequence[float],
    most_steps: int,
    batch: int,
    students: int,
    seed: int,
    what: str,
    side_by_side: str = "auto",
) -> Recipe:
    """Choose the plain recipe (Adam, shuffled mini-batches) with the best validation accuracy.

    A few students are noisy, and the best of many noisy figures is a lucky one: each number of steps is judged by the
    plateau that it lies on.

    Args:
        student: the classifier.
        sets: the set, or several of one kind, used in turn.
        split: validation texts.
        table: word vectors (V, D).
        step_sizes: step sizes to try.
        most_steps: the longest training to try; shorter ones are read off the same run.
        batch: most examples per step; of sets in pieces, which are not equally many, no more than the smallest has.
        students: fresh students per step size.
        seed: the run's seed.
        what: a word for the progress bar.
        side_by_side: as in `train_students`.
    """
    marks = marks_up_to(most_steps)
    seeds = [derive(seed, "tuning", i) for i in range(students)]
    batch = min(batch, *(len(examples.x) for examples in sets))
    tried: list[tuple[float, Recipe]] = []
    for step_size in track(step_sizes, f"tuning {what}"):
        recipe = Recipe("adam", marks[-1], batch, "shuffled", step_size)
        trained = train_students(student, sets, recipe, seeds, marks, side_by_side=side_by_side)
        levels = plateaus(curve(student, trained, marks, split, table).mean)
        tried += [(level, replace(recipe, steps=mark)) for level, mark in zip(levels, marks, strict=True)]
    return max(tried, key=lambda pair: (pair[0], -pair[1].steps))[1]


def plateaus(means: Sequence[float]) -> list[float]:
    """The mean of every value and its neighbours, of which the first and the last have one."""
    around = (means[max(0, i - 1) : i + 2] for i in range(len(means)))
    return [sum(values) / len(values) for values in around]
