"""The protocol where targets are texts: the loss of held-out responses decides, and what students write stands beside.

What stands for the full data is a sample of the training pairs, always the same one: on one core a model of 135 million
numbers reads three pairs a second, and learns from one or two.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from functools import cached_property
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor

from textdd.evaluation.cost import Cost
from textdd.evaluation.protocol import EvaluationConfig, Protocol, marks_of
from textdd.evaluation.responses import Held, held_out, response_losses, written_scores
from textdd.evaluation.summary import Result, summary
from textdd.evaluation.tuning import curve
from textdd.evaluation.untrained import NO_CURVE
from textdd.locks import claim
from textdd.problem import Problem
from textdd.progress import say, track
from textdd.record import write_json
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.training_set import real_set, train_students
from textdd.spaces.reading import Reader
from textdd.tasks import Scores
from textdd.training import Recipe

SHOWN = 10
"""Answers that a result holds for people to read."""


class WritingProtocol(Protocol):
    """The comparison of sets of prompts and responses; arguments as for every protocol."""

    speaks = True

    @cached_property
    def held(self) -> Held:
        """The test prompts that are read."""
        return held_out(self.problem, self.config.writing.prompts)

    def tested(self, thetas: list[Tensor], reader: Reader) -> Scores:
        """All measures of students on the test prompts."""
        scores, _ = written_scores(thetas, self.held, reader, self.config.writing)
        return scores

    def distilled(self, distilled: DistilledSet) -> Result:
        """Score a set by its own recipe, which is a plain one."""
        own = distilled.training_set(self.reader)
        with Cost() as cost:
            result = self.measure([own], distilled.recipe, distilled.step_sizes)
        return {
            **result,
            "pieces": 1,
            "bytes": own.bytes,
            "bytes_of": distilled.stored_bytes(),
            "evaluation_seconds": cost.seconds,
            "variants": {},
            "transfer": {},
        }

    def untrained(self) -> Result:
        """Score the model as it is, and show what it answers."""
        with Cost() as cost:
            theta = self.problem.student.fresh(self.seed, self.device)  # adapters that change nothing yet
            scores, written = written_scores([theta], self.held, self.reader, self.config.writing)
        return {
            **summary(scores),
            "curve": NO_CURVE,
            "variants": {},
            "transfer": {},
            "bytes": 0,
            "seconds": cost.seconds,
            "peak_memory_bytes": cost.peak_memory_bytes,
            "answers": written[:SHOWN],
        }

    def full(self, cache_dir: Path, make_trainer: Callable[..., pl.Trainer]) -> tuple[None, Result]:
        """Score students trained on the sample that stands for the full data; there is no teacher.

        Of the step sizes of `evaluation.full`, which are those of a small network, the one with the least loss on
        validation texts serves all students.
        """
        del make_trainer
        path = cache_dir.with_suffix(".json")
        with claim(path, "training on the full data") as ours:
            if ours:
                write_json(path, self.trained_in_full())
        content: Result = json.loads(path.read_text())
        return None, content

    def trained_in_full(self) -> Result:
        """As `full`, not looking at what is kept."""
        problem, config, student = self.problem, self.config.full, self.problem.student
        sample = problem.train.sample(self.config.writing.full)
        say(f"full: {len(sample)} of {len(problem.train)} training pairs, always the same, {config.epochs} times")
        with Cost() as cost:
            examples = real_set(sample, np.arange(len(sample)), self.reader)
            steps, seeds = config.epochs * -(-len(sample) // config.batch), self.seeds("full")
            tried = []
            for step_size in track(config.step_sizes, "training the first student on the full data"):
                recipe = Recipe("adam", steps, config.batch, "shuffled", step_size).for_parts(student.scales)
                trained = train_students(student, [examples], recipe, seeds[:1], marks_of(steps))
                loss = response_losses([trained[0][-1]], self.validation, self.reader)
                tried.append((float(loss), recipe, trained))
            _, recipe, first = min(tried, key=lambda one: one[0])
            others = train_students(student, [examples], recipe, seeds[1:], [steps]) if len(seeds) > 1 else []
            scores = self.tested([first[0][-1], *(thetas[-1] for thetas in others)], self.reader)
        return {
            **summary(scores),
            "recipe": asdict(recipe),
            "curve": curve(first, marks_of(steps), self.validation, self.reader)._asdict(),
            "variants": {},
            "transfer": {},
            "pairs": len(sample),
            "bytes": examples.bytes,
            "seconds": cost.seconds,
            "peak_memory_bytes": cost.peak_memory_bytes,
        }


def protocol_of(config: EvaluationConfig, problem: Problem, device: torch.device, seed: int) -> Protocol:
    """The comparison that the targets of a corpus ask for; arguments as for `Protocol`."""
    kind = WritingProtocol if problem.task.name == "generation" else Protocol
    return kind(config, problem, device, seed)
