"""Sequences of words that texts share with the texts of a set: found exactly, by numbers and without any hashing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import csr_matrix

from textdd.spaces.word_splitting import split_words

LONG = 5
"""Words of a sequence by which copies are known; a shorter text is one sequence."""

SHORTEST = 3
"""Words of a text from which it may be called a near copy: less stands in many texts by chance."""


class Flat(NamedTuple):
    """The words of N texts, one text after the other.

    Attributes:
        words: all of them (R,); signs of punctuation are words too, and letters are small.
        owners: the text of each (R,).
        lengths: words of each text (N,).
    """

    words: pa.StringArray
    owners: np.ndarray
    lengths: np.ndarray


def flat_words(segments: Sequence[pa.StringArray]) -> Flat:
    """The words of N texts, those of both segments of a pair behind each other."""
    texts = segments[0] if len(segments) == 1 else pc.binary_join_element_wise(*segments, " ")
    found = split_words(texts)
    return Flat(found.flat, np.repeat(np.arange(len(found.lengths)), found.lengths), found.lengths)


def sequences(numbers: np.ndarray, owners: np.ndarray, order: int) -> tuple[np.ndarray, np.ndarray]:
    """Every `order` numbers in a row (K, order) within a text, and the text of each (K,)."""
    if order > len(numbers):
        return np.zeros((0, order), np.int64), np.zeros(0, np.int64)
    windows = np.lib.stride_tricks.sliding_window_view(numbers, order)
    inside = owners[: len(windows)] == owners[order - 1 :]
    return windows[inside], owners[: len(windows)][inside]


class Index:
    """The sequences of up to five words in the M texts of a set, each with a number.

    Args:
        texts: the words of the set.
    """

    def __init__(self, texts: Flat) -> None:
        self.texts, self.size = texts, len(texts.lengths)
        self.vocabulary = pc.unique(texts.words)
        self._known: list[np.ndarray] = []  # of orders 2, 3, ...: codes of the sequences there are, ascending
        for order in range(2, LONG + 1):
            windows, _ = sequences(self.numbers(texts.words), texts.owners, order)
            self._known.append(np.unique(self._codes(windows[:, :-1]) * len(self.vocabulary) + windows[:, -1]))

    def numbers(self, words: pa.StringArray) -> np.ndarray:
        """The number of each word (R,), -1 for one that the set does not have."""
        found: np.ndarray = pc.fill_null(pc.index_in(words, value_set=self.vocabulary), -1).to_numpy().astype(np.int64)
        return found

    def _codes(self, windows: np.ndarray) -> np.ndarray:
        """The number of each sequence of words (K, order) among those of its order (K,), -1 for one not there."""
        codes = np.full(len(windows), -1)
        rows = np.flatnonzero(windows[:, 0] >= 0)  # those that are there as far as was looked: soon there are few
        found = windows[rows, 0]
        for place, known in enumerate(self._known[: windows.shape[1] - 1], 1):
            word = windows[rows, place]
            wanted = found * len(self.vocabulary) + word
            places = np.searchsorted(known, wanted)
            there = (word >= 0) & (places < len(known))
            there[there] = known[places[there]] == wanted[there]
            rows, found = rows[there], places[there]
        codes[rows] = found
        return codes

    def count(self, order: int) -> int:
        """How many different sequences of an order there are in the set."""
        return len(self.vocabulary) if order == 1 else len(self._known[order - 2])

    def incidence(self, texts: Flat, orders: Sequence[int]) -> csr_matrix:
        """Which sequences of the set stand in N texts: 0 and 1 (N, K), the orders side by side."""
        numbers, rows, columns, start = self.numbers(texts.words), [], [], 0
        for order in orders:
            windows, owners = sequences(numbers, texts.owners, order)
            codes = self._codes(windows)
            there = np.flatnonzero(codes >= 0)
            rows.append(owners[there])
            columns.append(start + codes[there])
            start += self.count(order)
        row, column = np.concatenate(rows), np.concatenate(columns)
        once = once_each(row * max(1, start) + column)
        places = (once // max(1, start), once % max(1, start))
        return csr_matrix((np.ones(len(once)), places), shape=(len(texts.lengths), max(1, start)))


def distinct(texts: Flat, orders: Sequence[int]) -> np.ndarray:
    """How many different sequences of some orders, 1 or 2, each of N texts has (N,)."""
    local = texts.words.dictionary_encode()
    numbers = local.indices.to_numpy().astype(np.int64)
    size = len(local.dictionary) + 1
    counts = np.zeros(len(texts.lengths), np.int64)
    for order in orders:
        windows, owners = sequences(numbers, texts.owners, order)
        codes = windows[:, 0] if order == 1 else windows[:, 0] * size + windows[:, 1]
        once = once_each(owners * size**2 + codes)
        counts += np.bincount(once // size**2, minlength=len(counts))
    return counts


def once_each(codes: np.ndarray) -> np.ndarray:
    """Different numbers among some (K,), ascending; for these, sorting is faster than what NumPy has for it."""
    ascending = np.sort(codes)
    return ascending[np.diff(ascending, prepend=-1) > 0]


def contained(index: Index, texts: Flat) -> csr_matrix:
    """Which share of each text of the set stands in each of N texts: containment (N, M), sparse.

    The share is that of the different sequences of five words, or of all words where a text of the set has less; texts
    of fewer than three words count for nothing.
    """
    total = csr_matrix((len(texts.lengths), index.size))
    orders = np.minimum(index.texts.lengths, LONG)
    for order in range(SHORTEST, LONG + 1):
        if (orders == order).any():
            ours = index.incidence(index.texts, [order])
            sizes = np.asarray(ours.sum(1)).ravel()
            scale = np.where(orders == order, 1 / np.maximum(sizes, 1), 0)
            total = total + index.incidence(texts, [order]) @ ours.multiply(scale[:, None]).tocsr().T
    return total
