"""The most telling passages of real texts: where distilled texts start when there are many classes.

The first words of a text say little about which of many classes it is of ("how do i", "re : in article"), and a small
set has room for few words of each. Counts of words say which do, before anything is trained: a word's worth to a class
is its part in the divergence of that class's texts from all texts, p log(p / q), where p is the share of the class's
texts that have the word and q that of all texts (Kullback & Leibler 1951).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from textdd.seeds import numpy_generator
from textdd.spaces.reading import Reading
from textdd.spaces.tokeniser import PAD, UNK

SEEN = 1000
"""Texts of a class that are looked at; of more, a sample tells as well."""

AGAIN = 0.5
"""What a word that a chosen passage has is worth in the next one, so that each tells something else."""


class Passages(NamedTuple):
    """Passages of the training split; row m belongs to class m mod C.

    Attributes:
        rows: the texts that they are taken from (M,), all different.
        firsts: the token at which each begins (M,).
    """

    rows: np.ndarray
    firsts: np.ndarray


def telling_passages(train: Reading, classes: int, per_class: int, length: int, seed: int) -> Passages:
    """Choose the passages of `length` tokens that tell most about their class, one of a text.

    Args:
        train: the training texts.
        classes: C.
        per_class: M / C, no more than any class has texts.
        length: tokens of a passage; shorter texts are taken whole.
        seed: decides which texts of a large class are looked at.
    """
    seen = [sample(train, label, max(SEEN, per_class), seed) for label in range(classes)]
    words = len(train.space.table)
    shares = np.stack([share_of_texts(train.tokens(rows).ids.numpy(), words) for rows in seen])  # (C, V)
    sizes = np.array([len(rows) for rows in seen])
    everywhere = sizes @ shares / sizes.sum()
    chosen = []
    for rows, share in zip(seen, shares, strict=True):
        worth = divergence(share, everywhere)
        worth[[PAD, UNK]] = 0.0
        texts, firsts = most_telling(train.tokens(rows).ids.numpy(), worth, per_class, length)
        chosen.append(Passages(rows[texts], firsts))
    of_class = (np.stack(parts, axis=1).ravel() for parts in zip(*chosen, strict=True))
    return Passages(*of_class)


def sample(train: Reading, label: int, most: int, seed: int) -> np.ndarray:
    """The rows of one class, or so many of them."""
    rows = np.flatnonzero(train.split.strata == label)
    if len(rows) <= most:
        return rows
    return np.sort(numpy_generator(seed, "telling", label).choice(rows, most, replace=False))


def share_of_texts(ids: np.ndarray, words: int) -> np.ndarray:
    """The share (V,) of texts (n, L) that have each of so many words."""
    each = np.unique(np.arange(len(ids))[:, None] * words + ids) % words
    return np.bincount(each, minlength=words) / len(ids)


def divergence(share: np.ndarray, everywhere: np.ndarray) -> np.ndarray:
    """Each word's part (V,) in the divergence of a class's texts from all texts: p log(p / q), 0 where p is."""
    found, worth = share > 0, np.zeros_like(share)
    worth[found] = share[found] * np.log(share[found] / everywhere[found])
    return worth


def most_telling(ids: np.ndarray, worth: np.ndarray, count: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Choose texts, and in each a passage, one after another.

    Args:
        ids: the texts (n, L), zeros at the end.
        worth: of each word (V,).
        count: passages wanted, at most n.
        length: tokens of a passage.

    Returns:
        The texts (count,) and the tokens at which their passages begin (count,).
    """
    worth, texts, firsts = worth.copy(), np.empty(count, np.int64), np.empty(count, np.int64)
    lasts = np.maximum((ids != PAD).sum(1) - length, 0)  # where the last passage of each text begins
    padded = np.pad(ids, ((0, 0), (0, length)))
    for k in range(count):
        added = np.pad(worth[padded], ((0, 0), (1, 0))).cumsum(1)
        sums = added[:, length:-1] - added[:, : -length - 1]  # (n, L), of the passage from each token on
        sums[np.arange(ids.shape[1]) > lasts[:, None]] = -np.inf
        sums[texts[:k]] = -np.inf
        texts[k], firsts[k] = np.unravel_index(sums.argmax(), sums.shape)
        passage = np.unique(padded[texts[k], firsts[k] : firsts[k] + length])
        worth[passage] = np.where(worth[passage] > 0, AGAIN * worth[passage], worth[passage])
    return texts, firsts
