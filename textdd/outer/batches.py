"""Real texts for the outer steps of a distiller."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from torch.utils.data import DataLoader, IterableDataset

from textdd.problem import Problem
from textdd.seeds import numpy_generator
from textdd.spaces.batches import AnyBatch, ReadingModule, loader
from textdd.spaces.reading import Reading


class OuterBatches(IterableDataset[AnyBatch]):
    """The real batches that a distilled set is judged on, one for each outer step.

    The batch of a step depends on the seed, the rank and the step alone, so a resumed run sees the batches
    that it would have seen. Within a batch no example occurs twice.

    Attributes:
        reading: the examples.
        batch_size: N; a smaller split gives all it has.
        total: outer steps of the whole run.
        seed: the run's seed.
        rank: which of the devices draws; each draws its own.
        first: the first step to yield: 0, or where a resumed run goes on.
    """

    def __init__(self, reading: Reading, batch_size: int, total: int, seed: int, rank: int = 0, first: int = 0) -> None:
        self.reading = reading
        self.batch_size = batch_size
        self.total = total
        self.seed = seed
        self.rank = rank
        self.first = first

    def __len__(self) -> int:
        return self.total

    def __iter__(self) -> Iterator[AnyBatch]:
        for step in range(self.first, self.total):
            yield self.reading.batch(self.rows(step))

    def rows(self, step: int) -> np.ndarray:
        """Which texts (N,) the batch of a step has."""
        size = min(self.batch_size, len(self.reading))
        generator = numpy_generator(self.seed, "outer", self.rank, step)
        return generator.choice(len(self.reading), size, replace=False)


class PoissonBatches(OuterBatches):
    """Batches that each text takes part in by chance, whatever the others do, as the privacy account has it.

    They are as large as configured on average only, and one may be empty. `seed` is one that nobody knows.
    """

    def rows(self, step: int) -> np.ndarray:
        """Which texts (N,) the batch of a step has."""
        size = len(self.reading)
        drawn = numpy_generator(self.seed, "poisson", self.rank, step).random(size)
        return np.flatnonzero(drawn < self.batch_size / size)


class OuterData(ReadingModule):
    """Real texts for the outer steps of a distiller, and validation texts for its checks.

    Args:
        problem: has the texts.
        batch_size: real texts per outer step.
        steps: outer steps of the whole run.
        check_texts: validation texts read at each check.
        train: the training texts, with other targets than their own; None means as they are.
        poisson_seed: gives a seed of which every text takes part by chance, or None; asked for when a run begins or
            goes on.
    """

    def __init__(
        self,
        problem: Problem,
        batch_size: int,
        steps: int,
        check_texts: int,
        train: Reading | None = None,
        poisson_seed: Callable[[], int | None] = lambda: None,
    ) -> None:
        checked = problem.validation.sample(check_texts)
        super().__init__(train or problem.train, checked, problem.reader(), batch_size, problem.seed)
        self.steps, self.first, self.poisson_seed = steps, 0, poisson_seed

    def train_dataloader(self) -> DataLoader[AnyBatch]:
        """One batch per outer step, its draw determined by seed, process and step."""
        assert self.trainer is not None
        secret = self.poisson_seed()
        kind, seed = (OuterBatches, self.seed) if secret is None else (PoissonBatches, secret)
        return loader(kind(self.train, self.batch_size, self.steps, seed, self.trainer.global_rank, self.first))

    def state_dict(self) -> dict[str, Any]:
        """The step at which a resumed run goes on."""
        assert self.trainer is not None
        return {"first": self.trainer.global_step}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on at the stored step."""
        self.first = state["first"]
