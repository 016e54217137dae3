"""Whether the first row of a table of text names its columns, or is a text like the others."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import NamedTuple

from textdd.corpora.formats.dialect import Dialect
from textdd.corpora.formats.opening import HEAD, head, say_once
from textdd.corpora.formats.options import FileOptions, told_apart
from textdd.errors import TextddError

NUMBER = re.compile(r"[-+]?\d+([.,]\d+)?")

LONG = 100
"""Signs of a cell that names no column."""


class Header(NamedTuple):
    """What the columns of a file are called.

    Attributes:
        names: a name of its own for every column.
        written: they stand in the first row.
        zhang: the file has the form of Zhang et al.
        alone: there is nothing else in the file, not even the end of the line.
    """

    names: list[str]
    written: bool
    zhang: bool = False
    alone: bool = False


class Plain(csv.excel):
    """Cells in which quotation marks are signs like any other."""

    quoting = csv.QUOTE_NONE


def find_header(path: Path, options: FileOptions, dialect: Dialect) -> Header:
    """Find out what the columns of a file are called.

    A first row that has all columns that will be asked for is a header. One with numbers or long texts in it is none:
    it begins a file in the form of Zhang et al., or the user has to say what the columns are.

    Raises:
        TextddError: the file is empty, has another number of columns than were named, or has no header.
    """
    cells, all_quoted, alone = first_row(path, options, dialect)
    shown = ", ".join(repr(cell[:30]) for cell in cells[:9])
    if options.columns:
        if len(cells) != len(options.columns):
            raise TextddError(
                f"Got dataset.columns=[{','.join(options.columns)}], and {path} has {len(cells)} columns in its first "
                f"row: {shown}. Name each, in their order: dataset.columns=[{','.join(suggested(cells, options))}]"
            )
        written = tuple(cells) == options.columns
        if written:
            say_once(f"{path}: its first row is what dataset.columns says, and is taken for a header")
        return Header(list(options.columns), written, alone=written and alone)
    names = told_apart(cells)
    if options.wanted <= {*names} or not like_data(cells):
        if doubled := [
            name for name in names if name not in {cell.strip() for cell in cells} and "column_" not in name
        ]:
            say_once(f"{path} has columns of one name; the later ones are called {', '.join(doubled)}")
        return Header(names, written=True, alone=alone)
    rest = cells[1:]
    if cells[0].strip().isdecimal() and rest and not any(NUMBER.fullmatch(cell.strip()) for cell in rest):
        if len(cells) == 2:
            return Header(["label", "text 1"], written=False, zhang=True)
        if all_quoted and len(cells) <= 4 and int(cells[0]) > 0 and all(lettered(cell) for cell in rest if cell):
            say_once(
                f"{path} is read in the form of Zhang et al.: a class, and {len(rest)} cells of text that are joined; "
                f"dataset.columns=[{','.join(suggested(cells, options))}] reads them apart"
            )
            return Header(["label", *(f"text {i}" for i in range(1, len(cells)))], written=False, zhang=True)
    raise TextddError(
        f"{path} seems to have no header, as its first row is {shown}. Say what its columns are called, in their "
        f"order, for instance: dataset.columns=[{','.join(suggested(cells, options))}]"
    )


def like_data(cells: list[str]) -> bool:
    """Whether cells are more likely a text than names of columns; frames of pandas may have columns 0, 1, ..."""
    if [cell for cell in cells if cell] == [str(i) for i in range(len([*filter(None, cells)]))]:
        return False
    return any(NUMBER.fullmatch(cell.strip()) or len(cell) > LONG for cell in cells)


def lettered(cell: str) -> bool:
    """Whether there is a letter in a cell: dates and numbers have none."""
    return re.search(r"[^\W\d_]", cell) is not None


def suggested(cells: list[str], options: FileOptions) -> list[str]:
    """Names for the columns of a first row: the longest cell is taken for the text, the shortest for the label."""
    names = [f"column_{place}" for place in range(1, len(cells) + 1)]
    if len(cells) > 1:
        by_length = sorted(range(len(cells)), key=lambda place: len(cells[place].strip() or " " * LONG))
        names[by_length[0]] = options.labels[0]
    names[max(range(len(cells)), key=lambda place: len(cells[place]))] = options.text[0]
    return names


def first_row(path: Path, options: FileOptions, dialect: Dialect) -> tuple[list[str], bool, bool]:
    """The cells of the first row that is not blank, whether all stand in quotation marks, and nothing follows.

    Raises:
        TextddError: there is none.
        UnicodeDecodeError: the beginning of the file is not UTF-8.
    """
    text = head(path, options).decode()
    if dialect.returns:
        text = re.sub("\r(?!\n)", " ", text)
    lines = io.StringIO(text.lstrip("\r\n"), newline="").readlines()
    before = csv.field_size_limit(HEAD)
    try:
        reader = csv.reader(lines, csv.excel if dialect.quoted else Plain, delimiter=dialect.separator)
        cells = next(reader, None)
    finally:
        csv.field_size_limit(before)
    if not cells:
        raise TextddError(
            f"{path} is empty. It needs a header row such as label,text and one row per text. Name another file: "
            "dataset.path=FILE"
        )
    if any("\0" in cell for cell in cells):
        raise TextddError(
            f"{path} has zero bytes in its first row: it is no file of text, or of another encoding. Name another file "
            "or the encoding: dataset.path=FILE dataset.encoding=utf-16-le"
        )
    alone = len(text) < HEAD // 2 and not re.search("[\r\n]", text.lstrip("\r\n"))  # the head of more ends with a line
    bare = re.sub('"(?:[^"]|"")*"', "", "".join(lines[: reader.line_num]).strip())
    return cells, dialect.quoted and bare == dialect.separator * (len(cells) - 1), alone
