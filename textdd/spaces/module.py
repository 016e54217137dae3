"""Batches of real texts as Lightning wants them, for ordinary training."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from textdd.corpora.corpus import Corpus, Split, TokenBatch
from textdd.seeds import numpy_generator
from textdd.spaces.embedded import Batch, embed


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


class CorpusModule(pl.LightningDataModule):
    """Mini-batches of a corpus for ordinary supervised training; they reach the module as embeddings.

    Args:
        corpus: the corpus.
        table: word vectors (V, D).
        batch_size: N.
        seed: decides the order of the training examples.
    """

    def __init__(self, corpus: Corpus, table: Tensor, batch_size: int, seed: int) -> None:
        super().__init__()
        self.corpus, self.table = corpus, table
        self.batch_size, self.seed = batch_size, seed

    def train_dataloader(self) -> DataLoader[TokenBatch]:
        """Shuffle the training split anew for every epoch; the same seed gives the same orders."""
        return loader(EpochBatches(self.corpus.train, self.batch_size, numpy_generator(self.seed, "order of training")))

    def val_dataloader(self) -> DataLoader[TokenBatch]:
        """Read the validation split in order."""
        return loader(EpochBatches(self.corpus.validation, self.batch_size))

    def test_dataloader(self) -> DataLoader[TokenBatch]:
        """Read the test split in order."""
        return loader(EpochBatches(self.corpus.test, self.batch_size))

    def on_after_batch_transfer(self, batch: TokenBatch, dataloader_idx: int) -> Batch:
        """Look the words up; the table follows the batches to their device, in the module's precision."""
        del dataloader_idx
        exact = self.trainer is not None and self.trainer.precision == "64-true"
        self.table = self.table.to(batch.ids.device, torch.float64 if exact else torch.float32)
        return embed(self.table, batch)


def loader(batches: IterableDataset[TokenBatch]) -> DataLoader[TokenBatch]:
    """Hand ready-made batches on: reading one takes less time than fetching it from a worker process."""
    return DataLoader(batches, batch_size=None)
