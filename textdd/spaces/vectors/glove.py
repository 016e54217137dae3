"""Pretrained vectors from a file in the form of GloVe or word2vec, in digits or in bits, plain or compressed."""

from __future__ import annotations

import hashlib
import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import IO

import numpy as np

from textdd.errors import TextddError, nearest_first
from textdd.progress import say
from textdd.spaces.vectors.cache import cached_arrays
from textdd.spaces.vectors.packed import readable, unpacked
from textdd.spaces.vectors.word2vec import read_binary
from textdd.typed import expanded

SUFFIXES = (".txt", ".vec", ".bin", ".gz", ".zip")

MOST_NUMBERS = 10_000
"""Of a vector."""

LONGEST_LINE = 1 << 20
"""Bytes of a row: so many numbers in more digits than they need."""

BLOCK = 1 << 12
"""Bytes behind a header that tell numbers in digits from those in bits."""

BINARY = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")
"""What no text holds."""


def find_glove(path: str | None, data_dir: str | None) -> Path:
    """Find the file of vectors.

    Args:
        path: the file; None takes the largest under `data_dir/vectors/`.
        data_dir: holds the data; None: no such folder.

    Raises:
        TextddError: there is none.
    """
    if path is not None:
        file = expanded(path)
        if not file.is_file():
            beside = sorted(other.name for other in file.parent.glob("*") if other.suffix in SUFFIXES)
            nearest = [str(Path(path).parent / name) for name in nearest_first(file.name, beside)[:1]]
            raise TextddError(
                f"embedding.path={path}: there is no such file. Type: "
                f"embedding.path={nearest[0] if nearest else '/your/glove.6B.100d.txt'}"
            )
        return file
    folder = None if data_dir is None else expanded(data_dir) / "vectors"
    files = [] if folder is None else [file for file in folder.glob("*") if file.suffix in SUFFIXES]
    if not files:
        where = "data_dir is not set" if folder is None else f"{folder} holds none ({', '.join(SUFFIXES)})"
        raise TextddError(
            f"embedding=glove needs a file of vectors, and {where}. Get one from "
            "https://nlp.stanford.edu/projects/glove and type: embedding.path=/your/glove.6B.100d.txt; "
            "or learn vectors from the corpus: embedding=corpus"
        )
    return max(files, key=lambda file: (file.stat().st_size, file.name))


def glove_vectors(path: Path, words: list[str], cache_dir: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read the vectors of a vocabulary; the second time they come from the cache.

    Args:
        path: the file.
        words: the V words.
        cache_dir: the cache.

    Returns:
        Vectors (V, D), float32, zero where the file has none; and which words it has (V,), bool.

    Raises:
        TextddError: a damaged file, a row of another width, something that is not a number, or not one
            word of the vocabulary.
    """

    def read() -> dict[str, np.ndarray]:
        with unpacked(path) as file:
            width, found = _read(file, path, {word.encode(): row for row, word in enumerate(words)})
        if not found:
            raise TextddError(f"{path} has not one word of this corpus. Another file: embedding.path=/your/glove.txt")
        rows = list(found)
        vectors, known = np.zeros((len(words), width), np.float32), np.zeros(len(words), bool)
        vectors[rows], known[rows] = np.stack(list(found.values())), True
        return {"vectors": vectors, "known": known}

    with readable(path), path.open("rb") as file:
        content = hashlib.file_digest(file, "blake2b").hexdigest()
    arrays = cached_arrays(cache_dir, "glove", [content, words], read)
    return arrays["vectors"], arrays["known"]


def _read(file: IO[bytes], path: Path, rows: dict[bytes, int]) -> tuple[int, dict[int, np.ndarray]]:
    """Go through the file once and parse the rows of the vocabulary only.

    Returns:
        D, and the vector (D,) of every word that is there, by its row in the vocabulary.
    """
    lines = _lines(file, path)
    _, first = next(lines, (1, b""))
    first = first.removeprefix(BOM_UTF8)
    count, width = _header(first, path)
    if count and BINARY.search(file.peek(BLOCK)):  # type: ignore[attr-defined]
        return width, read_binary(file, str(path), rows, count, width)
    found: dict[int, np.ndarray] = {}
    number = 1
    for number, line in lines if count else chain([(1, first)], lines):
        if (cells := line.count(b" ")) != width:
            _check_spaced_word(line, width, cells, f"{path}, line {number}")
            continue
        word, _, values = line.partition(b" ")
        row = rows.get(word)
        if row is not None and row not in found:
            found[row] = _numbers(values, f"{path}, line {number}")
    if number - 1 < count:
        say(f"{path}: its first line promises {count} words, and {number - 1} are there; it may be cut off")
    return width, found


def _lines(file: IO[bytes], path: Path) -> Iterator[tuple[int, bytes]]:
    """Number the lines; none is taken into memory that is no line of vectors, however long it unpacks to."""
    number = 0
    while line := file.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE:
            raise TextddError(
                f"{path}, line {number}: {_shown(line)} is longer than {LONGEST_LINE} bytes. Allowed: a word and "
                f"at most {MOST_NUMBERS} numbers on a line. Take another file: embedding.path=/your/glove.txt"
            )
        yield number, line.rstrip()


def _header(first: bytes, path: Path) -> tuple[int, int]:
    """V and D from the header of word2vec's form ("400000 100"); else zero and the number of cells in the first row."""
    cells = first.split()
    is_header = len(cells) == 2 and all(cell.isdigit() and len(cell) < 12 for cell in cells)
    count, width = (int(cells[0]), int(cells[1])) if is_header else (0, first.count(b" "))
    if not 1 <= width <= MOST_NUMBERS:
        raise TextddError(
            f"{path}, line 1: {_shown(first)} is no row of vectors. Allowed: a word and 1 to {MOST_NUMBERS} numbers, "
            "separated by single spaces, on every line; the first may hold the number of words and that of numbers. "
            "Take another file: embedding.path=/your/glove.txt"
        )
    return count, width


def _check_spaced_word(line: bytes, width: int, cells: int, where: str) -> None:
    """Pass over a word with spaces (glove.840B has ". . ."; our tokeniser makes none); refuse all else."""
    # None of them ends in a number, so one before the last D cells betrays a row that is too wide.
    spaced = cells > width and not _is_number(line.rsplit(b" ", width)[0].rsplit(b" ", 1)[-1])
    if line and not spaced:
        raise TextddError(
            f"{where}: {_shown(line)} has {cells} numbers, but the file began with {width} per word. "
            "The file may be cut off or mixed; get it again, or take another: embedding.path=/your/glove.txt"
        )


def _numbers(values: bytes, where: str) -> np.ndarray:
    cells = values.split(b" ")
    try:
        with np.errstate(over="ignore"):  # what 32 bits do not hold is found below
            numbers = np.array(cells).astype(np.float32)
    except ValueError:
        numbers = np.full(len(cells), np.nan, np.float32)
    if not np.isfinite(numbers).all():
        wrong = next(cell for cell in cells if not _is_number(cell))
        raise TextddError(
            f"{where}: {_shown(wrong)} is not a number. Mend the line, or take another file: "
            "embedding.path=/your/glove.txt"
        )
    return numbers


def _is_number(cell: bytes) -> bool:
    try:
        with np.errstate(over="ignore"):
            return bool(np.isfinite(np.float32(cell)))
    except ValueError:
        return False


def _shown(line: bytes) -> str:
    return repr(line[:40].decode(errors="replace"))
