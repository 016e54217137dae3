"""The last stage: the best swaps in the eyes of the closed-form students, tried by training the student itself.

Ridge regression on frozen features is not what the set is for. Here a few fresh students are trained on the set as it
is, and on the set with each of a few swaps, from the same initialisations and in the same orders, so that they differ
by the swap alone; a swap that lowers their loss on some texts has to lower that of other students on other texts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from textdd.choosing.search import Search
from textdd.evaluation.scoring import logits_of
from textdd.problem import Problem
from textdd.progress import Bar
from textdd.record import write_json
from textdd.seeds import derive, numpy_generator
from textdd.sets.texts import Text
from textdd.sets.training_set import TrainingSet, train_students
from textdd.spaces.reading import Reader, Reading
from textdd.training import Recipe
from textdd.training.work import PER_MINUTE

TRIED, STUDENTS, ASKED, REAL = 3, 2, 500, 5000
"""Swaps that are tried in a round, fresh students that are trained on each, texts that these are asked about, and of
how many those are drawn."""

SHARE = 0.25
"""Of the minutes of the search, for as many rounds as they pay for."""


def rounds_for(problem: Problem, recipe: Recipe, minutes: float, searching: float) -> int:
    """How many rounds the minutes pay for; none where the student takes long to train.

    Args:
        problem: the student, and how long texts are.
        recipe: how the student is trained.
        minutes: of the search.
        searching: minutes that it takes to find the swaps of a round.
    """
    work, length = problem.student.module.work(), problem.space.length
    read = 1 if problem.student.reads_once else length
    trained = work.plain.of(recipe.steps, recipe.batch, read) + work.read.of(1, ASKED, read)
    tokens = trained * STUDENTS * (TRIED + 3) + TRIED * work.below.of(1, 1, length)
    return int(SHARE * minutes / (tokens / PER_MINUTE + searching))


@dataclass
class Rerank:
    """Tries swaps by training.

    Attributes:
        search: finds swaps.
        problem: the student, and real texts.
        texts: all candidates.
        recipe: how the student is trained.
        vectors: what a frozen body has made of candidates (1, 1, H).
    """

    search: Search
    problem: Problem
    texts: list[Text]
    recipe: Recipe
    vectors: dict[int, Tensor] = field(default_factory=dict)

    def run(self, picks: list[int], rounds: int, path: Path) -> list[int]:
        """Try swaps, or go on where a killed run stood.

        Args:
            picks: the set as the search left it (M,).
            rounds: one place of the set each.
            path: where the picks are kept.

        Returns:
            The picks, or where these do worse on validation after all, those that were given.
        """
        done, now = 0, picks
        if path.exists():
            stored = json.loads(path.read_text())
            done, now = stored["round"], stored["picks"]
        reader, bar = self.problem.reader(), Bar("trying swaps", rounds, done)
        try:
            for number in range(done, rounds):
                now = self.tried(now, number, reader)
                write_json(path, {"round": number + 1, "picks": now})
                bar.update(number + 1)
        finally:
            bar.close()
        if now == picks:
            return picks
        held = self.problem.few(self.problem.corpus.validation, self.search.asked)
        before, after = self.losses([picks, now], held, reader, "held")
        return now if after < before else picks

    @cached_property
    def real(self) -> Reading:
        """The texts that students are asked about."""
        return self.problem.few(self.problem.corpus.train, REAL)

    def tried(self, picks: list[int], number: int, reader: Reader) -> list[int]:
        """The picks after one round."""
        search, chosen = self.search, torch.tensor(picks)
        first, _ = search.texts_of(-1 - number)
        search.judge.fit(search.candidates.at(chosen), first)
        place = search.place(len(picks), number)
        found = search.best_swaps(chosen, place, -1 - number, first, TRIED).tolist()
        sets = [picks, *([*picks[:place], row, *picks[place + 1 :]] for row in found)]
        real = self.real
        rows = numpy_generator(self.problem.seed, "tried", number).permutation(len(real))
        size = min(ASKED, len(rows) // 2)
        one, other = (real.at(rows[i * size : (i + 1) * size]) for i in range(2))
        best = sets[int(np.argmin(self.losses(sets, one, reader, f"found {number}")))]
        if best is picks:
            return picks
        before, after = self.losses([picks, best], other, reader, f"confirmed {number}")
        return best if after < before else picks

    def losses(self, sets: list[list[int]], asked: Reading, reader: Reader, purpose: str) -> list[float]:
        """The mean loss of fresh students trained on each set; all sets have the same initialisations."""
        task, recipe, found = self.problem.task, self.recipe, []
        seeds = [derive(self.problem.seed, "rerank", purpose, k) for k in range(STUDENTS)]
        for picks in sets:
            trained = train_students(reader.student, [self.read(picks, reader)], recipe, seeds, [recipe.steps])
            logits, targets = logits_of([theta for (theta,) in trained], asked, reader)
            found.append(float(torch.stack([task.loss(one, targets) for one in logits]).mean()))
        return found

    def read(self, picks: list[int], reader: Reader) -> TrainingSet:
        """A choice as the student reads it, with hard labels; a frozen body reads each text once."""
        y = self.problem.task.as_labels(self.search.candidates.targets[picks])
        if reader.student.reads_once:
            x = torch.cat([self.vector(row, reader) for row in picks])
            return TrainingSet(x, y.to(x), None, 0, read=True)
        batch = reader.embed(self.problem.space.tokens([self.texts[row] for row in picks]))
        return TrainingSet(batch.x, y.to(batch.x), batch.mask, 0)

    def vector(self, row: int, reader: Reader) -> Tensor:
        """What a frozen body makes of a text (1, 1, H), read alone, so that a resumed run finds the very same."""
        if row not in self.vectors:
            self.vectors[row] = reader(self.problem.space.tokens([self.texts[row]])).x
        return self.vectors[row]
