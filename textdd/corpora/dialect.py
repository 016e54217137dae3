"""Whether quotation marks in a table of text mean something: found out by what keeps every line of the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from textdd.errors import unknown_choice

QUOTING = ("auto", "none", "minimal")
"""`none`: a quotation mark is a sign like any other; `minimal`: around a cell it is no part of it."""

BLOCK = 1 << 24
"""Bytes that are looked at together."""


def is_quoted(path: Path, separator: str, quoting: str) -> bool:
    """Whether cells of a file may stand in quotation marks.

    Files of tabs are often written without (GLUE's, among others), and then two marks in different lines would swallow
    all that stands between. A file is taken for such a one where every line has as many tabs as the first, and some
    cell begins with a mark that it does not end with.

    Args:
        path: the file.
        separator: between cells.
        quoting: what was asked for.

    Raises:
        TextddError: it is none of QUOTING.
    """
    if quoting not in QUOTING:
        raise unknown_choice("quoting", quoting, QUOTING, "dataset.quoting")
    if quoting != "auto" or separator != "\t":
        return quoting != "none"
    return not (even(path, separator) and unbalanced(path, separator))


def even(path: Path, separator: str) -> bool:
    """Whether all lines have equally many separators."""
    wanted, rest = -1, b""
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            lines = (rest + block).split(b"\n")
            rest = lines.pop()
            counts = np.array([line.count(separator.encode()) for line in lines if line.strip()])
            wanted = int(counts[0]) if wanted < 0 and len(counts) else wanted
            if (counts != wanted).any():
                return False
    return not rest.strip() or wanted < 0 or rest.count(separator.encode()) == wanted


def unbalanced(path: Path, separator: str) -> bool:
    """Whether a cell begins with a quotation mark and does not end with one."""
    with path.open("rb") as file:
        for line in file:
            if b'"' in line:
                cells = (cell.strip() for cell in line.rstrip(b"\r\n").split(separator.encode()))
                if any(cell.startswith(b'"') and (len(cell) == 1 or not cell.endswith(b'"')) for cell in cells):
                    return True
    return False
