"""Batches of real texts as Lightning wants them, for ordinary training."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, IterableDataset

from textdd.seeds import numpy_generator
from textdd.spaces.reading import Batch, Reader, Reading
from textdd.spaces.space import TokenBatch

AnyBatch = TokenBatch | Batch
"""Tokens, or what a frozen body has made of them."""


class EpochBatches(IterableDataset[AnyBatch]):
    """Mini-batches that together are one pass over a split, each read in one indexing operation.

    Attributes:
        reading: the examples.
        batch_size: N; the last batch may be smaller.
        shuffle: draws a new order for every pass; None keeps the order of the split.
    """

    def __init__(self, reading: Reading, batch_size: int, shuffle: np.random.Generator | None = None) -> None:
        self.reading = reading
        self.batch_size = batch_size
        self.shuffle = shuffle

    def __len__(self) -> int:
        return -(-len(self.reading) // self.batch_size)

    def __iter__(self) -> Iterator[AnyBatch]:
        size = len(self.reading)
        order = np.arange(size) if self.shuffle is None else self.shuffle.permutation(size)
        for start in range(0, size, self.batch_size):
            yield self.reading.batch(order[start : start + self.batch_size])


class ReadingModule(pl.LightningDataModule):
    """Mini-batches for ordinary supervised training; they reach the module as students read them.

    Args:
        train: the training texts.
        validation: the validation texts.
        reader: turns tokens into what the student reads; it follows the batches to their device.
        batch_size: N.
        seed: decides the order of the training examples.
    """

    def __init__(self, train: Reading, validation: Reading, reader: Reader, batch_size: int, seed: int) -> None:
        super().__init__()
        self.train, self.validation, self.reader = train, validation, reader
        self.batch_size, self.seed = batch_size, seed

    def train_dataloader(self) -> DataLoader[AnyBatch]:
        """Shuffle the training split anew for every epoch; the same seed gives the same orders."""
        return loader(EpochBatches(self.train, self.batch_size, numpy_generator(self.seed, "order of training")))

    def val_dataloader(self) -> DataLoader[AnyBatch]:
        """Read the validation split in order."""
        return loader(EpochBatches(self.validation, self.batch_size))

    def on_after_batch_transfer(self, batch: AnyBatch, dataloader_idx: int) -> Batch:
        """Look the words up where the batch is, in the module's precision."""
        del dataloader_idx
        exact = self.trainer is not None and self.trainer.precision == "64-true"
        self.reader.device = batch.labels.device
        self.reader.dtype = torch.float64 if exact else torch.float32
        return self.reader(batch)


def loader(batches: IterableDataset[AnyBatch]) -> DataLoader[AnyBatch]:
    """Hand ready-made batches on: reading one takes less time than fetching it from a worker process."""
    return DataLoader(batches, batch_size=None)
