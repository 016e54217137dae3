"""The teacher: a student trained on the full training split, whose opinion of a text is a label distribution."""

from __future__ import annotations

import json
from dataclasses import replace

from safetensors import safe_open
from torch import Tensor, nn

from textdd.distillers.materials import Materials
from textdd.evaluation.cost import Cost
from textdd.evaluation.full_data import FullDataConfig, fit
from textdd.locks import claim
from textdd.record import write_tensors
from textdd.seeds import derive
from textdd.students import FlatStudent

TRAINING = FullDataConfig(step_sizes=[1e-3], epochs=4)
"""A teacher need not be the best student there is: this one costs a tenth of the full-data baseline's."""

TEXTS = 100_000
"""Most texts that a teacher reads: of a corpus of millions, a sample teaches as well."""


class Teacher(nn.Module):
    """Gives texts label distributions; not part of checkpoints, since every sitting finds it in the cache.

    Args:
        student: the classifier.
        theta: its trained parameters (P,).
    """

    def __init__(self, student: FlatStudent, theta: Tensor) -> None:
        super().__init__()
        self.student = student
        self.theta: Tensor
        self.register_buffer("theta", theta, persistent=False)

    def logits(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Logits (N, C) of texts x (N, L, D) with an optional mask (N, L)."""
        return self.student(self.theta, x, mask)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Label distributions (N, C) of texts x (N, L, D), differentiable with respect to the texts."""
        return self.logits(x, mask).softmax(dim=1)


def train_teacher(student: FlatStudent, materials: Materials, seed: int) -> tuple[Teacher, float]:
    """Train a teacher, or take the one that another run trained from the cache.

    Args:
        student: the classifier.
        materials: the corpus and the cache.
        seed: the run's seed.

    Returns:
        The teacher, at its best epoch on validation, and the seconds that it cost when it was trained.
    """
    corpus, path = materials.corpus, materials.cache / "teacher.safetensors"
    with claim(path, "training the teacher") as ours:
        if ours:
            with Cost() as cost:
                training = fit(
                    TRAINING,
                    student,
                    replace(corpus, train=corpus.train.sample(TEXTS)),
                    materials.table,
                    derive(seed, "teacher"),
                    TRAINING.step_sizes[0],
                    "teacher",
                    materials.make_trainer,
                )
            facts = {"seconds": cost.seconds, "validation_accuracy": training.best_accuracy}
            write_tensors(path, {"theta": training.best_theta}, {"facts": json.dumps(facts)})
    with safe_open(path, "pt") as file:
        return Teacher(student, file.get_tensor("theta")), json.loads(file.metadata()["facts"])["seconds"]
