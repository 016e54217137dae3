"""Students of a set under attack, beside students of random texts and of the full data.

An attacker who holds a set can train students on it. If these find training texts easier than held-out texts, the set
tells who was in the data. Members are training texts at large, whether the set was picked from them or made of all. No
text decides anything here that is attacked later: recipes are the set's own or the same for everybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from textdd.config import RunConfig, TrustConfig
from textdd.corpora.budget import check_per_class
from textdd.corpora.sources import DatasetConfig
from textdd.evaluate import is_its_own
from textdd.evaluation.full_data import train_full
from textdd.evaluation.protocol import EvaluationConfig
from textdd.evaluation.scoring import logits_of
from textdd.prepare import setting, short_hash
from textdd.problem import Problem
from textdd.seeds import derive, numpy_generator
from textdd.selectors.random import select_random
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.texts import ABOUT_A_HUNDRED, TextSet
from textdd.sets.training_set import real_set, train_students
from textdd.spaces.reading import Reader, Reading
from textdd.tasks import Task
from textdd.trainer import TrainerConfig, make_trainer
from textdd.trust.attack import attacked
from textdd.trust.heldout import Sides


class Attack:
    """The same attack on any students.

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

    def _drawn(self, size: int, count: int) -> np.ndarray:
        """Rows of a split, always the same ones."""
        return np.sort(numpy_generator(self.config.seed, "trust", "attacked").choice(size, count, replace=False))

    def seeds(self, purpose: str) -> list[int]:
        """K seeds for fresh initialisations."""
        return [derive(self.config.seed, purpose, number) for number in range(self.config.students)]

    def on(self, thetas: Sequence[Tensor], members: Sequence[Reading] | None = None) -> dict[str, Any]:
        """Attack K students, given by their parameters (P,).

        Args:
            thetas: the students.
            members: of each its own; None takes the training texts that were drawn.
        """
        options = self.config.trust
        own = [losses([theta], one, self.reader)[0] for theta, one in zip(thetas, members or (), strict=False)]
        inside = np.stack(own) if own else losses(thetas, self.members, self.reader)
        generator = numpy_generator(self.config.seed, "trust", "bootstrap")
        found = attacked(
            inside, losses(thetas, self.others, self.reader), options.resamples, options.confidence, generator
        )
        return {"members": inside.shape[1], "others": len(self.others), **found}

    def on_set(self, distilled: DistilledSet) -> dict[str, Any]:
        """Attack students trained on a set, by its own recipe where it brings one for this student."""
        own = is_its_own(self.problem.model, distilled) and not (isinstance(distilled, TextSet) and distilled.from_file)
        plain = ABOUT_A_HUNDRED.for_parts(self.reader.student.scales)
        recipe, step_sizes = (distilled.recipe, distilled.step_sizes) if own else (plain, None)
        sets = [distilled.training_set(self.reader)]
        seeds = self.seeds("evaluation")
        trained = train_students(self.reader.student, sets, recipe, seeds, [recipe.steps], step_sizes)
        return {"recipe": "own" if own else "fixed", **self.on([theta for (theta,) in trained])}

    def on_random(self) -> dict[str, Any]:
        """Attack students trained on random texts, each on others; `own_texts` are those that a student was trained on.

        The attack on these says whether it finds anything where there is something to be found.
        """
        train, recipe = self.problem.train, ABOUT_A_HUNDRED.for_parts(self.reader.student.scales)
        check_per_class(self.problem.per_class, train.split.strata, self.problem.corpus.classes)
        drawn, per_class = self.seeds("random subset"), self.problem.per_class
        chosen = [select_random(train, self.reader, per_class, seed) for seed in drawn]
        sets, seeds = [real_set(train, rows, self.reader) for rows in chosen], self.seeds("evaluation")
        trained = train_students(self.reader.student, sets, recipe, seeds, [recipe.steps])
        thetas = [theta for (theta,) in trained]
        own = self.on(thetas, [train.at(rows) for rows in chosen])
        return {"recipe": "fixed", **self.on(thetas), "own_texts": own}

    def on_full(self, dataset: DatasetConfig) -> dict[str, Any]:
        """Attack students trained on the full data, those of a run or of `textdd score` if the cache has them."""
        problem, full = self.problem, self.config.trust.full
        evaluation = EvaluationConfig(students=self.config.students, full=full)
        run = RunConfig(seed=problem.seed, dataset=dataset, model=problem.model, evaluation=evaluation)
        key = short_hash([setting(run, problem), asdict(full)])
        make = partial(make_trainer, TrainerConfig(), alone=True)
        seeds = [derive(problem.seed, "full", number) for number in range(self.config.students)]
        thetas, facts = train_full(full, problem, seeds, problem.cache / "baselines" / f"full-{key}", make, self.device)
        return {"seconds": facts["seconds"], **self.on(thetas)}


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
