"""A small training set of any origin, distilled or picked, and how students are trained on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from textdd.spaces.reading import Reader, Reading
from textdd.tasks import Task
from textdd.training import Lesson, Recipe, State, make_optimiser, train
from textdd.training.side_by_side import train_all
from textdd.training.student import FlatStudent


@dataclass(frozen=True)
class TrainingSet:
    """M examples ready to train on.

    Attributes:
        x: texts as embeddings (M, L, D).
        y: labels (M, C), or the tokens of responses (M, L).
        mask: true at real tokens (M, L); None where every position is one.
        bytes: what it takes to store them: the tensors of a distilled set, step sizes included, or UTF-8 text and one
            byte per label.
        attention: attention labels (M, S, H, R, L), weighted; None where there are none.
        read: whether x is no embeddings but what lies below the learned part of a student made of them.
    """

    x: Tensor
    y: Tensor
    mask: Tensor | None
    bytes: int
    attention: Tensor | None = None
    read: bool = False

    def lesson(self, recipe: Recipe, seed: int, step_sizes: Tensor | None = None) -> Lesson:
        """What one student is taught from this set.

        Args:
            recipe: how to train.
            seed: decides the order where the recipe shuffles.
            step_sizes: learned ones (T,) or (T, G) in place of the recipe's constant one.
        """
        steps = recipe.step_sizes() if step_sizes is None else step_sizes
        rows = recipe.schedule(len(self.x), seed).to(self.x.device)
        return Lesson(self.x, self.y, steps.to(self.x), rows, self.mask, self.attention)

    def plain(self) -> TrainingSet:
        """The same examples as ordinary training data, of texts and labels."""
        return replace(self, attention=None)

    def hardened(self, task: Task) -> TrainingSet:
        """The same examples with labels without shades."""
        return replace(self, y=task.hardened(self.y))

    @torch.no_grad()
    def as_read(self, student: FlatStudent) -> TrainingSet:
        """The same examples as the learned part of a student reads them; those that it has read stay as they are."""
        if self.read:
            return self
        x, mask = student.below(self.x, self.mask)
        return self if x is self.x else replace(self, x=x, mask=mask, read=True)


def in_pieces(examples: TrainingSet, tokens: int) -> TrainingSet:
    """Cut real texts into pieces of so many tokens, every one an example with its text's label.

    The last piece of a text may be shorter; none is empty.
    """
    assert examples.mask is not None
    _, length, width = examples.x.shape
    short = -length % tokens
    x = F.pad(examples.x, (0, 0, 0, short)).reshape(-1, tokens, width)
    mask = F.pad(examples.mask, (0, short)).reshape(-1, tokens)
    y = examples.y.repeat_interleave((length + short) // tokens, dim=0)
    kept = mask.any(dim=1)
    return replace(examples, x=x[kept], y=y[kept], mask=mask[kept])


def real_set(reading: Reading, rows: np.ndarray, reader: Reader) -> TrainingSet:
    """Look real texts up: `rows` (M,) of a split, with the labels that they have."""
    batch, task = reader.embed(reading.tokens(rows)), reader.student.task
    y = task.taught(task.as_labels(batch.labels), batch.labels, batch.x)
    return TrainingSet(batch.x, y, batch.mask, reading.stored_bytes(rows) + task.label_bytes(reading.labels[rows]))


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
        step_sizes: learned ones (T,) or (T, G).
        side_by_side: whether all are trained as one stack: `auto`, `always` or `never`.
    """
    sets = [examples.as_read(student) for examples in sets]
    optimiser, like = make_optimiser(recipe.optimiser), sets[0].x
    starts = [State.fresh(student.fresh(seed, like.device, like.dtype), optimiser) for seed in seeds]
    lessons = [sets[i % len(sets)].lesson(recipe, seed, step_sizes) for i, seed in enumerate(seeds)]
    trained = train_all(train, student, optimiser, starts, lessons, marks, side_by_side)
    return [[state.theta for state in states] for states in trained]
