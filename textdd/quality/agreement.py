"""Whether a teacher, a student trained on all texts, gives the texts of a set the labels that they have."""

from __future__ import annotations

import torch
from torch import Tensor

from textdd.sets.texts import TextSet
from textdd.spaces.reading import Reader


@torch.no_grad()
def agreement(distilled: TextSet, reader: Reader, theta: Tensor) -> float:
    """The share of labels on which a teacher and a set agree, shades left out; of several labels a text, over all.

    Args:
        distilled: the set.
        reader: of the teacher's space, with the student that it is.
        theta: the teacher's parameters (P,).
    """
    task, examples = distilled.task, distilled.training_set(reader).as_read(reader.student)
    said = task.hardened(task.probabilities(reader.student(theta, examples.x, examples.mask)))
    same = said == task.hardened(examples.y)
    each = same.all(1) if task.name == "one_class" else same
    return float(each.float().mean())
