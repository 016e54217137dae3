"""Students of several kinds take turns: one set, for which every kind has a distiller of the same method.

The distillers share texts and labels. Each has its own student, recipe and learned step sizes, its own pool where the
method keeps one, and its own running norm that gradients are clipped by. Outer step s is that of kind s mod K, so all
kinds are looked at equally often; the validation accuracy, by which the best set is kept, is the mean over the kinds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from textdd.outer.clipping import AdaptiveClip
from textdd.outer.config import DistillerConfig
from textdd.outer.distiller import Distiller
from textdd.outer.materials import Materials
from textdd.problem import Problem
from textdd.spaces.reading import Batch, Reading


class Mixed(Distiller):
    """Distillers of one method that take turns.

    Args:
        members: one for each kind of student; the sets that they learn share texts and labels.
        names: what the kinds are called.
    """

    def __init__(self, members: Sequence[Distiller], names: Sequence[str]) -> None:
        first = members[0]
        super().__init__(first.config, first.student, first.synthetic, first.seed)
        self.averaged, self.best = first.averaged, first.best
        self.names = list(names)
        self.distillers = nn.ModuleList(members)

    @property
    def members(self) -> list[Distiller]:
        """One distiller for each kind of student."""
        return [member for member in self.distillers if isinstance(member, Distiller)]

    @property
    def clipping(self) -> AdaptiveClip:
        """What gradients are clipped by: whose turn it is has a running norm of its own."""
        return self.members[self.global_step % len(self.members)].clip

    def take(self, config: DistillerConfig) -> None:
        """All members have the same options."""
        super().take(config)
        for member in self.members:
            member.take(config)

    def probe(self) -> Mixed:
        """A copy to be tried out, with copies of the members."""
        return Mixed([member.probe() for member in self.members], self.names)

    def prepare(self, materials: Materials) -> None:
        """A teacher is one of the first kind, for all."""
        for member in self.members:
            member.prepare(materials)
        self.prepared_seconds = self.members[0].prepared_seconds

    def judging(self, problem: Problem) -> Reading:
        """What the first kind draws from: one teacher's opinions serve all."""
        return self.members[0].judging(problem)

    def objective(self, batch: Batch, step: int) -> Tensor:
        """The loss of the kind whose turn it is."""
        turn, count = step % len(self.members), len(self.members)
        loss = self.members[turn].objective(batch, step // count)
        # Processes that average gradients want one for every parameter in every step, so what is not used gets a zero.
        others = (member.synthetic.raw_step_sizes for member in self.members if member is not self.members[turn])
        return loss + sum(0 * raw.sum() for raw in others if raw is not None)

    def work_per_step(self, real_length: float) -> float:
        """The mean over the kinds."""
        return sum(member.work_per_step(real_length) for member in self.members) / len(self.members)

    def work_before(self, texts: int, real_length: float) -> float:
        """What the first kind prepares."""
        return self.members[0].work_before(texts, real_length)

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Those of the first kind, and the step sizes of the others."""
        groups = super().parameter_groups()
        others = (member.synthetic.raw_step_sizes for member in self.members[1:])
        raw = [step_sizes for step_sizes in others if step_sizes is not None]
        return [*groups, {"params": raw, "lr": self.config.step_size_step_size}] if raw else groups

    def setup(self, stage: str) -> None:
        """Members draw by the rank of their process, which their trainer knows."""
        del stage
        for member in self.members:
            member.trainer = self.trainer

    def follow(self) -> None:
        """Follow the iterates of all kinds."""
        for member in self.members:
            member.averaged.follow(member.synthetic, self.global_step - 1)

    def on_validation_epoch_start(self) -> None:
        """Train the students of all kinds that this check looks at."""
        for member in self.members:
            member.on_validation_epoch_start()

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Score those students on one batch of validation texts."""
        for member in self.members:
            member.validation_step(batch, batch_idx)

    def on_validation_epoch_end(self) -> None:
        """Keep the averaged set if it is the best so far, by the mean of the headline measure over the kinds."""
        measure, found = self.student.task.measures[0], []
        for name, member in zip(self.names, self.members, strict=True):
            found.append(member.accuracy.compute())
            member.accuracy.reset()
            self.log(f"validation/{measure}_{name}", found[-1], sync_dist=True)
        mean = torch.stack(found).mean()
        self.log(f"validation/{measure}", mean, prog_bar=True, sync_dist=True)
        if mean > self.best_accuracy:
            self.best_accuracy.copy_(mean)
            for member in self.members:
                member.best.follow(member.averaged.mean, step=0)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """What every member stores, beside what a distiller does."""
        super().on_save_checkpoint(checkpoint)
        checkpoint["members"] = [{} for _ in self.members]
        for member, own in zip(self.members, checkpoint["members"], strict=True):
            member.on_save_checkpoint(own)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take up what every member stored."""
        super().on_load_checkpoint(checkpoint)
        for member, own in zip(self.members, checkpoint["members"], strict=True):
            member.on_load_checkpoint(own)
