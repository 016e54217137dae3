"""From what a label column holds (integers or names) to class numbers 0 to C-1."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from textdd.errors import TextddError, cut, nearest_first
from textdd.typed import typed

# A column with more distinct values than this holds texts or numbers, not classes.
MOST_CLASSES = 1_000

WHOLE = re.compile(r"([+-]?[0-9]+)\.0*")
"""A whole number as pandas writes it where a column has gaps: 1.0."""

INTEGER = re.compile(r"-?[0-9]{1,18}")
"""What counts as an integer; Python reads none of thousands of digits."""


class Unlabelled(TextddError):
    """A source has no column of labels, or a text of it has none that is a class: so it is with test files at times.

    Args:
        got: what is missing where, and what is allowed.
        remedy: what to do about it in a file that should have labels.
    """

    def __init__(self, got: str, remedy: str) -> None:
        super().__init__(f"{got} {remedy}")
        self.got = got


class Encoded(NamedTuple):
    """The labels of N rows.

    Attributes:
        targets: class numbers (N,), int64, or 0 and 1 for each label (N, C), bool; nothing in particular where there is
            no label.
        missing: rows that have no label (N,), bool: an empty cell, NaN, or a negative number that is no class.
        left_out: rows whose class is left out (N,), bool.
    """

    targets: np.ndarray
    missing: np.ndarray
    left_out: np.ndarray


class LabelCode(Protocol):
    """How the labels of one source are written."""

    @property
    def classes(self) -> Sequence[str]:
        """The C class names; a class number is a position in this list."""

    def encode(self, columns: Sequence[pa.ChunkedArray], where: str, rows: np.ndarray) -> Encoded:
        """Turn the columns of labels into targets.

        Args:
            columns: N labels each.
            where: the file, for messages.
            rows: the number of each row (N,) in that file, for messages.

        Raises:
            TextddError: a label is out of range, or not the name of a class.
        """

    def without(self, classes: Set[str]) -> Self:
        """The same labels with some classes left out."""


@dataclass(frozen=True)
class ClassCode:
    """How the classes of one source are written, one a text.

    Attributes:
        classes: the C class names; a class number is a position in this list.
        spellings: every way to write a label, and the class that it stands for.
        integers: the integers that are allowed, in words; "" where labels are names only.
    """

    classes: Sequence[str]
    spellings: dict[str, str]
    integers: str

    def encode(self, columns: Sequence[pa.ChunkedArray], where: str, rows: np.ndarray) -> Encoded:
        """Class numbers (N,), int64, from one column of integers or strings; see `LabelCode`."""
        written = as_strings(columns[0], where).combine_chunks().dictionary_encode()
        missing, left_out, unknown, numbers = -1, -2, -3, {name: i for i, name in enumerate(self.classes)}
        found = []
        for label in map(as_label, written.dictionary.to_pylist()):
            if label in self.spellings:
                found.append(numbers.get(self.spellings[label], left_out))
            else:
                found.append(missing if label is None or is_negative(label) else unknown)
        indices = written.indices.fill_null(len(found)).to_numpy(zero_copy_only=False)
        labels = np.array([*found, missing], dtype=np.int64)[indices]
        if (labels == unknown).any():
            first = int(np.argmax(labels == unknown))
            raise self._unknown(written[first].as_py(), f"{where}, row {rows[first]}")
        return Encoded(labels, labels == missing, labels == left_out)

    def without(self, classes: Set[str]) -> ClassCode:
        """The same labels with some classes left out."""
        return replace(self, classes=[name for name in self.classes if name not in classes])

    def _unknown(self, label: str, where: str) -> Unlabelled:
        best = nearest_first(label, self.classes)
        names = ", ".join(repr(cut(name)) for name in best[:20]) + (" ..." if len(best) > 20 else "")
        return Unlabelled(
            f"{where}: the label is {cut(label)!r}. Allowed: {self.integers}the names {names}.",
            "Mend the row, or name all classes in their order: "
            f"{typed('dataset.classes', ['first', 'second'])}; another column holds the label: dataset.label=NAME",
        )


def class_code(classes: Sequence[str], own_names: Sequence[str], first_label: int) -> ClassCode:
    """Work out how a source writes the classes.

    A label is a class name, or an integer: a position in `own_names` if those are the same classes (perhaps
    in another order: the hub and the original files of TREC disagree), else a position in `classes`. Where
    the classes are themselves called by integers, an integer is a name; but not in the form of Zhang et al.

    Args:
        classes: the C class names.
        own_names: what the source itself says that its integers stand for; () where it says nothing.
        first_label: the least integer that the source uses, 0 or (Zhang et al.) 1.
    """
    names = {as_label(name) or name: name for name in classes}
    order = own_names if set(own_names) == set(classes) else classes
    if any(INTEGER.fullmatch(name) for name in names) and first_label == 0:
        return ClassCode(classes, names, integers="")
    return ClassCode(
        classes,
        {**names, **{str(first_label + i): name for i, name in enumerate(order)}},
        integers=f"the integers {first_label} to {first_label + len(classes) - 1}, ",
    )


def sorted_classes(labels: Set[str], where: str) -> list[str]:
    """Put the distinct labels of a data set in order: by value if all are integers, else by name.

    Negative integers are none of them, unless they are named: data sets mark texts without a label so.

    Raises:
        TextddError: there are fewer than two, or so many that the column cannot be one of labels.
    """
    named = sorted(label for label in labels if not is_negative(label))
    if not 2 <= len(named) <= MOST_CLASSES:
        got = f"only {list(map(cut, named))}" if len(named) < 2 else f"more than {MOST_CLASSES} different values"
        negative = sorted(labels - {*named}, key=int)
        minus = (
            f" Negative numbers ({', '.join(negative[:9])}) are no classes unless they are named: "
            f"{typed('dataset.classes', as_integers([*negative, *named]))}."
            if negative and len(labels) <= MOST_CLASSES
            else ""
        )
        raise TextddError(
            f"{where}: the label column holds {got}; 2 to {MOST_CLASSES} classes are allowed.{minus} "
            "If another column holds the label, type: dataset.label=NAME"
        )
    return sorted(named, key=int) if all(map(INTEGER.fullmatch, named)) else named


def as_integers(labels: Sequence[str]) -> list[int | str]:
    """Labels as they are typed: without quotation marks where they are integers."""
    return [int(label) if INTEGER.fullmatch(label) else label for label in labels]


def as_label(written: str | None) -> str | None:
    """A label as classes are told apart by it: 1.0 is 1; None where nothing or NaN stands for it."""
    label = (written or "").strip()
    if not label or label.lower() == "nan":
        return None
    whole = WHOLE.fullmatch(label)
    label = whole[1] if whole else label
    return "0" if label == "-0" else label


def is_negative(label: str) -> bool:
    """Whether a label is a negative integer."""
    return label.startswith("-") and INTEGER.fullmatch(label) is not None


def as_strings(column: pa.ChunkedArray, where: str) -> pa.ChunkedArray:
    """Write labels of any type as strings without surrounding space; an empty one counts as missing.

    Raises:
        TextddError: the column holds lists, or what cannot be written as text.
    """
    kind = column.type
    if pa.types.is_nested(kind):
        raise TextddError(
            f"{where}: the column of labels holds {cut(str(kind))}, and a text has one class. Where a text has several "
            "labels, type: dataset.labels=NAME; where another column holds the class: dataset.label=NAME"
        )
    try:
        text = pc.utf8_trim_whitespace(pc.cast(column, pa.string()))
    except pa.ArrowException as error:
        raise TextddError(
            f"{where}: the column of labels holds {kind}, which cannot be read as names ({cut(str(error), 200)}). "
            "Name a column of names or integers: dataset.label=NAME"
        ) from error
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
