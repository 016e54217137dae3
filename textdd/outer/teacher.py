"""The teacher: a student trained on the full training split, whose opinion of a text is a label distribution."""

from __future__ import annotations

import json
from dataclasses import replace

from safetensors import safe_open
from torch import Tensor, nn

from textdd.evaluation.cost import Cost
from textdd.evaluation.full_data import FullDataConfig, fit
from textdd.locks import claim
from textdd.outer.materials import Materials
from textdd.record import write_tensors
from textdd.seeds import derive
from textdd.training.student import FlatStudent
from textdd.training.work import Work

STEP_SIZE = 1e-3

EPOCHS, STEPS = 4, 1000
"""Most epochs, but as many as make these training steps where the corpus is small. A teacher need not be the best
student there is: this one costs a tenth of the full-data baseline's."""

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

    def read(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """What it thinks (N, C) of texts that have been read: x (N, L, D) or what lies below the learned part."""
        return self.student.task.probabilities(self.student(self.theta, x, mask))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Labels (N, C) of texts x (N, L, D) as they are stored, differentiable with respect to the texts."""
        return self.read(*self.student.below(x, mask))


def training(texts: int) -> FullDataConfig:
    """How a teacher is trained on a corpus of so many texts."""
    config = FullDataConfig(step_sizes=[STEP_SIZE])
    per_epoch = -(-min(texts, TEXTS) // config.batch)
    return replace(config, epochs=max(EPOCHS, -(-STEPS // per_epoch)))


def teacher_work(work: Work, texts: int, length: float) -> float:
    """What training one costs at most, in token-steps.

    Args:
        work: of the student.
        texts: in the training split.
        length: L of a real text.
    """
    config = training(texts)
    return work.plain.of(config.epochs * -(-min(texts, TEXTS) // config.batch), config.batch, length)


def train_teacher(materials: Materials, seed: int) -> tuple[Teacher, float]:
    """Train a teacher, or take the one that another run trained from the cache.

    Args:
        materials: the problem and the cache.
        seed: the run's seed.

    Returns:
        The teacher, at its best epoch on validation, and the seconds that it cost when it was trained.
    """
    problem, config = materials.problem, training(len(materials.problem.train))
    path = materials.cache / f"teacher-{config.epochs}-epochs.safetensors"
    with claim(path, "training the teacher") as ours:
        if ours:
            with Cost() as cost:
                trained = fit(
                    config,
                    problem,
                    problem.train.sample(TEXTS),
                    derive(seed, "teacher"),
                    STEP_SIZE,
                    "teacher",
                    materials.make_trainer,
                )
            facts = {"seconds": cost.seconds, "validation_accuracy": trained.best_accuracy}
            write_tensors(path, {"theta": trained.best_theta.float()}, {"facts": json.dumps(facts)})
    with safe_open(path, "pt") as file:
        return Teacher(problem.student, file.get_tensor("theta")), json.loads(file.metadata()["facts"])["seconds"]
