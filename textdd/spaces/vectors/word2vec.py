"""Vectors in word2vec's binary form: "400000 100", then of each word its letters, a space, its numbers in 32 bits."""

from __future__ import annotations

from typing import IO

import numpy as np

from textdd.errors import TextddError

LONGEST_WORD = 2000
"""Bytes: word2vec itself writes no word of more than 100 letters."""

BLOCK = 1 << 20
"""Bytes that are read at a time."""


def read_binary(file: IO[bytes], where: str, rows: dict[bytes, int], count: int, width: int) -> dict[int, np.ndarray]:
    """Go through the rows behind the header and keep those of a vocabulary.

    Args:
        file: stands behind the header.
        where: what it is called.
        rows: the words of the vocabulary, each with its row there.
        count: words that the header promises.
        width: D.

    Returns:
        The vector (D,) of every word that is there, by its row.

    Raises:
        TextddError: it is cut off, or holds what is no number.
    """
    found: dict[int, np.ndarray] = {}
    size, held, at = 4 * width, b"", 0
    for number in range(count):
        space = held.find(b" ", at)
        while space < 0 or len(held) < space + 1 + size:
            more = file.read(BLOCK)
            held, at = held[at:] + more, 0
            space = held.find(b" ", 0, LONGEST_WORD)
            if not more or (space < 0 and len(held) >= LONGEST_WORD):
                raise TextddError(
                    f"{where} is cut off, or not in word2vec's binary form: its first line promises {count} words of "
                    f"{width} numbers, and {number} are there. Get it again, or take another: "
                    "embedding.path=/your/glove.txt"
                )
        row, begin = rows.get(held[at:space].lstrip(b"\n")), space + 1
        at = begin + size
        if row is not None and row not in found:
            found[row] = np.frombuffer(held, "<f4", width, begin).astype(np.float32)
            if not np.isfinite(found[row]).all():
                raise TextddError(
                    f"{where}, word {number + 1}: its vector holds what is no number. Get the file again, or take "
                    "another: embedding.path=/your/glove.txt"
                )
    return found
