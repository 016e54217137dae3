"""Ragged token arrays on disk: written once in a stream, memory-mapped ever after."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from textdd.corpora.parallel import in_order
from textdd.spaces.frame import Frame


class Encoded(NamedTuple):
    """N segments of texts as token numbers.

    Attributes:
        tokens: all of them, one segment after the other.
        lengths: how many of these belong to each segment (N,), int64, none of them zero.
        uncut: how many each segment would have if none were cut (N,), int64.
    """

    tokens: np.ndarray
    lengths: np.ndarray
    uncut: np.ndarray


Encode = Callable[[pa.StringArray], Encoded]
"""What turns segments into tokens; called from several threads."""


class TokenStore:
    """The texts of one part of a corpus, as tokens of one space.

    Attributes:
        folder: holds `tokens.bin`, `offsets.npy`, `uncut.npy` and, of pairs, `firsts.npy`.
        tokens: every token of every text, one after the other; memory-mapped, uint16 or uint32.
        offsets: where each text begins, and the end of the last (n + 1,), int64.
        firsts: of pairs, tokens of the first segment (n,), int64; else None.
        uncut: tokens that each text would have if none were cut (n,), int64.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.offsets: np.ndarray = np.load(folder / "offsets.npy")
        self.uncut: np.ndarray = np.load(folder / "uncut.npy")
        self.firsts: np.ndarray | None = np.load(path) if (path := folder / "firsts.npy").exists() else None
        self.tokens = self.mapped()

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __reduce__(self) -> tuple[type[TokenStore], tuple[Path]]:
        # Sent to another process (ddp_spawn), it is opened there; a pickled memory-map would be a full copy.
        return TokenStore, (self.folder,)

    def mapped(self) -> np.memmap:
        """Map the tokens; what was read of a map stays in memory until the map is gone."""
        path = self.folder / "tokens.bin"
        return np.memmap(path, dtype=f"u{path.stat().st_size // int(self.offsets[-1])}", mode="r")

    def gather(self, rows: np.ndarray, length: int, frame: Frame) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Take the first tokens of some texts, in their frame, in one indexing operation.

        Args:
            rows: which texts (N,).
            length: L, most tokens of each, those of the frame among them.
            frame: what the space puts around a text.

        Returns:
            Token numbers (N, L), int64, zero where a text is shorter; where tokens are (N, L), bool; and, of pairs,
            where those of the second segment are. L is the longest of these texts but at most `length`: short texts
            cost no computation on padding.
        """
        starts = self.offsets[rows]
        counts = self.offsets[rows + 1] - starts
        if self.firsts is not None:
            return frame.pairs(self.tokens, starts, self.firsts[rows], counts, length)
        if frame.empty:
            starts, ends = starts[:, None], (starts + counts)[:, None]  # (N, 1)
            length = min(length, int(counts.max(initial=1)))
            places = starts + np.arange(length)  # (N, L)
            mask = places < ends
            tokens = self.tokens[np.where(mask, places, 0)].astype(np.int64)
            return np.where(mask, tokens, 0), mask, None
        return (*frame.singles(self.tokens, starts, counts, length), None)

    def runs(self, rows: np.ndarray, tokens: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Stream all stored tokens of some texts, about so many tokens at a time.

        Args:
            rows: which texts (n,).
            tokens: the least size of a run, except for the last.

        Yields:
            The tokens of a run of whole texts (R,), int64, and the row in `rows` that each belongs to (R,).
        """
        lengths = np.diff(self.offsets)[rows]
        cuts = np.flatnonzero(np.diff(np.cumsum(lengths) // tokens)) + 1
        for part in np.split(np.arange(len(rows)), cuts):
            owner = np.repeat(part, lengths[part])  # (R,)
            begins = np.cumsum(lengths[part]) - lengths[part]
            within = np.arange(len(owner)) - np.repeat(begins, lengths[part])
            # A map for each run: in one for all, a corpus of millions would come to lie in memory as a whole.
            yield self.mapped()[self.offsets[rows[owner]] + within].astype(np.int64), owner


def write_store(folder: Path, batches: Iterable[list[pa.StringArray]], encode: Encode) -> None:
    """Turn a stream of texts into tokens in a new folder, on all cores.

    Args:
        folder: is made.
        batches: the segments of texts, in order.
        encode: turns segments into tokens.
    """
    folder.mkdir()
    lengths, uncut, firsts = [np.zeros(1, np.int64)], [], []

    def encoded(segments: list[pa.StringArray]) -> list[Encoded]:
        return [encode(segment) for segment in segments]

    with (folder / "tokens.bin").open("wb") as file:
        for segments in in_order(encoded, batches):
            first = segments[0]
            if len(segments) == 1:
                file.write(first.tokens.data)
            else:
                file.write(alternating(*segments).data)
                firsts.append(first.lengths)
            lengths.append(np.sum([segment.lengths for segment in segments], axis=0))
            uncut.append(np.sum([segment.uncut for segment in segments], axis=0))
    np.save(folder / "offsets.npy", np.cumsum(np.concatenate(lengths)))
    np.save(folder / "uncut.npy", np.concatenate(uncut))
    if firsts:
        np.save(folder / "firsts.npy", np.concatenate(firsts))


def alternating(first: Encoded, second: Encoded) -> np.ndarray:
    """The tokens of N pairs: of each its first segment, then its second."""
    sizes = np.stack([first.lengths, second.lengths], axis=1).ravel()  # (2 N,)
    owners = np.repeat(np.arange(len(sizes)) % 2, sizes)
    tokens = np.empty(len(owners), first.tokens.dtype)
    tokens[owners == 0], tokens[owners == 1] = first.tokens, second.tokens
    return tokens
