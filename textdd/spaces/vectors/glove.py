"""Pretrained vectors from a text file in the form of GloVe or word2vec, plain or compressed."""

from __future__ import annotations

import gzip
import hashlib
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO, cast

import numpy as np

from textdd.errors import TextddError
from textdd.spaces.vectors.cache import cached_arrays

SUFFIXES = (".txt", ".vec", ".gz", ".zip")


def find_glove(path: str | None, data_dir: str | None) -> Path:
    """Find the file of vectors.

    Args:
        path: the file; None takes the largest under `data_dir/vectors/`.
        data_dir: holds the data; None: no such folder.

    Raises:
        TextddError: there is none.
    """
    if path is not None:
        file = Path(path).expanduser()
        if not file.is_file():
            raise TextddError(f"embedding.path={path}: there is no such file.")
        return file
    folder = None if data_dir is None else Path(data_dir).expanduser() / "vectors"
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
        with _readable(path), _opened(path) as file:
            vectors, known = _read(file, path, words)
        if not known.any():
            raise TextddError(f"{path} has not one word of this corpus. Another file: embedding.path=/your/glove.txt")
        return {"vectors": vectors, "known": known}

    with _readable(path), path.open("rb") as file:
        content = hashlib.file_digest(file, "blake2b").hexdigest()
    arrays = cached_arrays(cache_dir, "glove", [content, words], read)
    return arrays["vectors"], arrays["known"]


def _read(file: IO[bytes], path: Path, words: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Go through the file once and parse the rows of the vocabulary only."""
    first = file.readline().rstrip()
    width = _width(first, path)
    head = [] if _is_header(first) else [(1, first)]
    rows = {word.encode(): row for row, word in enumerate(words)}
    vectors = np.zeros((len(words), width), dtype=np.float32)
    known = np.zeros(len(words), dtype=bool)
    for number, line in chain(head, enumerate(file, start=2)):
        line = line.rstrip()
        if (cells := line.count(b" ")) != width:
            _check_spaced_word(line, width, cells, f"{path}, line {number}")
            continue
        word, _, values = line.partition(b" ")
        row = rows.get(word)
        if row is not None and not known[row]:
            vectors[row] = _numbers(values, f"{path}, line {number}")
            known[row] = True
    return vectors, known


def _width(first: bytes, path: Path) -> int:
    """D, from the header of word2vec's form ("400000 100") or from the number of cells in the first row."""
    width = int(first.split()[1]) if _is_header(first) else first.count(b" ")
    if width < 1:
        raise TextddError(
            f"{path}, line 1: {_shown(first)} is no row of vectors. Allowed: a word and its numbers, "
            "separated by single spaces, on every line; the first may hold the number of words and the width."
        )
    return width


def _is_header(first: bytes) -> bool:
    cells = first.split()
    return len(cells) == 2 and all(cell.isdigit() for cell in cells)


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
        return bool(np.isfinite(np.float32(cell)))
    except ValueError:
        return False


def _shown(line: bytes) -> str:
    return repr(line[:40].decode(errors="replace"))


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """Open the text, unpacking it on the way."""
    if path.suffix == ".gz":
        with gzip.open(path) as unpacked:
            yield cast(IO[bytes], unpacked)
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            members = archive.namelist()
            if len(members) != 1:
                raise TextddError(
                    f"{path} holds {len(members)} files: {', '.join(members)}. Allowed: one. "
                    "Unpack it and type: embedding.path=/the/one/you/want.txt"
                )
            with archive.open(members[0]) as file:
                yield file
    else:
        with path.open("rb") as file:
            yield file


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise TextddError(f"{path} cannot be read: {error}. Get it again, or check its permissions.") from error
