"""How good a choice of texts is: the loss of closed-form students on many other texts, over encoders and ridges.

The loss is the task's own on answers multiplied by a temperature of each student, which is the best one there is for
the texts at hand: squared errors would be spent on margins that nobody asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from textdd.choosing.ridge import answers_if_swapped, kernel, weights
from textdd.tasks import Task

TEMPERATURES = torch.logspace(-2, 7, 37, base=2)
"""What answers are multiplied by, at the choice of each student."""


@dataclass(frozen=True)
class Texts:
    """Texts as all encoders see them.

    Attributes:
        views: unit features of each encoder (n, F).
        targets: targets of the corpus (n,) or (n, C).
    """

    views: tuple[Tensor, ...]
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)

    def at(self, rows: Tensor) -> Texts:
        """Some of them (N,)."""
        return Texts(tuple(view[rows] for view in self.views), self.targets[rows])


@dataclass
class Judge:
    """Scores choices and swaps.

    Attributes:
        task: tells loss and labels.
        ridges: λ of the students of each encoder.
        temperatures: of each student, encoder by encoder (S,); `fit` finds them.
    """

    task: Task
    ridges: tuple[float, ...]
    temperatures: Tensor | None = None

    def centred(self, targets: Tensor) -> Tensor:
        """Labels (n, C) about zero: from the middle between knowing nothing and knowing."""
        middle = 1 / self.task.classes if self.task.name == "one_class" else 0.5
        return self.task.as_labels(targets).double() - middle

    def answers(self, chosen: Texts, asked: Texts) -> Tensor:
        """What the students say (S, N, C) of texts, before temperatures."""
        found, wanted = [], self.centred(chosen.targets)
        for ours, theirs in zip(chosen.views, asked.views, strict=True):
            within, across = kernel(ours, ours), kernel(theirs, ours)
            found += [across @ weights(within, wanted, ridge) for ridge in self.ridges]
        return torch.stack(found).float()

    def fit(self, chosen: Texts, asked: Texts) -> float:
        """Find the temperatures for the texts at hand; returns the mean loss with them."""
        answers = self.answers(chosen, asked)
        losses = torch.stack(
            [torch.stack([self.task.loss(t * one, asked.targets) for t in TEMPERATURES]) for one in answers]
        )
        best = losses.min(1)
        self.temperatures = TEMPERATURES[best.indices]
        return float(best.values.mean())

    def loss(self, chosen: Texts, asked: Texts) -> float:
        """Mean loss of the students at the temperatures that were found."""
        assert self.temperatures is not None
        pairs = zip(self.temperatures, self.answers(chosen, asked), strict=True)
        return float(torch.stack([self.task.loss(t * one, asked.targets) for t, one in pairs]).mean())

    def score(self, chosen: Texts, asked: Texts) -> float:
        """The task's headline measure, which is what a person would ask for: the mean over the students."""
        found = []
        for answers in self.answers(chosen, asked):
            metric = self.task.check_metric()
            metric.update(self.task.probabilities(answers), asked.targets)
            found.append(float(metric.compute()))
        return sum(found) / len(found)

    def swaps(self, chosen: Texts, candidates: Texts, place: int, asked: Texts) -> Tensor:
        """Mean loss of the students (B,) for each candidate that might take one place."""
        assert self.temperatures is not None
        total = torch.zeros(len(candidates))
        targets, wanted = self.centred(chosen.targets), self.centred(candidates.targets)
        temperatures = iter(self.temperatures)
        for ours, theirs, others in zip(chosen.views, candidates.views, asked.views, strict=True):
            kernels = kernel(others, ours), kernel(others, theirs), kernel(ours, ours), kernel(theirs, ours)
            own = theirs.double().square().sum(1) + 1
            for ridge in self.ridges:
                answers = answers_if_swapped(*kernels, own, targets, wanted, place, ridge)
                total += self.losses(next(temperatures) * answers.float(), asked.targets)
        return total / len(self.temperatures)

    def losses(self, answers: Tensor, targets: Tensor) -> Tensor:
        """The task's loss (B,) of answers (N, B, C) to the same texts."""
        found: Tensor = torch.func.vmap(lambda one: self.task.loss(one, targets), 1)(answers)
        return found
