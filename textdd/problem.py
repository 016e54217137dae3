"""The problem: corpus, space, task, student, size and seed, which travel together through every part of the program."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from textdd.corpora.corpus import Corpus, Split
from textdd.spaces.featured import MOST_TEXTS, body_key, featured
from textdd.spaces.hidden import hidden
from textdd.spaces.reading import Reader, Reading
from textdd.spaces.space import Space
from textdd.spaces.store import TokenStore
from textdd.tasks import Task
from textdd.training.student import FlatStudent


@dataclass(frozen=True)
class Problem:
    """For whom a set is made, of what, and how large.

    Attributes:
        corpus: texts and targets, split.
        space: how students read them.
        stores: the corpus's files in the tokens of the space.
        student: the student, and `model`, its options.
        model: options of the student.
        others: options and students of further kinds that take turns with it, if any.
        per_class: M / C.
        share: M as a fraction of the training texts.
        seed: the run's seed.
        cache: where what several runs can use is kept.
    """

    corpus: Corpus
    space: Space
    stores: dict[Path, TokenStore]
    student: FlatStudent
    model: Any
    per_class: int
    share: float
    seed: int
    cache: Path
    others: tuple[tuple[Any, FlatStudent], ...] = ()

    def each(self) -> list[Problem]:
        """The problem of every kind of student alone, the first one's first."""
        alone = [replace(self, model=model, student=student, others=()) for model, student in self.others]
        return [replace(self, others=()), *alone]

    @property
    def task(self) -> Task:
        """What a target is."""
        return self.corpus.task

    @property
    def classes(self) -> int:
        """C."""
        return len(self.corpus.classes)

    def reader(self, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32) -> Reader:
        """What turns tokens into what the student reads, on a device."""
        return Reader(self.space, self.student, torch.device(device), dtype)

    @cached_property
    def train(self) -> Reading:
        """The training split as the student reads it."""
        return self.reading(self.corpus.train)

    @cached_property
    def validation(self) -> Reading:
        """The validation split as the student reads it."""
        return self.reading(self.corpus.validation)

    @cached_property
    def test(self) -> Reading:
        """The test split as the student reads it."""
        return self.reading(self.corpus.test)

    def few(self, split: Split, count: int) -> Reading:
        """So many texts of a split as the student reads them: for their sake a frozen body reads no others."""
        return self.reading(split.sample(count), most=count)

    def reading(self, split: Split, most: int = MOST_TEXTS) -> Reading:
        """A split as the student reads it: a frozen body, or its frozen layers, have read it once for all uses.

        Args:
            split: the texts.
            most: texts that a body reads that is frozen as a whole; of a part of the corpus that is no larger, all.
        """
        reading = Reading(split, self.stores[split.store.path], self.space)
        keeps = self.student.module.keeps
        if not self.student.reads_once and not keeps:
            return reading
        device = "cuda" if torch.cuda.is_available() else "cpu"
        reader = self.reader(device)
        if keeps:
            return hidden(reading, reader, keeps, self.cache)
        return featured(reading, reader, body_key(reader), self.cache, most)
