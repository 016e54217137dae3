"""A corpus in memory-mapped tokens: the door to everything in `textdd.corpora`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from tokenizers import Tokenizer

from textdd.corpora.build import Progress, built_corpus
from textdd.corpora.sources import DatasetConfig, check_config, find_sources
from textdd.corpora.splits import carve
from textdd.seeds import numpy_generator
from textdd.spaces.store import TokenStore
from textdd.spaces.tokeniser import words


class TokenBatch(NamedTuple):
    """N examples as token numbers.

    Attributes:
        ids: token numbers (N, L), int64; zero beyond the end of a text. L is the longest text of the batch, at most
            the corpus's length.
        mask: where tokens are (N, L), bool; true at least once in every row.
        labels: class numbers (N,), int64.
    """

    ids: torch.Tensor
    mask: torch.Tensor
    labels: torch.Tensor


class Split:
    """Some texts of a token store.

    Attributes:
        store: the memory-mapped tokens.
        rows: which of its texts (n,), int64.
        labels: class numbers of all of them (n,), int64.
        length: L, tokens read of a text.
    """

    def __init__(self, store: TokenStore, rows: np.ndarray, length: int, vocabulary: list[str]) -> None:
        self.store = store
        self.rows = rows
        self.labels: np.ndarray = store.labels[rows]
        self.length = length
        self._vocabulary = vocabulary

    def __len__(self) -> int:
        return len(self.rows)

    def batch(self, rows: np.ndarray) -> TokenBatch:
        """Read some examples.

        Args:
            rows: their positions in this split (N,).
        """
        ids, mask = self.store.gather(self.rows[rows], self.length)
        return TokenBatch(torch.from_numpy(ids), torch.from_numpy(mask), torch.from_numpy(self.labels[rows]))

    def lengths(self) -> np.ndarray:
        """Count the tokens that are read of each text (n,), int64."""
        offsets = self.store.offsets
        return np.minimum(offsets[self.rows + 1] - offsets[self.rows], self.length)

    def sample(self, count: int) -> Split:
        """Draw some examples, always the same ones; all of them if there are no more than `count`."""
        if count >= len(self):
            return self
        chosen = numpy_generator(0, "sample").choice(len(self), count, replace=False)
        return Split(self.store, np.sort(self.rows[chosen]), self.length, self._vocabulary)

    def text(self, row: int) -> str:
        """Write out the words that are read of one example."""
        ids, mask = self.store.gather(self.rows[[row]], self.length)
        return " ".join(self._vocabulary[number] for number in ids[mask])

    def stored_bytes(self, rows: np.ndarray | None = None) -> int:
        """Sum the UTF-8 bytes of the original texts.

        Args:
            rows: positions in this split (N,); None means all.
        """
        return int(self.store.text_bytes[self.rows if rows is None else self.rows[rows]].sum())


@dataclass(frozen=True)
class Corpus:
    """A labelled corpus, split and tokenised.

    Attributes:
        name: what it is called.
        key: identifies what is stored: same content and same options, same key.
        classes: the C class names.
        tokeniser: V words; trained on the words (not the labels) of the whole training file.
        length: L, tokens read of a text.
        train: what may be trained on.
        validation: carved from the training texts; everything is selected on it.
        test: read once, at the end.
        train_rows: training texts before validation was carved: what a budget is a fraction of.
    """

    name: str
    key: str
    classes: list[str]
    tokeniser: Tokenizer
    length: int
    train: Split
    validation: Split
    test: Split
    train_rows: int


def load_corpus(
    config: DatasetConfig, data_dir: str | None, cache_dir: Path, seed: int, progress: Progress | None = None
) -> Corpus:
    """Find, check, tokenise (once) and split a corpus.

    Args:
        config: the corpus.
        data_dir: holds a folder per corpus; these files come before the hub. None: no such folder.
        cache_dir: where tokenised corpora and downloads are kept.
        seed: the run's seed, which decides the validation split. A test split that has to be carved is the
            same under every seed, so that runs can be compared.
        progress: is called with a description, the texts done and the texts in all (0: not known).

    Raises:
        TextddError: the corpus is nowhere, or something is wrong with a file, a column, a text or a label.
    """
    check_config(config)
    folder = built_corpus(config, find_sources(config, data_dir, cache_dir), cache_dir, progress)
    classes: list[str] = json.loads((folder / "meta.json").read_text(encoding="utf-8"))["classes"]
    tokeniser = Tokenizer.from_file(str(folder / "tokenizer.json"))
    vocabulary = words(tokeniser)
    store = TokenStore(folder / "train")
    rows = np.arange(len(store))
    if (folder / "test").is_dir():
        test_store = TokenStore(folder / "test")
        test_rows = np.arange(len(test_store))
    else:
        test_store = store
        fixed = numpy_generator(0, "split", "test")
        rows, test_rows = carve(store.labels, config.test_fraction * len(rows), classes, "test", fixed)
    size = min(config.validation * len(rows), config.validation_max)
    generator = numpy_generator(seed, "split", "validation")
    kept, validation = carve(store.labels[rows], size, classes, "validation", generator)
    return Corpus(
        name=config.name,
        key=folder.name,
        classes=classes,
        tokeniser=tokeniser,
        length=config.length,
        train=Split(store, rows[kept], config.length, vocabulary),
        validation=Split(store, rows[validation], config.length, vocabulary),
        test=Split(test_store, test_rows, config.length, vocabulary),
        train_rows=len(rows),
    )
