"""Token batches become embeddings once they are on the device, so the table is looked up where it is fastest."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from textdd.data.corpus import Corpus, TokenBatch
from textdd.data.module import EpochBatches, OuterBatches


class Batch(NamedTuple):
    """N examples as students read them.

    Attributes:
        x: embeddings (N, L, D).
        mask: true at real tokens (N, L).
        labels: class numbers (N,).
    """

    x: Tensor
    mask: Tensor
    labels: Tensor


def embed(table: Tensor, batch: TokenBatch) -> Batch:
    """Look N texts up in the word-vector table (V, D)."""
    return Batch(table[batch.ids], batch.mask, batch.labels)


class EmbeddedData(pl.LightningDataModule):
    """A LightningDataModule whose token batches reach the module as embeddings.

    Args:
        corpus: the texts.
        table: word vectors (V, D).
    """

    def __init__(self, corpus: Corpus, table: Tensor) -> None:
        super().__init__()
        self.corpus, self.table = corpus, table

    def on_after_batch_transfer(self, batch: TokenBatch, dataloader_idx: int) -> Batch:
        """Look the words up; the table follows the batches to their device, in the module's precision."""
        del dataloader_idx
        dtype = torch.float64 if self.trainer and self.trainer.precision == "64-true" else self.table.dtype
        self.table = self.table.to(batch.ids.device, dtype)
        return embed(self.table, batch)


class OuterData(EmbeddedData):
    """Real texts for the outer steps of a distiller, and validation texts for its checks.

    Args:
        corpus: the texts.
        table: word vectors (V, D).
        batch_size: real texts per outer step.
        steps: outer steps of the whole run.
        check_texts: validation texts read at each check.
        seed: the run's seed.
    """

    def __init__(
        self, corpus: Corpus, table: Tensor, batch_size: int, steps: int, check_texts: int, seed: int
    ) -> None:
        super().__init__(corpus, table)
        self.batch_size, self.steps, self.check_texts, self.seed = batch_size, steps, check_texts, seed
        self.first = 0

    def train_dataloader(self) -> DataLoader[TokenBatch]:
        """One batch per outer step, its draw determined by seed, process and step."""
        assert self.trainer is not None
        rank = self.trainer.global_rank
        batches = OuterBatches(self.corpus.train, self.batch_size, self.steps, self.seed, rank, self.first)
        return DataLoader(batches, batch_size=None)

    def val_dataloader(self) -> DataLoader[TokenBatch]:
        """The same validation texts at every check."""
        return DataLoader(EpochBatches(self.corpus.validation.sample(self.check_texts), 500), batch_size=None)

    def state_dict(self) -> dict[str, Any]:
        """The step at which a resumed run goes on."""
        assert self.trainer is not None
        return {"first": self.trainer.global_step}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on at the stored step."""
        self.first = state["first"]
