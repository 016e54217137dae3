"""What a teacher thinks of all training texts, read once.

An outer step asks for its opinion of a mini-batch. Where texts are long that takes as long as the students' own
reading, and a run draws every text of an ordinary corpus several times, so the teacher reads all of them beforehand.
"""

from __future__ import annotations

import json

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor

from textdd.evaluation.cost import Cost
from textdd.locks import claim
from textdd.outer.materials import Materials
from textdd.outer.teacher import Teacher
from textdd.problem import Problem
from textdd.progress import track
from textdd.record import write_tensors
from textdd.spaces.reading import Reader, Reading
from textdd.training.by_length import LONG

TEXTS = 30_000
"""Of a corpus that has more, a run does not draw every text often enough."""

READ = 256
"""Texts that are read at a time."""


class Opinions(Reading):
    """A split whose targets are distributions over classes (n, C).

    Args:
        reading: the split.
        targets: what is thought of its texts (n, C).
    """

    def __init__(self, reading: Reading, targets: np.ndarray) -> None:
        super().__init__(reading.split, reading.store, reading.space)
        self.targets = targets

    @property
    def labels(self) -> np.ndarray:
        """What is thought of the texts (n, C)."""
        return self.targets


def worth_reading_once(problem: Problem) -> bool:
    """Whether a teacher is to read all training texts beforehand: long ones, and no more than are drawn often."""
    module = problem.student.module
    whole = not module.reads_once and not module.keeps
    return whole and problem.space.length > LONG and len(problem.train) <= TEXTS


def opinions_of(teacher: Teacher, materials: Materials) -> tuple[Opinions, float]:
    """Have the training split read, or take what was thought of it in another sitting from the cache.

    Args:
        teacher: reads.
        materials: the problem and the cache, which has no other teacher's opinions.

    Returns:
        The split with its opinions, and the seconds that they cost when they were found.
    """
    path, problem = materials.cache / "opinions.safetensors", materials.problem
    with claim(path, "the teacher's reading") as ours:
        if ours:
            with Cost() as cost:
                device = "cuda" if torch.cuda.is_available() else "cpu"
                reading = Teacher(problem.student, teacher.theta.to(device))
                found = read_all(reading, problem.train, problem.reader(device))
            write_tensors(path, {"opinions": found}, {"facts": json.dumps({"seconds": cost.seconds})})
    with safe_open(path, "pt") as file:
        thought, facts = file.get_tensor("opinions"), json.loads(file.metadata()["facts"])
    return Opinions(problem.train, thought.numpy()), facts["seconds"]


@torch.no_grad()
def read_all(teacher: Teacher, reading: Reading, reader: Reader) -> Tensor:
    """Distributions (n, C) of all texts of a split, those of like length read together."""
    order, found = np.argsort(reading.text_lengths(), kind="stable"), []
    for start in track(range(0, len(order), READ), "the teacher reads the training texts"):
        batch = reader(reading.tokens(order[start : start + READ]))
        found.append(teacher.read(batch.x, batch.mask).float().cpu())
    return torch.cat(found)[torch.from_numpy(np.argsort(order))]
