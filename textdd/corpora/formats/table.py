"""What all files of rows have in common: a name, a hash of what they hold, and errors that help."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from json import JSONDecodeError
from pathlib import Path

import pyarrow as pa

from textdd.corpora.content import content_hash
from textdd.corpora.formats.encoding import encoding_error
from textdd.corpora.formats.opening import TooLong, unpacked_name
from textdd.corpora.formats.options import FileOptions
from textdd.errors import TextddError

# Some 10 to 20 thousand texts at a time.
BLOCK_BYTES = 4 << 20
BATCH_ROWS = 10_000

LONGEST = 64 << 20
"""Bytes that one row may have. Its texts are cut far earlier; a row that is longer is none."""

TOO_LONG = "straddling"
"""What pyarrow says of a row that is longer than its block."""


@dataclass(frozen=True)
class TableFile:
    """A file with one text per row and named columns; every form of file is a kind of it.

    Attributes:
        path: the file.
        options: how it is to be read.
        label_names: what its integer labels stand for, in order, where something beside it says so.
    """

    path: Path
    options: FileOptions = field(default_factory=FileOptions)
    label_names: tuple[str, ...] = ()
    remedy = "Get or write the file anew; `dataset.path=FILE` names another"

    @property
    def name(self) -> str:
        """What messages call this file."""
        return str(self.path)

    @property
    def first_label(self) -> int:
        """The least integer that stands for a class."""
        return 0

    @property
    def first_row(self) -> int:
        """The number of the first row, as a spreadsheet counts it: after the header, where there is one."""
        return 1

    def fingerprint(self, cache_dir: Path) -> str:
        """Hash what the file holds; of a file that was not touched since, the hash is remembered."""
        with readable(self):
            return f"{type(self).__name__} {content_hash(self.path, cache_dir)} {self.options}"

    def columns(self) -> list[str]:
        """Name the columns without reading the rows."""
        raise NotImplementedError

    def batches(self, columns: list[str]) -> Iterator[pa.Table]:
        """Yield the rows in order, some ten thousand at a time, as strings or lists of strings.

        Args:
            columns: the columns to read; each must be one of `columns()`.

        Raises:
            TextddError: the file is damaged, or is not what its suffix says.
        """
        raise NotImplementedError


@contextmanager
def readable(file: TableFile) -> Iterator[None]:
    """Turn what libraries raise over a damaged file into the error that names it.

    Raises:
        TextddError: the file cannot be read.
    """
    try:
        yield
    except (pa.ArrowException, OSError, EOFError, UnicodeError, TooLong, csv.Error, JSONDecodeError) as error:
        said = " ".join(str(error).split())
        if isinstance(error, UnicodeError) or "UTF8" in said or "utf8" in said:
            raise file_of_other_encoding(file, said) from error
        if TOO_LONG in said:
            said = f"a row is longer than {LONGEST >> 20} MiB"
        said = said if len(said) < 300 else f"{said[:300]} ..."
        raise TextddError(f"{file.path} cannot be read as {form(file.path)}: {said}. {file.remedy}") from error


def file_of_other_encoding(file: TableFile, said: str) -> TextddError:
    """Make the error for text that is not of its encoding; files of Arrow are always UTF-8."""
    if form(file.path) in (".parquet", ".arrow", ".feather"):
        return TextddError(f"{file.path} holds text that is not UTF-8 ({said[:200]}). {file.remedy}")
    try:
        return encoding_error(file.path, file.options)
    except OSError as error:
        return TextddError(f"{file.path} cannot be read: {error}. {file.remedy}")


def form(path: Path) -> str:
    """The suffix that says what a file is, in small letters and without what a packer added."""
    return Path(unpacked_name(path)).suffix


def in_blocks(read: Callable[[int], Iterator[pa.RecordBatch]]) -> Iterator[pa.RecordBatch]:
    """Read with small blocks; and on with large ones where a row does not fit into a small one.

    Args:
        read: reads all rows from the beginning, given the size of a block.
    """
    done = 0
    try:
        for batch in read(BLOCK_BYTES):
            yield batch
            done += len(batch)
        return
    except pa.ArrowInvalid as error:
        if TOO_LONG not in str(error):
            raise
    for batch in read(LONGEST):
        fresh = batch.slice(min(done, len(batch)))
        done -= len(batch) - len(fresh)
        if len(fresh):
            yield fresh
