"""What stands between the cells of a table of text, and whether quotation marks mean something.

Both are found by what keeps every line of the file, and said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from textdd.corpora.formats.opening import HEAD, head, say_once, text_blocks, text_lines
from textdd.corpora.formats.options import FileOptions

SEPARATORS = (",", ";", "\t", "|")

LINE, RETURN, MARK = b'\n\r"'


class Dialect(NamedTuple):
    """How the cells of a table are written.

    Attributes:
        separator: between cells.
        quoted: cells may stand in quotation marks.
        broken: line breaks may stand in such cells.
        returns: carriage returns that end no line, and are read as blanks.
        lines: line breaks in the file.
    """

    separator: str
    quoted: bool
    broken: bool = False
    returns: int = 0
    lines: int = 0


class Survey(NamedTuple):
    """What a walk through a whole file shows.

    Attributes:
        marks: quotation marks.
        strict: each of them begins or ends a cell, or is written twice in one.
        lines: line breaks, one at the end of the file included.
        inside: those of them between quotation marks.
        returns: carriage returns outside of quotation marks without a line break after them.
    """

    marks: int
    strict: bool
    lines: int
    inside: int
    returns: int


def find_dialect(path: Path, options: FileOptions, own: str) -> Dialect:
    """Find out how the cells of a file are written.

    A file is read without regard to quotation marks where each of its lines has as many separators as the first, and
    some cell begins with a mark that it does not end with: two marks in different lines would swallow all that stands
    between. (Files of tabs are often written so, GLUE's among others.) Where every mark is in its place it takes a tab
    to do that, as a text has commas in itself.

    Args:
        path: the file.
        options: what was asked for; what is not said is found.
        own: the separator that its suffix speaks for.
    """
    separator = options.sign or find_separator(path, options, own)
    survey = survey_of(text_blocks(path, options), separator)
    returns = survey.returns if survey.lines else 0  # without a single line break, they end the lines
    if returns:
        say_once(f"{path}: {returns} carriage returns that end no line are read as blanks")
    quoted = bool(survey.marks) and options.quoting != "none"
    if quoted and options.quoting == "auto" and (survey.inside or not survey.strict):
        doubtful = separator == "\t" or not survey.strict
        if doubtful and even(path, options, separator) and unbalanced(path, options, separator):
            quoted = False
            say_once(f"{path}: quotation marks are read as signs of the texts; dataset.quoting=minimal reads otherwise")
    return Dialect(separator, quoted, quoted and bool(survey.inside or not survey.strict), returns, survey.lines)


def find_separator(path: Path, options: FileOptions, own: str) -> str:
    """The separator that every line at the beginning of a file has equally often; the file's own where several do."""
    top = head(path, options)
    bare = re.sub(rb'"[^"]*("|\Z)', b"", top)  # without what stands in quotation marks
    for sign in (own, *(sign for sign in SEPARATORS if sign != own)):
        for text in (bare, top):
            lines = text.split(b"\n") if b"\n" in text else text.split(b"\r")
            whole = lines[: -2 if len(top) > HEAD // 2 else None]  # a quoted cell may be cut off at the end
            counts = {line.count(sign.encode()) for line in whole if line.strip()}
            if len(counts) == 1 and counts != {0}:
                if sign != own:
                    typed = "tab" if sign == "\t" else f"'{sign}'"
                    say_once(f"{path}: cells are taken to be separated by {typed} (dataset.separator={typed})")
                return sign
    return own


def survey_of(blocks: Iterable[bytes], separator: str) -> Survey:
    """Walk through a file; see `Survey`."""
    beside = np.zeros(256, bool)
    beside[[LINE, RETURN, MARK, ord(separator)]] = True
    marks = lines = inside = returns = 0
    strict, before = True, b"\n"

    def look(signs: bytes) -> None:
        """Look at all signs but the first and the last, which are only there to stand beside others."""
        nonlocal marks, lines, inside, returns, strict
        open_ = marks % 2 == 1
        if not open_ and b'"' not in signs[1:-1] and b"\r" not in signs[1:-1]:
            lines += signs.count(b"\n", 1, len(signs) - 1)
            return
        array = np.frombuffer(signs, np.uint8)
        middle = array[1:-1]
        places = np.flatnonzero(middle == MARK)
        breaks = np.flatnonzero(middle == LINE)
        inside += int(((np.searchsorted(places, breaks) + open_) % 2).sum())
        lines += len(breaks)
        opening, closing = (places[1:][::2], places[::2]) if open_ else (places[::2], places[1:][::2])
        strict = strict and bool(beside[array[opening]].all() and beside[array[closing + 2]].all())
        if b"\r" in signs:
            found = np.flatnonzero((middle == RETURN) & (array[2:] != LINE))
            returns += int(((np.searchsorted(places, found) + open_) % 2 == 0).sum())
        marks += len(places)

    for block in blocks:
        look(before + block)
        before = (before + block)[-2:]
    look(before + b"\n")
    return Survey(marks, strict and marks % 2 == 0, lines, inside, returns)


def even(path: Path, options: FileOptions, separator: str) -> bool:
    """Whether all lines have equally many separators."""
    sign = separator.encode()
    counts = (line.count(sign) for line in text_lines(path, options, 1 << 26) if line.strip())
    first = next(counts, 0)
    return all(count == first for count in counts)


def unbalanced(path: Path, options: FileOptions, separator: str) -> bool:
    """Whether a cell begins with a quotation mark and does not end with one."""
    for line in text_lines(path, options, 1 << 26):
        if b'"' in line:
            cells = (cell.strip() for cell in line.split(separator.encode()))
            if any(cell.startswith(b'"') and (len(cell) == 1 or not cell.endswith(b'"')) for cell in cells):
                return True
    return False
