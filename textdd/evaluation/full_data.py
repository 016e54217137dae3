"""Students trained on the full data: the upper bound that recovery is measured against, and the teacher.

They cost minutes and depend on nothing that a distiller changes, so each is kept in the cache once trained.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EarlyStopping
from safetensors import safe_open
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from textdd.allowed import STEP_SIZE, InMemory, ListOf, Whole
from textdd.evaluation.cost import Cost
from textdd.locks import claim
from textdd.problem import Problem
from textdd.progress import TrainingBar
from textdd.record import write_tensors
from textdd.spaces.batches import ReadingModule
from textdd.spaces.reading import Batch, Reading
from textdd.training.by_length import by_length
from textdd.training.student import FlatStudent


@dataclass
class FullDataConfig:
    """How students are trained on the full data.

    Attributes:
        step_sizes: Adam step sizes that the first student tries, of a student with parts those of its head; the best on
            validation serves all.
        epochs: most passes over the data; training ends earlier when validation accuracy falls.
        batch: texts per step.
    """

    step_sizes: Annotated[list[float], ListOf(STEP_SIZE, least=1)] = field(default_factory=lambda: [5e-4, 1e-3, 2e-3])
    epochs: Annotated[int, Whole(1, 10_000)] = 10
    batch: InMemory = 128


class StudentTraining(pl.LightningModule):
    """Ordinary training of a student on any set, with Adam; remembers its best epoch.

    Works with any loader of `Batch`es, and with one of (x, y) pairs where y are targets or labels.

    Args:
        student: the classifier.
        theta: its parameters at the start (P,).
        step_size: Adam's step size.
    """

    def __init__(self, student: FlatStudent, theta: Tensor, step_size: float) -> None:
        super().__init__()
        self.module, self.student, self.step_size = student.module, student, step_size
        vector_to_parameters(theta.clone(), student.learned())
        self.accuracy = student.task.check_metric()
        self.best_accuracy, self.best_theta = -1.0, theta
        self.history: list[tuple[int, float]] = []  # (training steps, validation accuracy) after every epoch

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """The task's loss of one mini-batch."""
        del batch_idx
        x, mask, labels = batch if isinstance(batch, Batch) else (batch[0], None, batch[1])
        return self.student.task.loss(by_length(self.module, x, mask), labels)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Count right answers."""
        del batch_idx
        self.accuracy.update(by_length(self.module, batch.x, batch.mask), batch.labels)

    def on_validation_epoch_end(self) -> None:
        """Keep the parameters of the best epoch."""
        accuracy = float(self.accuracy.compute())
        self.accuracy.reset()
        self.log("validation/headline", accuracy, prog_bar=True)
        self.history.append((self.global_step, accuracy))
        if accuracy > self.best_accuracy:
            self.best_accuracy = accuracy
            self.best_theta = parameters_to_vector(self.student.learned()).detach().clone()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam, constant step sizes: each part of the student has its own."""
        student = self.student
        if len(student.scales) == 1:
            return torch.optim.Adam(student.learned(), self.step_size * student.scales[0])
        groups = zip(student.parts(), student.scales, strict=True)
        return torch.optim.Adam([{"params": part, "lr": self.step_size * scale} for part, scale in groups])


def train_full(
    config: FullDataConfig,
    problem: Problem,
    seeds: list[int],
    cache: Path,
    make_trainer: Callable[..., pl.Trainer],
    device: torch.device,
) -> tuple[list[Tensor], dict[str, Any]]:
    """Train one student per seed on the full data, or take those that an earlier run trained from the cache.

    Args:
        config: how to train.
        problem: has the texts and the student.
        seeds: a fresh initialisation and order each.
        cache: folder that belongs to this corpus, space, student and configuration.
        make_trainer: builds a Trainer for the machine's devices and precision.
        device: where the parameters are wanted.

    Returns:
        The students' parameters (P,), each at its best epoch on validation, and what they cost and chose:
        `seconds`, `peak_memory_bytes`, `step_size`, and the first student's validation `curve`.
    """
    thetas, costs = [], []
    step_sizes = config.step_sizes
    for i, seed in enumerate(seeds):
        path = cache / f"student-{seed:016x}.safetensors"
        with claim(path, f"training student {i + 1} on the full data") as ours:
            if ours:
                tried = []
                with Cost() as cost:
                    for step_size in step_sizes:
                        what = f"full data, student {i + 1}/{len(seeds)}, step size {step_size:g}"
                        tried.append(fit(config, problem, problem.train, seed, step_size, what, make_trainer))
                best = max(tried, key=lambda training: training.best_accuracy)
                facts = {
                    "seconds": cost.seconds,
                    "peak_memory_bytes": cost.peak_memory_bytes,
                    "step_size": best.step_size,
                    "history": best.history,
                }
                write_tensors(path, {"theta": best.best_theta.float()}, {"facts": json.dumps(facts)})
        with safe_open(path, "pt", device=str(device)) as file:
            thetas.append(file.get_tensor("theta"))
            costs.append(json.loads(file.metadata()["facts"]))
        step_sizes = [costs[0]["step_size"]]  # the first student has tried them all
    steps, accuracies = zip(*costs[0]["history"], strict=True)
    return thetas, {
        "seconds": sum(cost["seconds"] for cost in costs),
        "peak_memory_bytes": max(cost["peak_memory_bytes"] for cost in costs),
        "step_size": costs[0]["step_size"],
        "curve": {"steps": steps, "mean": accuracies, "std": [0.0] * len(steps)},
    }


def fit(
    config: FullDataConfig,
    problem: Problem,
    train: Reading,
    seed: int,
    step_size: float,
    what: str,
    make_trainer: Callable[..., pl.Trainer],
) -> StudentTraining:
    """Train one student on `train` until its headline measure on validation texts falls."""
    steps = config.epochs * -(-len(train) // config.batch)
    training = StudentTraining(problem.student, problem.student.fresh(seed), step_size)
    stop = EarlyStopping("validation/headline", mode="max", patience=1)
    trainer = make_trainer(max_epochs=config.epochs, callbacks=[stop, TrainingBar(what, steps)])
    trainer.fit(training, datamodule=ReadingModule(train, problem.validation, problem.reader(), config.batch, seed))
    return training
