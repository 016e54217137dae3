"""How like a set the nearest training text is, and the nearest held-out text.

Of more texts the nearest is nearer. So the training texts are dealt into groups as large as the held-out ones, by
chance: if nothing was given away, the held-out texts are but one more such group, and rank anywhere among them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from textdd.quality.against import Likeness
from textdd.quality.grams import Flat, Index
from textdd.seeds import numpy_generator


class NearestOfEach:
    """Likeness of each text of a set to the nearest of both sides.

    Args:
        index: the set, M texts.
        training: how many training texts there are.
        heldout: how many held-out ones.
        seed: deals training texts into groups.
    """

    def __init__(self, index: Index, training: int, heldout: int, seed: int) -> None:
        self.measure, self.groups = Likeness(index), max(1, training // heldout)
        dealt = numpy_generator(seed, "trust", "groups").permutation(training) // heldout
        # What is left over when all groups are full belongs to none.
        self._dealt = np.where(dealt < self.groups, dealt, self.groups + 1)
        self._most = np.zeros((self.groups + 2, index.size))  # groups, then held-out, then left over
        self._done = 0

    def look_at(self, words: Flat, heldout: np.ndarray) -> None:
        """Compare N real texts, of which some are held out (N,), bool, with all of the set."""
        likeness = self.measure(words)
        count = int((~heldout).sum())
        group = np.full(len(heldout), self.groups)
        group[~heldout] = self._dealt[self._done : self._done + count]
        self._done += count
        order = np.argsort(group, kind="stable")
        first = np.flatnonzero(np.diff(group[order], prepend=-1))
        here = group[order][first]
        self._most[here] = np.maximum(self._most[here], np.maximum.reduceat(likeness[order], first))

    def found(self) -> dict[str, Any]:
        """What was measured.

        Returns:
            Means over the set of the likeness to the nearest training text (`training`), to the nearest of as many
            training texts as are held out (`as_many`) and to the nearest held-out text (`heldout`); `nearer`, how many
            texts of the set are more like the nearest of as many training texts; `groups`; `p`, the chance that
            held-out texts rank as low among the groups; and `each`, both likenesses of each text (M, 2).
        """
        dealt, heldout = self._most[: self.groups], self._most[self.groups]
        training = np.maximum(dealt.max(0), self._most[self.groups + 1])
        as_many = dealt.mean(0)
        lower = int((dealt.mean(1) <= heldout.mean() + 1e-12).sum())
        return {
            "training": float(training.mean()),
            "as_many": float(as_many.mean()),
            "heldout": float(heldout.mean()),
            "nearer": int((as_many > heldout + 1e-12).sum()),
            "groups": self.groups,
            "p": (1 + lower) / (1 + self.groups),
            "each": np.stack([training, heldout], axis=1).round(6).tolist(),
        }
