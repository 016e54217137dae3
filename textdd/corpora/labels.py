"""From what a label column holds (integers or names) to class numbers 0 to C-1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from textdd.errors import TextddError, nearest_first

# A column with more distinct values than this holds texts or numbers, not classes.
MOST_CLASSES = 1_000


class LabelCode(Protocol):
    """How the labels of one source are written."""

    @property
    def classes(self) -> Sequence[str]:
        """The C class names; a class number is a position in this list."""

    def encode(self, columns: Sequence[pa.ChunkedArray], where: str, rows: np.ndarray) -> np.ndarray:
        """Turn the columns of labels into targets.

        Args:
            columns: N labels each.
            where: the file, for messages.
            rows: the number of each row (N,) in that file, for messages.

        Returns:
            Class numbers (N,), int64, or 0 and 1 for each label (N, C), bool.

        Raises:
            TextddError: a label is missing, out of range, or not the name of a class.
        """


@dataclass(frozen=True)
class ClassCode:
    """How the classes of one source are written, one a text.

    Attributes:
        classes: the C class names; a class number is a position in this list.
        spellings: every way to write a label, and the class number it stands for.
        integers: the integers that are allowed, in words; "" where labels are names only.
    """

    classes: Sequence[str]
    spellings: dict[str, int]
    integers: str

    def encode(self, columns: Sequence[pa.ChunkedArray], where: str, rows: np.ndarray) -> np.ndarray:
        """Class numbers (N,), int64, from one column of integers or strings; see `LabelCode`."""
        written = as_strings(columns[0]).combine_chunks().dictionary_encode()
        numbers = [self.spellings.get(label, -1) for label in written.dictionary.to_pylist()]
        indices = written.indices.fill_null(len(numbers)).to_numpy(zero_copy_only=False)
        labels = np.array([*numbers, -1], dtype=np.int64)[indices]
        if (labels < 0).any():
            first = int(np.argmax(labels < 0))
            raise self._unknown(written[first].as_py(), f"{where}, row {rows[first]}")
        return labels

    def _unknown(self, label: str | None, where: str) -> TextddError:
        names = [repr(name) for name in nearest_first(label or "", self.classes)[:20]]
        allowed = f"{self.integers}the names {', '.join(names)}" + (" ..." if len(self.classes) > 20 else "")
        got = "there is no label" if not label else f"the label is {label!r}"
        return TextddError(
            f"{where}: {got}. Allowed: {allowed}. Mend the row, or name all classes in their order: "
            'dataset.classes=["first","second"]; another column holds the label: dataset.label=NAME'
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
    names = {name: number for number, name in enumerate(classes)}
    order = own_names if set(own_names) == set(classes) else classes
    positions = {str(first_label + i): names[name] for i, name in enumerate(order)}
    called_by_integers = any(name.lstrip("-").isdecimal() for name in classes)
    if called_by_integers and first_label == 0:
        return ClassCode(classes, names, integers="")
    return ClassCode(
        classes,
        {**names, **positions},
        integers=f"the integers {first_label} to {first_label + len(classes) - 1}, ",
    )


def sorted_classes(labels: set[str], where: str) -> list[str]:
    """Put the distinct labels of a data set in order: by value if all are integers, else by name.

    Raises:
        TextddError: there are fewer than two, or so many that the column cannot be one of labels.
    """
    if not 2 <= len(labels) <= MOST_CLASSES:
        got = f"only {sorted(labels)}" if len(labels) < 2 else f"more than {MOST_CLASSES} different values"
        raise TextddError(
            f"{where}: the label column holds {got}; 2 to {MOST_CLASSES} classes are allowed. "
            "If another column holds the label, type: dataset.label=NAME"
        )
    if all(label.lstrip("-").isdecimal() for label in labels):
        return sorted(labels, key=int)
    return sorted(labels)


def as_strings(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Write labels of any type as strings without surrounding space; an empty one counts as missing."""
    text = pc.utf8_trim_whitespace(pc.cast(column, pa.string()))
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
