"""Students of a set under attack, beside students of random texts and of the full data.

An attacker who holds a set can train students on it. If these find training texts easier than held-out texts, the set
tells who was in the data. Members are training texts at large, whether the set was picked from them or made of all. No
text decides anything here that is attacked later: recipes are the set's own or the same for everybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from textdd.config import RunConfig, TrustConfig
from textdd.corpora.budget import check_per_class
from textdd.corpora.sources import DatasetConfig
from textdd.evaluate import is_its_own
from textdd.evaluation.full_data import FullDataConfig, train_full
from textdd.evaluation.protocol import EvaluationConfig
from textdd.evaluation.scoring import logits_of
from textdd.prepare import setting, short_hash
from textdd.problem import Problem
from textdd.seeds import derive, numpy_generator
from textdd.selectors.random import select_random
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.texts import ABOUT_A_HUNDRED, Text, TextSet
from textdd.sets.training_set import real_set, train_students
from textdd.spaces.reading import Reader, Reading
from textdd.tasks import Task
from textdd.trainer import TrainerConfig, make_trainer
from textdd.training import Recipe
from textdd.trust.attack import attacked
from textdd.trust.heldout import Sides
from textdd.trust.lira import surprise


class Attack:
    """The same attacks on any students.

    Attributes:
        students: parameters of those that were attacked, by what they were trained on.
        random_texts: the texts of each student of random ones.

    Args:
        config: the command.
        problem: corpus, space and student.
        sides: training and held-out texts, of which as many of each are drawn.
    """

    def __init__(self, config: TrustConfig, problem: Problem, sides: Sides) -> None:
        self.config, self.problem = config, problem
        self.device = make_trainer(TrainerConfig()).strategy.root_device
        self.reader = problem.reader(self.device)
        count = min(config.trust.texts, len(sides.training), len(sides.heldout))
        self.members, self.others = (
            problem.reading(split).at(self._drawn(len(split), count)) for split in (sides.training, sides.heldout)
        )
        self.students: dict[str, list[Tensor]] = {}
        self.random_texts: list[list[Text]] = []

    def _drawn(self, size: int, count: int) -> np.ndarray:
        """Rows of a split, always the same ones."""
        return np.sort(numpy_generator(self.config.seed, "trust", "attacked").choice(size, count, replace=False))

    def seeds(self, purpose: str) -> list[int]:
        """K seeds for fresh initialisations."""
        return [derive(self.config.seed, purpose, number) for number in range(self.config.students)]

    def on(self, thetas: Sequence[Tensor], members: Sequence[Reading] | None = None) -> dict[str, Any]:
        """Attack K students, given by their parameters (P,), by the threshold on their loss.

        Args:
            thetas: the students.
            members: of each its own; None takes the training texts that were drawn.
        """
        own = [losses([theta], one, self.reader)[0] for theta, one in zip(thetas, members or (), strict=False)]
        inside = np.stack(own) if own else losses(thetas, self.members, self.reader)
        return self._measured(inside, losses(thetas, self.others, self.reader))

    def beside(self, thetas: Sequence[Tensor], shadows: Sequence[Tensor]) -> dict[str, Any]:
        """Attack K students by how much surer they are of a text than N shadow students, none of which has seen it."""
        found = []
        for reading in (self.members, self.others):
            together = losses([*thetas, *shadows], reading, self.reader)
            found.append(-surprise(together[: len(thetas)], together[len(thetas) :]))
        return {"shadows": len(shadows), **self._measured(*found)}

    def _measured(self, inside: np.ndarray, outside: np.ndarray) -> dict[str, Any]:
        options, generator = self.config.trust, numpy_generator(self.config.seed, "trust", "bootstrap")
        found = attacked(inside, outside, options.resamples, options.confidence, generator)
        return {"members": inside.shape[1], "others": outside.shape[1], **found}

    def on_set(self, distilled: DistilledSet) -> dict[str, Any]:
        """Attack students trained on a set, by its own recipe where it brings one for this student."""
        own = is_its_own(self.problem.model, distilled) and not (isinstance(distilled, TextSet) and distilled.from_file)
        recipe, step_sizes = (distilled.recipe, distilled.step_sizes) if own else (self.plain, None)
        sets = [distilled.training_set(self.reader)]
        seeds = self.seeds("evaluation")
        trained = train_students(self.reader.student, sets, recipe, seeds, [recipe.steps], step_sizes)
        thetas = self.students["set"] = [theta for (theta,) in trained]
        found = {"recipe": "own" if own else "fixed", **self.on(thetas)}
        return found if not self.config.trust.shadows else {**found, "lira": self.beside(thetas, self.small_shadows)}

    def on_random(self) -> dict[str, Any]:
        """Attack students trained on random texts, each on others; `own_texts` are those that a student was trained on.

        The attack on these says whether it finds anything where there is something to be found.
        """
        train, drawn = self.problem.train, self.seeds("random subset")
        chosen, thetas = self._trained_on_random(train, drawn, self.seeds("evaluation"))
        self.students["random"], self.random_texts = thetas, [train.split.texts(rows) for rows in chosen]
        own = self.on(thetas, [train.at(rows) for rows in chosen])
        found = {"recipe": "fixed", **self.on(thetas), "own_texts": own}
        return found if not self.config.trust.shadows else {**found, "lira": self.beside(thetas, self.small_shadows)}

    def on_full(self, dataset: DatasetConfig) -> dict[str, Any]:
        """Attack students trained on the full data, those of a run or of `textdd score` if the cache has them."""
        seeds = [derive(self.problem.seed, "full", number) for number in range(self.config.students)]
        thetas, facts = self._trained_on_full(self.problem, self.config.trust.full, dataset, seeds)
        self.students["full"] = thetas
        found = {"seconds": facts["seconds"], **self.on(thetas)}
        if not self.config.trust.shadows:
            return found
        split, alike = self.unseen.split, replace(self.config.trust.full, step_sizes=[facts["step_size"]])
        without = replace(self.problem, corpus=replace(self.problem.corpus, train=split))
        seeds = [derive(self.problem.seed, "shadow", number) for number in range(self.config.trust.shadows)]
        attacked_rows = short_hash(self.members.rows.tolist())
        shadows, facts = self._trained_on_full(without, alike, dataset, seeds, f"without-{attacked_rows}")
        lira = {"seconds": facts["seconds"], **self.beside(thetas, shadows)}
        return {**found, "lira": lira}

    @property
    def plain(self) -> Recipe:
        """How students are trained on what brings no recipe for them."""
        return ABOUT_A_HUNDRED.for_parts(self.reader.student.scales)

    @property
    def unseen(self) -> Reading:
        """The training texts that are not attacked."""
        train = self.problem.train
        return train.at(np.flatnonzero(~np.isin(train.rows, self.members.rows)))

    @cached_property
    def small_shadows(self) -> list[Tensor]:
        """N shadow students of tiny sets: each is trained on random texts, as many as the set has, none attacked."""
        numbers = range(self.config.trust.shadows)
        drawn, seeds = ([derive(self.config.seed, f"shadow {what}", i) for i in numbers] for what in ("set", "start"))
        return self._trained_on_random(self.unseen, drawn, seeds)[1]

    def _trained_on_random(
        self, reading: Reading, drawn: Sequence[int], seeds: Sequence[int]
    ) -> tuple[list[np.ndarray], list[Tensor]]:
        """Students that are trained on random texts, each on others: rows of their texts, and parameters."""
        per_class, recipe = self.problem.per_class, self.plain
        check_per_class(per_class, reading.split.strata, self.problem.corpus.classes)
        chosen = [select_random(reading, self.reader, per_class, seed) for seed in drawn]
        sets = [real_set(reading, rows, self.reader) for rows in chosen]
        trained = train_students(self.reader.student, sets, recipe, seeds, [recipe.steps])
        return chosen, [theta for (theta,) in trained]

    def _trained_on_full(
        self, problem: Problem, full: FullDataConfig, dataset: DatasetConfig, seeds: list[int], what: str = ""
    ) -> tuple[list[Tensor], dict[str, Any]]:
        """Students of all training texts of a problem, and what they cost; those that the cache has are not trained.

        Args:
            problem: the texts and the student.
            full: how they are trained.
            dataset: the corpus's options.
            seeds: one for each.
            what: tells texts that are left out.
        """
        evaluation = EvaluationConfig(students=self.config.students, full=full)
        run = RunConfig(seed=problem.seed, dataset=dataset, model=problem.model, evaluation=evaluation)
        key = short_hash([setting(run, problem), asdict(full), *([what] if what else [])])
        make = partial(make_trainer, TrainerConfig(), alone=True)
        return train_full(full, problem, seeds, problem.cache / "baselines" / f"full-{key}", make, self.device)


def losses(thetas: Sequence[Tensor], reading: Reading, reader: Reader) -> np.ndarray:
    """The loss of K students on every text of a split (K, n)."""
    logits, targets = logits_of(list(thetas), reading, reader)
    found = [each_loss(reader.student.task, own, targets) for own in logits]
    return torch.stack(found).double().numpy()


def each_loss(task: Task, logits: Tensor, targets: Tensor) -> Tensor:
    """The task's loss (n,) of each text by itself.

    Args:
        task: what a target is.
        logits: (n, C).
        targets: as the corpus has them.
    """
    one = zip(logits.split(1), targets.split(1), strict=True)
    return torch.stack([task.loss(own, wanted) for own, wanted in one])
