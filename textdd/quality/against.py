"""A set of texts against a corpus, which is gone through once: copies, the nearest real text of each, and overlap."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from textdd.corpora.corpus import Corpus
from textdd.corpora.texts import TextStore
from textdd.quality.grams import Flat, Index, contained, distinct, flat_words
from textdd.quality.variety import NEAR, columns, normalised
from textdd.sets.texts import Text, TextSet

PARTS = ("train", "validation", "test")
ORDERS = (1, 2)
"""Words of the sequences by which likeness is measured."""

BLOCK = 4_000_000
"""Most pairs of a real text and one of the set that are compared together, and 10,000 real texts."""


@dataclass(frozen=True)
class Against:
    """What a corpus has of the M texts of a set.

    Attributes:
        nearest: the training text that each is most like, and the first of several (M,); None where none shares a word.
        likeness: of that one (M,): the words and pairs of words that both have, divided by the geometric mean of how
            many each has.
        copied: of each (M,), `exactly` if a training text is the same but for white space and case, `nearly` if one
            has 0.8 of its sequences of five words, or an empty string.
        overlap: of `validation` and `test`, which texts of the set stand among them (M,), bool.
    """

    nearest: list[Text | None]
    likeness: np.ndarray
    copied: list[str]
    overlap: dict[str, np.ndarray]


def against(distilled: TextSet, corpus: Corpus, progress: Callable[[str, int, int], None]) -> Against:
    """Go through a corpus once.

    Args:
        distilled: the set.
        corpus: its texts are read a few thousand at a time.
        progress: is called with a description, the texts done and the texts in all.
    """
    ours = columns(distilled.texts)
    keys = normalised(ours)
    index = Index(flat_words(ours))
    best = Nearest(index)
    containment, same = np.zeros(len(distilled)), {part: set[str]() for part in PARTS}
    stores = {split.store.path: split.store for split in (corpus.train, corpus.validation, corpus.test)}
    total, done = sum(map(len, stores.values())), 0
    for store in stores.values():
        parts = {part: membership(corpus, part, store) for part in PARTS}
        for start, segments in blocks(store, max(1, min(10_000, BLOCK // len(distilled)))):
            rows = slice(start, start + len(segments[0]))
            real = normalised(segments)
            for part, member in parts.items():
                among = real.filter(pa.array(member[rows]))
                same[part].update(among.filter(pc.is_in(among, value_set=keys)).to_pylist())
            member = parts["train"][rows]
            if member.any():
                words = flat_words([segment.filter(pa.array(member)) for segment in segments])
                best.look_at(words, start + np.flatnonzero(member))
                containment = np.maximum(containment, contained(index, words).max(axis=0).toarray().ravel())
            done += len(real)
            progress("comparing the set with the corpus", done, total)
    written = keys.to_pylist()
    near = containment >= NEAR - 1e-9
    copied = ["exactly" if key in same["train"] else "nearly" * bool(n) for key, n in zip(written, near, strict=True)]
    found = corpus.train.store.take(np.maximum(best.rows, 0))
    return Against(
        nearest=[text if row >= 0 else None for text, row in zip(found, best.rows, strict=True)],
        likeness=best.likeness,
        copied=copied,
        overlap={part: np.array([key in same[part] for key in written]) for part in PARTS[1:]},
    )


def measured_on(texts: Sequence[Text], corpus: Corpus) -> np.ndarray:
    """Which of M texts stand among the validation or test texts (M,), bool, but for white space and case."""
    return np.logical_or.reduce([standing_in(texts, corpus, part) for part in PARTS[1:]])


def standing_in(texts: Sequence[Text], corpus: Corpus, part: str) -> np.ndarray:
    """Which of M texts stand in a part of the corpus, a name in PARTS (M,), bool, but for white space and case."""
    keys, among = normalised(columns(texts)), set[str]()
    store = getattr(corpus, part).store
    member = membership(corpus, part, store)
    for start, segments in blocks(store, 10_000):
        real = normalised(segments).filter(pa.array(member[start : start + len(segments[0])]))
        among.update(real.filter(pc.is_in(real, value_set=keys)).to_pylist())
    return np.array([key in among for key in keys.to_pylist()])


class Likeness:
    """How like real texts are to those of a set.

    It is the words and pairs of words that both have, divided by the geometric mean of how many each has.

    Args:
        index: the set.
    """

    def __init__(self, index: Index) -> None:
        self._index, self._ours = index, index.incidence(index.texts, ORDERS)
        self._sizes = np.maximum(np.asarray(self._ours.sum(1)).ravel(), 1)

    def __call__(self, texts: Flat) -> np.ndarray:
        """Of N real texts to M of the set (N, M)."""
        shared = (self._index.incidence(texts, ORDERS) @ self._ours.T).toarray()
        found: np.ndarray = shared / np.sqrt(np.maximum(distinct(texts, ORDERS), 1)[:, None] * self._sizes)
        return found


class Nearest:
    """The most alike of all texts that were looked at.

    Attributes:
        rows: for each text of the set (M,); -1 where none shares a word.
        likeness: of that one (M,).

    Args:
        index: the set.
    """

    def __init__(self, index: Index) -> None:
        self.measure = Likeness(index)
        self.rows, self.likeness = np.full(index.size, -1), np.zeros(index.size)

    def look_at(self, texts: Flat, rows: np.ndarray) -> None:
        """Compare N real texts, which are rows (N,) of the training file, with all of the set."""
        likeness = self.measure(texts)
        first = likeness.argmax(0)
        most = likeness[first, np.arange(len(first))]
        better = most > self.likeness + 1e-12
        self.rows[better], self.likeness[better] = rows[first[better]], most[better]


def membership(corpus: Corpus, part: str, store: TextStore) -> np.ndarray:
    """Which texts of a file belong to a part of the corpus (n,), bool."""
    split, found = getattr(corpus, part), np.zeros(len(store), bool)
    if split.store.path == store.path:
        found[split.rows] = True
    return found


def blocks(store: TextStore, most: int) -> Iterator[tuple[int, list[pa.StringArray]]]:
    """All texts of a file in order, at most so many at a time: the number of the first, and their segments."""
    start = 0
    for segments in store.batches():
        for first in range(0, len(segments[0]), most):
            yield start + first, [segment.slice(first, most) for segment in segments]
        start += len(segments[0])
