"""Real texts for the outer steps of a distiller."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from textdd.corpora.corpus import Corpus, Split, TokenBatch
from textdd.seeds import numpy_generator
from textdd.spaces.module import CorpusModule, EpochBatches, loader


class OuterBatches(IterableDataset[TokenBatch]):
    """The real batches that a distilled set is judged on, one for each outer step.

    The batch of a step depends on the seed, the rank and the step alone, so a resumed run sees the batches
    that it would have seen. Within a batch no example occurs twice.

    Attributes:
        split: the examples.
        batch_size: N; a smaller split gives all it has.
        total: outer steps of the whole run.
        seed: the run's seed.
        rank: which of the devices draws; each draws its own.
        first: the first step to yield: 0, or where a resumed run goes on.
    """

    def __init__(self, split: Split, batch_size: int, total: int, seed: int, rank: int = 0, first: int = 0) -> None:
        self.split = split
        self.batch_size = batch_size
        self.total = total
        self.seed = seed
        self.rank = rank
        self.first = first

    def __len__(self) -> int:
        return self.total

    def __iter__(self) -> Iterator[TokenBatch]:
        size = min(self.batch_size, len(self.split))
        for step in range(self.first, self.total):
            generator = numpy_generator(self.seed, "outer", self.rank, step)
            yield self.split.batch(generator.choice(len(self.split), size, replace=False))


class OuterData(CorpusModule):
    """Real texts for the outer steps of a distiller, and validation texts for its checks.

    Args:
        corpus: the texts.
        table: word vectors (V, D).
        batch_size: real texts per outer step.
        steps: outer steps of the whole run.
        check_texts: validation texts read at each check.
        seed: the run's seed.
    """

    def __init__(self, corpus: Corpus, table: Tensor, batch_size: int, steps: int, check_texts: int, seed: int) -> None:
        super().__init__(corpus, table, batch_size, seed)
        self.steps, self.check_texts = steps, check_texts
        self.first = 0

    def train_dataloader(self) -> DataLoader[TokenBatch]:
        """One batch per outer step, its draw determined by seed, process and step."""
        assert self.trainer is not None
        rank = self.trainer.global_rank
        batches = OuterBatches(self.corpus.train, self.batch_size, self.steps, self.seed, rank, self.first)
        return loader(batches)

    def val_dataloader(self) -> DataLoader[TokenBatch]:
        """The same validation texts at every check."""
        return loader(EpochBatches(self.corpus.validation.sample(self.check_texts), self.batch_size))

    def state_dict(self) -> dict[str, Any]:
        """The step at which a resumed run goes on."""
        assert self.trainer is not None
        return {"first": self.trainer.global_step}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on at the stored step."""
        self.first = state["first"]
