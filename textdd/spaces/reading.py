"""Reading: a split of a corpus as tokens of a space, and tokens as the embeddings that a student reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from textdd.corpora.corpus import Split
from textdd.progress import track
from textdd.spaces.space import Space, TokenBatch
from textdd.spaces.store import TokenStore
from textdd.spaces.tokeniser import PAD, words
from textdd.training.student import FlatStudent

COMPARED = 32
"""Texts that a large student reads at a time, only to compare them."""


class Batch(NamedTuple):
    """N examples as students read them.

    Attributes:
        x: embeddings (N, L, D), or what lies below the learned part of the student made of them.
        mask: true at real tokens (N, L).
        labels: targets: class numbers (N,), or 0 and 1 for each label (N, C), or the tokens of responses (N, L).
    """

    x: Tensor
    mask: Tensor
    labels: Tensor


class Reading:
    """A split as tokens of a space.

    Attributes:
        split: the texts and their targets.
        store: the memory-mapped tokens of the part of the corpus that the split belongs to.
        space: what reads.
        rows: which texts of the store (n,), int64.
        length: L, tokens read of a text.
    """

    def __init__(self, split: Split, store: TokenStore, space: Space) -> None:
        self.split, self.store, self.space = split, store, space
        self.rows, self.length = split.rows, space.length

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def labels(self) -> np.ndarray:
        """Targets (n,) or (n, C)."""
        return self.split.targets

    def batch(self, rows: np.ndarray) -> TokenBatch | Batch:
        """Read some examples.

        Args:
            rows: their positions in this split (N,).
        """
        return self.tokens(rows)

    def tokens(self, rows: np.ndarray) -> TokenBatch:
        """The tokens of some examples, at positions (N,) of this split."""
        return as_tokens(*self.store.gather(self.rows[rows], self.length, self.space.frame), self.labels[rows])

    def lengths(self) -> np.ndarray:
        """Count what a batch holds of each text (n,), int64: texts of like length share a batch."""
        return self.text_lengths()

    def text_lengths(self) -> np.ndarray:
        """Count the tokens that are read of each text (n,), int64, those of the frame left out."""
        offsets = self.store.offsets
        return np.minimum(offsets[self.rows + 1] - offsets[self.rows], self.length)

    def sample(self, count: int) -> Reading:
        """Draw some examples, always the same ones; all of them if there are no more than `count`."""
        return self if count >= len(self) else Reading(self.split.sample(count), self.store, self.space)

    def at(self, rows: np.ndarray) -> Reading:
        """Some examples, at positions (N,) of this split."""
        return Reading(Split(self.split.store, self.rows[rows]), self.store, self.space)

    def text(self, row: int) -> str:
        """Write out the words that are read of one example."""
        tokens = self.tokens(np.array([row]))
        vocabulary = words(self.space.tokeniser)
        return " ".join(vocabulary[number] for number in tokens.ids[tokens.mask].tolist())

    def stored_bytes(self, rows: np.ndarray | None = None) -> int:
        """Sum the UTF-8 bytes of the original texts, at positions (N,) of this split; None means all."""
        return self.split.stored_bytes(rows)

    def features(self, rows: np.ndarray, reader: Reader) -> Tensor:
        """What selectors measure distances between: the mean vector of each text, cheap and without any training.

        A student that has a `compared` says itself what its texts are compared by.

        Args:
            rows: positions of texts in the split (N,).
            reader: has the table.

        Returns:
            Features (N, D), or (N, H) of a student's own, float64 on the CPU, so that rounding decides nothing.
        """
        if hasattr(reader.student.module, "compared"):
            return self._compared(rows, reader)
        table = reader.table(reader.device)
        ids = self.tokens(rows).ids.to(table.device)
        # One fused operation: the embeddings themselves (N, L, D) would take L times the memory.
        return F.embedding_bag(ids, table, mode="mean", padding_idx=PAD).cpu().double()

    def _compared(self, rows: np.ndarray, reader: Reader) -> Tensor:
        order = np.argsort(self.text_lengths()[rows], kind="stable")  # texts of like length share a batch
        found: list[Tensor] = []
        for start in track(range(0, len(rows), COMPARED), "reading texts to compare them"):
            batch = reader.embed(self.tokens(rows[order[start : start + COMPARED]]))
            features = reader.student.compared(batch.x, batch.mask, batch.labels)
            found.append(features.cpu().double())
        return torch.cat(found)[torch.from_numpy(np.argsort(order))]


def as_tokens(ids: np.ndarray, mask: np.ndarray, second: np.ndarray | None, labels: np.ndarray) -> TokenBatch:
    """What `TokenStore.gather` found, and targets, as tensors."""
    found = [torch.from_numpy(part) for part in (ids, mask, labels)]
    return TokenBatch(found[0], found[1], found[2], None if second is None else torch.from_numpy(second))


class Featured(Reading):
    """A split whose texts a frozen body has read: one vector each, kept on disk.

    Args:
        reading: the split.
        vectors: of all texts of its store (n, H), memory-mapped.
    """

    def __init__(self, reading: Reading, vectors: np.ndarray) -> None:
        super().__init__(reading.split, reading.store, reading.space)
        self.vectors = vectors

    def batch(self, rows: np.ndarray) -> Batch:
        """Read some examples: features (N, 1, H)."""
        x = torch.from_numpy(self.vectors[self.rows[rows]]).float().unsqueeze(1)
        return Batch(x, torch.ones(x.shape[:2], dtype=torch.bool), torch.from_numpy(self.labels[rows]))

    def lengths(self) -> np.ndarray:
        """One for each text (n,)."""
        return np.ones(len(self), np.int64)

    def sample(self, count: int) -> Reading:
        """As for every reading."""
        return self if count >= len(self) else Featured(super().sample(count), self.vectors)

    def at(self, rows: np.ndarray) -> Reading:
        """As for every reading."""
        return Featured(super().at(rows), self.vectors)

    def features(self, rows: np.ndarray, reader: Reader) -> Tensor:
        """What the body made of each text (N, H), float64; answers in words, which are few, compare texts badly."""
        if getattr(reader.student.module, "verbaliser", False):
            return super().features(rows, reader)
        return torch.from_numpy(self.vectors[self.rows[rows]]).double()


@dataclass
class Reader:
    """What turns tokens into what a student reads, where the computing is done.

    Attributes:
        space: has the table.
        student: may have a frozen part below the learned one.
        device: where to; batches that lie elsewhere are taken there.
        dtype: float32, or float64 for exact computing.
    """

    space: Space
    student: FlatStudent
    device: torch.device = torch.device("cpu")  # noqa: RUF009  (never changes)
    dtype: torch.dtype = torch.float32

    def __call__(self, batch: TokenBatch | Batch) -> Batch:
        """Embeddings of N texts, through what lies below the learned part of the student."""
        if isinstance(batch, Batch):
            x, mask, labels = (part.to(self.device) for part in batch)
            return Batch(x.to(self.dtype), mask, labels)
        return self.below(self.embed(batch))

    def embed(self, batch: TokenBatch) -> Batch:
        """Embeddings (N, L, D) alone, as distilled texts are stored."""
        x = self.table(self.device)[batch.ids.to(self.device)]
        if batch.second is not None:
            x = x + batch.second.to(self.device).unsqueeze(-1) * self.space.second.to(x)
        wanted = self.student.task.wanted(batch.labels, batch.ids, batch.second)
        return Batch(x, batch.mask.to(self.device), wanted.to(self.device))

    @torch.no_grad()
    def below(self, batch: Batch) -> Batch:
        """What the frozen part below makes of embeddings."""
        x, mask = self.student.below(batch.x, batch.mask)
        if mask is None:
            mask = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
        return Batch(x, mask, batch.labels)

    def table(self, device: torch.device) -> Tensor:
        """The table (V, D) on a device; it is taken there once."""
        if self._table is None or self._table.device != device or self._table.dtype != self.dtype:
            self._table = self.space.table.to(device, self.dtype)
        return self._table

    _table: Tensor | None = None
