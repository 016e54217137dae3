"""Batches as Lightning wants them: for ordinary training, and for the outer steps of a distiller."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytorch_lightning as pl
from torch.utils.data import DataLoader, IterableDataset

from textdd.data.corpus import Corpus, Split, TokenBatch
from textdd.seeds import numpy_generator


class EpochBatches(IterableDataset[TokenBatch]):
    """Mini-batches that together are one pass over a split, each read in one indexing operation.

    Attributes:
        split: the examples.
        batch_size: N; the last batch may be smaller.
        shuffle: draws a new order for every pass; None keeps the order of the split.
    """

    def __init__(self, split: Split, batch_size: int, shuffle: np.random.Generator | None = None) -> None:
        self.split = split
        self.batch_size = batch_size
        self.shuffle = shuffle

    def __len__(self) -> int:
        return -(-len(self.split) // self.batch_size)

    def __iter__(self) -> Iterator[TokenBatch]:
        size = len(self.split)
        order = np.arange(size) if self.shuffle is None else self.shuffle.permutation(size)
        for start in range(0, size, self.batch_size):
            yield self.split.batch(order[start : start + self.batch_size])


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

    def __init__(
        self, split: Split, batch_size: int, total: int, seed: int, rank: int = 0, first: int = 0
    ) -> None:
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


class CorpusModule(pl.LightningDataModule):
    """Mini-batches of a corpus for ordinary supervised training.

    Args:
        corpus: the corpus.
        batch_size: N.
        seed: the run's seed, which decides the order of the training examples.
    """

    def __init__(self, corpus: Corpus, batch_size: int, seed: int) -> None:
        super().__init__()
        self.corpus = corpus
        self.batch_size = batch_size
        self.seed = seed

    def train_dataloader(self) -> DataLoader[TokenBatch]:
        """Shuffle the training split anew for every epoch; the same seed gives the same orders."""
        return self._loader(self.corpus.train, numpy_generator(self.seed, "order of training"))

    def val_dataloader(self) -> DataLoader[TokenBatch]:
        """Read the validation split in order."""
        return self._loader(self.corpus.validation)

    def test_dataloader(self) -> DataLoader[TokenBatch]:
        """Read the test split in order."""
        return self._loader(self.corpus.test)

    def _loader(self, split: Split, shuffle: np.random.Generator | None = None) -> DataLoader[TokenBatch]:
        # Batches come ready-made, and reading one takes less time than handing it over from a worker process.
        return DataLoader(EpochBatches(split, self.batch_size, shuffle), batch_size=None)
