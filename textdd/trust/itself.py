"""Attacks on a set itself, without any student: does it speak like the texts that it was made from?

Meeus et al., *The canary's echo* (2025): whoever has the synthetic texts alone trains a model of neighbouring words on
them, or looks for the most alike of them; training texts are those that the model finds likely, or that are near one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from textdd.quality.against import Likeness
from textdd.quality.grams import Flat, Index
from textdd.seeds import numpy_generator
from textdd.trust.attack import attacked
from textdd.trust.config import TrustingConfig


class Bigrams:
    """A model of neighbouring words with one added to every count (Laplace).

    Of the V words of the set, and one that stands for all others, word b follows a with the probability
    (count(a b) + 1) / (count(a) + V + 1); every text begins with a sign of its own.

    Args:
        index: the texts that it is trained on.
    """

    def __init__(self, index: Index) -> None:
        self.index, self.size = index, len(index.vocabulary) + 1  # numbers 0 to V - 1, V: others, V + 1: the beginning
        before, words = self._pairs(index.texts)
        self._codes, self._counts = np.unique(before * self.size + words, return_counts=True)
        self._begun = np.bincount(before, minlength=self.size + 1)

    def losses(self, texts: Flat) -> np.ndarray:
        """The mean over its words of the negative logarithm of their probability, for each of N texts (N,)."""
        before, words = self._pairs(texts)
        codes = before * self.size + words
        places = np.minimum(np.searchsorted(self._codes, codes), len(self._codes) - 1)
        counts = np.where(self._codes[places] == codes, self._counts[places], 0)
        each = np.log(self._begun[before] + self.size) - np.log(counts + 1)
        sums = np.bincount(texts.owners, each, minlength=len(texts.lengths))
        return np.asarray(sums / np.maximum(texts.lengths, 1))

    def _pairs(self, texts: Flat) -> tuple[np.ndarray, np.ndarray]:
        """The number of every word (R,), and of the one before it."""
        words = self.index.numbers(texts.words)
        words[words < 0] = self.size - 1
        before = np.concatenate([[self.size], words[:-1]])
        before[np.diff(texts.owners, prepend=-1) > 0] = self.size
        return before, words


def nearest(index: Index, texts: Flat, block: int = 1000) -> np.ndarray:
    """The likeness of each of N texts to the most alike text of the set (N,).

    Args:
        index: the set.
        texts: real texts.
        block: texts that are compared at a time.
    """
    measure, found = Likeness(index), []
    starts = np.concatenate([[0], np.cumsum(texts.lengths)])
    for start in range(0, len(texts.lengths), block):
        end = min(start + block, len(texts.lengths))
        rows = slice(int(starts[start]), int(starts[end]))
        part = Flat(texts.words[rows], texts.owners[rows] - start, texts.lengths[start:end])
        found.append(measure(part).max(axis=1))
    return np.concatenate(found)


def on_texts(index: Index, members: Flat, others: Flat, options: TrustingConfig, seed: int) -> dict[str, Any]:
    """Attack a set by both ways.

    Args:
        index: the set.
        members: training texts.
        others: held-out texts.
        options: resamples and confidence of the intervals.
        seed: draws the resamples.

    Returns:
        `bigrams` and `likeness`, each as `attacked` has it.
    """
    model = Bigrams(index)
    losses = {
        "bigrams": (model.losses(members), model.losses(others)),
        "likeness": (-nearest(index, members), -nearest(index, others)),
    }
    found = {}
    for name, (own, other) in losses.items():
        generator = numpy_generator(seed, "trust", "bootstrap", name)
        found[name] = attacked(own[None], other[None], options.resamples, options.confidence, generator)
    return {"members": len(members.lengths), "others": len(others.lengths), **found}
