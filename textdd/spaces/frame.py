"""The frame: what a space puts around a text and between the segments of a pair, such as [CLS] ... [SEP] ... [SEP]."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Tokens = tuple[int, ...]


@dataclass(frozen=True)
class Frame:
    """Token numbers around texts.

    Attributes:
        before: in front of a text.
        between: behind the first segment of a pair.
        after: behind a text, or the second segment.
        second_from: of `between`, how many tokens still belong to the first segment.
    """

    before: Tokens = ()
    between: Tokens = ()
    after: Tokens = ()
    second_from: int = 0

    @property
    def empty(self) -> bool:
        """Whether a single text stands alone."""
        return not self.before and not self.after

    def size(self, *, pair: bool) -> int:
        """How many tokens a frame has."""
        return len(self.before) + len(self.after) + (len(self.between) if pair else 0)

    def singles(
        self, tokens: np.ndarray, starts: np.ndarray, counts: np.ndarray, length: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Texts in their frames: token numbers (N, L) and where tokens are (N, L), as `TokenStore.gather` has them.

        Args:
            tokens: of all texts.
            starts: where each text begins (N,).
            counts: how many it has (N,).
            length: L at most.
        """
        kept = np.minimum(counts, max(1, length - self.size(pair=False)))
        ids, mask, where = self._laid_out(kept + self.size(pair=False))
        inside = (where >= len(self.before)) & (where < len(self.before) + kept[:, None])
        ids[inside] = tokens[(starts[:, None] + where - len(self.before))[inside]]
        self._write(ids, self.before, np.zeros(len(kept), np.int64))
        self._write(ids, self.after, len(self.before) + kept)
        return ids, mask

    def pairs(
        self, tokens: np.ndarray, starts: np.ndarray, firsts: np.ndarray, counts: np.ndarray, length: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pairs in their frames, and where the second segment is (N, L).

        Where a pair is too long, the longer segment is cut, and both where both have more than half.

        Args:
            tokens: of all texts.
            starts: where each pair begins (N,).
            firsts: tokens of the first segment (N,).
            counts: of both (N,).
            length: L at most.
        """
        room = max(2, length - self.size(pair=True))
        seconds = counts - firsts
        second = np.minimum(seconds, np.maximum(room - firsts, room // 2))
        first = np.minimum(firsts, room - second)
        ids, mask, where = self._laid_out(first + second + self.size(pair=True))
        begin, turn = (
            len(self.before),
            len(self.before) + first,
        )  # where the first segment begins and ends
        after = turn + len(self.between)
        inside = (where >= begin) & (where < turn[:, None])
        ids[inside] = tokens[(starts[:, None] + where - begin)[inside]]
        inside = (where >= after[:, None]) & (where < (after + second)[:, None])
        ids[inside] = tokens[((starts + firsts - after)[:, None] + where)[inside]]
        self._write(ids, self.before, np.zeros(len(first), np.int64))
        self._write(ids, self.between, turn)
        self._write(ids, self.after, after + second)
        return ids, mask, mask & (where >= (turn + self.second_from)[:, None])

    @staticmethod
    def _laid_out(sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Empty token numbers, where tokens are, and the number of each place, all (N, L)."""
        where = np.broadcast_to(np.arange(int(sizes.max(initial=1))), (len(sizes), int(sizes.max(initial=1))))
        return np.zeros(where.shape, np.int64), where < sizes[:, None], where

    @staticmethod
    def _write(ids: np.ndarray, marks: Tokens, places: np.ndarray) -> None:
        """Write the tokens of the frame at a place of each text."""
        for i, mark in enumerate(marks):
            ids[np.arange(len(ids)), places + i] = mark
