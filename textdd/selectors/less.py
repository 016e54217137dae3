"""Gradient similarity: texts whose gradients point where those of other texts of their class do.

After Xia et al. (2024), *LESS: Selecting influential data for targeted instruction tuning*, on the last layer alone: a
linear head is trained for a moment on random texts, and at several ages t a text i is worth

    sum over t of cos(g_i, G_c),    g_i = e_i h_i^T,    G_c = mean over target texts j of class c of e_j h_j^T,

with features h (with a one for the bias) and e the predicted less the true labels. Neither gradients of texts nor their
inner products (h_i . h_j)(e_i . e_j) are ever stored: their mean over j is e_i^T G_c h_i, and a gradient is as long as
|e_i| |h_i|. Target texts are drawn from the training split: validation texts choose recipes, and a set that was chosen
by them would be flattered. What is picked is what is worth most, as there; nothing keeps texts apart.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from textdd.choosing.response_gradients import Gradients, gradients_of, warm_writer
from textdd.seeds import derive, numpy_generator
from textdd.selection import candidates
from textdd.spaces.reading import Reader, Reading
from textdd.students.writer import FlatWriter
from textdd.tasks import Task

TARGETS = 200
"""Texts of each class that candidates are compared with, and on as many others the head is trained."""

AGES, STEP_SIZE = (10, 20, 40, 80), 0.05
"""Training steps of the head (Adam) at which gradients are compared, and the size of a step."""


def select_less(train: Reading, reader: Reader, per_class: int, seed: int) -> np.ndarray:
    """Pick `per_class` distinct texts of every class.

    Args:
        train: the training texts.
        reader: has the vectors that features are made of.
        per_class: M / C.
        seed: draws the candidates, the targets and the texts that the head is trained on.

    Returns:
        Rows of the split (M,); row m belongs to class m mod C, as in a distilled set.
    """
    if isinstance(reader.student, FlatWriter):
        return select_pairs(train, reader, per_class, seed)
    task, classes = reader.student.task, range(reader.student.task.classes)
    drawn = {part: [sample(train, c, derive(seed, part)) for c in classes] for part in ("warm-up", "targets")}
    rows = np.concatenate(drawn["warm-up"])
    scale = lengths(train.features(rows, reader)).mean()

    def read(rows: np.ndarray) -> tuple[Tensor, Tensor]:
        h = train.features(rows, reader) / scale
        return F.pad(h, (0, 1), value=1.0), task.as_labels(torch.from_numpy(train.labels[rows])).double()

    heads = warmed_up(task, *read(rows))
    chosen = []
    for label in classes:
        pool = candidates(train, label, per_class, seed)
        worth = sum(
            agreement(*gradients(task, head, *read(pool)), *gradients(task, head, *read(drawn["targets"][label])))
            for head in heads
        )
        assert isinstance(worth, Tensor)
        chosen.append(pool[worth.topk(per_class).indices.numpy()])
    return np.stack(chosen, axis=1).ravel()


def select_pairs(train: Reading, reader: Reader, count: int, seed: int) -> np.ndarray:
    """Pick pairs of a prompt and a response by gradients of a language model that was trained for a moment.

    Args:
        train: the training pairs.
        reader: has the language model.
        count: how many.
        seed: draws the candidates, the targets and the pairs that the model is trained on.

    Returns:
        Rows of the split (M,), what is worth most first.
    """
    theta, pool = warm_writer(train, reader, seed), candidates(train, 0, count, seed)
    targets = gradients_of(theta, train, sample(train, 0, derive(seed, "targets")), reader, "reading targets")
    found = gradients_of(theta, train, pool, reader, "reading candidates")
    return pool[most_alike(found, targets.mean(), count)]


def most_alike(gradients: Gradients, mean: Tensor, count: int) -> np.ndarray:
    """The pairs (count,) whose gradients have the greatest cosine with a mean gradient (H, H), the greatest first."""
    worth = gradients.along(mean) / (gradients.squares().sqrt() * mean.norm()).clamp_min(1e-12)
    found: np.ndarray = worth.topk(count).indices.numpy()
    return found


def sample(train: Reading, label: int, seed: int) -> np.ndarray:
    """Draw some texts of a class: rows of the split."""
    rows = np.flatnonzero(train.split.strata == label)
    return numpy_generator(seed, "sample", label).choice(rows, min(TARGETS, len(rows)), replace=False)


def warmed_up(task: Task, h: Tensor, y: Tensor) -> list[Tensor]:
    """Heads (C, width) of several ages, trained from zero on features h (N, width) with labels y (N, C)."""
    head = torch.zeros(y.shape[1], h.shape[1], dtype=h.dtype, requires_grad=True)
    optimiser, found = torch.optim.Adam([head], STEP_SIZE), []
    for step in range(1, AGES[-1] + 1):
        optimiser.zero_grad()
        task.inner_loss(h @ head.t(), y).backward()
        optimiser.step()
        if step in AGES:
            found.append(head.detach().clone())
    return found


def gradients(task: Task, head: Tensor, h: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The factors of the gradients of N texts: e (N, C) and h (N, width); each is e_i h_i^T."""
    return task.probabilities(h @ head.t()) - y, h


def agreement(e: Tensor, h: Tensor, e_target: Tensor, h_target: Tensor) -> Tensor:
    """The cosine (N,) of each text's gradient and the mean gradient of the targets."""
    mean = e_target.t() @ h_target / len(h_target)  # (C, width)
    inner = ((e @ mean) * h).sum(1)
    return inner / (lengths(e) * lengths(h) * mean.norm()).clamp_min(1e-12)


def lengths(x: Tensor) -> Tensor:
    """The length of each row."""
    return x.norm(dim=1)
