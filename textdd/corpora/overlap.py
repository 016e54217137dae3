"""Test texts that are training texts as well: what is measured on them is not what a student does with new ones."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from textdd.corpora.sources import DatasetConfig
from textdd.errors import TextddError
from textdd.typed import expanded, typed

ALARM = 0.01
"""The share of the test texts from which on a remark becomes a warning."""


def hashes(segments: list[pa.StringArray]) -> np.ndarray:
    """A number of 64 bits for every text (N,), the same for texts that differ in white space alone.

    They hold within one process: Python salts what it makes them of.

    Args:
        segments: N texts, or the two segments of N pairs.
    """
    texts = zip(*(segment.to_pylist() for segment in segments), strict=True)
    found = (hash(tuple(" ".join(segment.split()) for segment in text)) for text in texts)
    return np.fromiter(found, np.int64, len(segments[0]))


def shared(test: np.ndarray, train: np.ndarray) -> int:
    """How many of the test texts, by their hashes, are among the training texts."""
    return int(np.isin(test, train).sum())


def told(count: int, texts: int) -> list[str]:
    """What is said of `count` test texts of all that are training texts as well."""
    said = f"{count} of {texts} test texts ({count / texts:.2%}) are training texts as well"
    if count <= ALARM * texts:
        return [said] if count else []
    return [f"warning: {said}; figures on them are too good. Take them out of one of the files"]


def check_overlap(share: float, config: DatasetConfig) -> None:
    """Refuse a test part that tells nothing.

    Args:
        share: of the test texts, those that are training texts as well.
        config: where the corpus came from.

    Raises:
        TextddError: all of them are, and nobody asked to keep them.
    """
    if share < 1 or config.on_overlap == "keep":
        return
    if config.test_path is not None:
        aside = "dataset.test_path=null"
    else:
        folder = expanded(config.path or ".")
        aside = typed("dataset.path", str(next(iter(sorted(folder.glob("train*"))), folder / "train.csv")))
    raise TextddError(
        "All test texts are training texts as well, so they tell nothing about new ones. Name another test file, "
        "dataset.test_path=FILE; measure on them all the same, dataset.on_overlap=keep; or have a part of the training "
        f"texts set aside. Type: {aside}"
    )
