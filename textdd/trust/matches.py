"""Matches of a set with training texts, in excess of those that held-out texts have.

A set about films says what films are spoken of with, and shares that with any text about them. So a match counts only
in so far as training texts have more of them than held-out texts, which the set cannot have been made from: if nothing
was given away, each match falls on the one side or the other by their sizes alone. (After the excess of arXiv
2606.16952, there for features that few texts have.)
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import stats

from textdd.quality.grams import LONG, Flat, Index, contained
from textdd.quality.variety import NEAR


class Matches:
    """Counts real texts that match a set.

    Args:
        index: the sequences of words of the M texts of a set.
        keys: its texts (M,) without differences in white space and case.
        rare: in how many real texts a sequence of five words stands at most to be called rare.
    """

    def __init__(self, index: Index, keys: pa.StringArray, rare: int) -> None:
        self.index, self.keys, self.rare = index, keys, rare
        self._sizes = np.zeros(2, np.int64)  # training, held-out
        self._copies, self._near = np.zeros(2, np.int64), np.zeros(2, np.int64)
        self._ours = np.zeros((2, index.size), bool)  # which texts of the set a real text has nearly
        self._stand_in = np.zeros(index.count(LONG), np.int64)  # in how many real texts each sequence stands
        self._found: list[tuple[np.ndarray, np.ndarray]] = []  # for each text with some: held out or not, and which

    def look_at(self, words: Flat, keys: pa.StringArray, heldout: np.ndarray) -> None:
        """Count N real texts, of which some are held out (N,), bool."""
        side = heldout.astype(np.int64)
        self._sizes += sides(side)
        self._copies += sides(side[pc.is_in(keys, value_set=self.keys).to_numpy(zero_copy_only=False)])
        share = contained(self.index, words)
        self._near += sides(side[share.max(axis=1).toarray().ravel() >= NEAR - 1e-9])
        for number in np.flatnonzero(sides(side)):
            self._ours[number] |= share[side == number].max(axis=0).toarray().ravel() >= NEAR - 1e-9
        shared = self.index.incidence(words, [LONG]).tocoo()
        if self.index.count(LONG):
            self._stand_in += np.bincount(shared.col, minlength=len(self._stand_in))
            order = np.argsort(shared.row, kind="stable")
            rows, sequences = shared.row[order], shared.col[order]
            for own in np.split(np.arange(len(rows)), np.flatnonzero(np.diff(rows)) + 1):
                if len(own):
                    self._found.append((side[rows[own[:1]]], sequences[own]))

    def found(self) -> dict[str, Any]:
        """What was counted.

        Returns:
            For `copies` (the same but for white space and case), `near` (0.8 of the five-word sequences of a text of
            the set stand in the real one) and `rare` (a sequence of five words that few real texts have stands in
            both): real texts that match on either side, and the excess; see `excess`. For `texts_of_the_set`: how many
            of these have a near copy on either side.
        """
        rare = self._stand_in <= self.rare
        with_rare = [side for side, sequences in self._found if rare[sequences].any()]
        counted = {
            "copies": self._copies,
            "near": self._near,
            "rare": sides(np.concatenate(with_rare) if with_rare else np.zeros(0, np.int64)),
        }
        ours = {name: int(those.sum()) for name, those in zip(("training", "heldout"), self._ours, strict=True)}
        return {**{name: excess(counts, self._sizes) for name, counts in counted.items()}, "texts_of_the_set": ours}


def sides(those: np.ndarray) -> np.ndarray:
    """How many are training texts, 0, and how many held-out ones, 1: (2,)."""
    counts: np.ndarray = np.bincount(those, minlength=2)
    return counts


def excess(counts: np.ndarray, sizes: np.ndarray) -> dict[str, Any]:
    """Matches among training texts beyond what those among held-out texts let expect.

    Args:
        counts: real texts that match (2,), training and held-out.
        sizes: of both sides (2,).

    Returns:
        `training` and `heldout`, the counts; `expected` among training texts at the rate of held-out ones; `excess`;
        and `p`, the chance that as many matches or more fall on training texts if each match falls on either side by
        the sizes alone (a binomial test, one-sided).
    """
    training, heldout = (int(count) for count in counts)
    expected = heldout * float(sizes[0] / sizes[1])
    share = float(sizes[0] / sizes.sum())
    p = float(stats.binomtest(training, training + heldout, share, "greater").pvalue) if training + heldout else 1.0
    return {"training": training, "heldout": heldout, "expected": expected, "excess": training - expected, "p": p}
