"""Several labels a text: from columns of 0 and 1, or from one column of lists, to 0 and 1 for each label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from textdd.corpora.labels import as_strings
from textdd.errors import TextddError, nearest_first

YES, NO = ("1", "1.0", "true", "True"), ("0", "0.0", "false", "False")
"""What a column of one label may hold; nothing at all counts as no."""


@dataclass(frozen=True)
class FlagCode:
    """One column of 0 and 1 for each label, called by the label.

    Attributes:
        classes: the C labels, in the order of their columns.
    """

    classes: Sequence[str]

    def encode(self, columns: Sequence[pa.ChunkedArray], where: str, rows: np.ndarray) -> np.ndarray:
        """0 and 1 for each label (N, C), bool; see `LabelCode`."""
        flags = []
        for name, column in zip(self.classes, columns, strict=True):
            written = as_strings(column).fill_null("0")
            yes = pc.is_in(written, pa.array(YES)).to_numpy(zero_copy_only=False)
            wrong = ~(yes | pc.is_in(written, pa.array(NO)).to_numpy(zero_copy_only=False))
            if wrong.any():
                first = int(wrong.argmax())
                raise TextddError(
                    f"{where}, row {rows[first]}: column {name!r} holds {written[first].as_py()!r}. Allowed in a "
                    "column of one label: 0 and 1. If it holds the labels themselves, type: dataset.labels=NAME with "
                    "that one column; for one class a text: dataset.label=NAME"
                )
            flags.append(yes)
        return np.stack(flags, axis=1).astype(bool)


@dataclass(frozen=True)
class ListCode:
    """One column that lists the labels of a text, as a list or as names apart by a separator.

    Attributes:
        classes: the C labels.
        names: what integers in it stand for, in order; a name that is no label may not occur. () where labels are
            written by name.
        separator: between the names of a text, where the column holds strings.
    """

    classes: Sequence[str]
    names: Sequence[str]
    separator: str | None

    def encode(self, columns: Sequence[pa.ChunkedArray], where: str, rows: np.ndarray) -> np.ndarray:
        """0 and 1 for each label (N, C), bool; see `LabelCode`."""
        numbers = {name: number for number, name in enumerate(self.classes)}
        places = {str(i): numbers[name] for i, name in enumerate(self.names) if name in numbers}
        numbers = places | numbers
        flat, owners = labels_in(columns[0], self.separator, where)
        written = flat.dictionary_encode()
        known = np.array([*(numbers.get(name, -1) for name in written.dictionary.to_pylist()), -1])
        found = known[written.indices.fill_null(len(known) - 1).to_numpy(zero_copy_only=False)]
        if (found < 0).any():
            first = int((found < 0).argmax())
            got = flat[first].as_py()
            best = ", ".join(map(repr, nearest_first(got or "", self.classes)[:20]))
            raise TextddError(
                f"{where}, row {rows[owners[first]]}: there is no label {got!r}. Allowed (nearest first): {best}. Mend "
                "the row, or name all labels: dataset.classes=[first,second]"
            )
        targets = np.zeros((len(rows), len(self.classes)), bool)
        targets[owners, found] = True
        return targets


def list_code(classes: Sequence[str], own_names: Sequence[str], separator: str | None) -> ListCode:
    """Work out how a source writes lists of labels.

    Args:
        classes: the C labels.
        own_names: what the source itself says that its integers stand for. Where it says nothing, or names quite
            other labels, they are positions in `classes`, unless these are themselves called by integers.
        separator: between the names of a text, where the column holds strings.
    """
    if {*own_names} & {*classes}:
        return ListCode(classes, own_names, separator)
    called_by_integers = any(name.lstrip("-").isdecimal() for name in classes)
    return ListCode(classes, () if called_by_integers else classes, separator)


def labels_in(column: pa.ChunkedArray, separator: str | None, where: str) -> tuple[pa.StringArray, np.ndarray]:
    """All labels of a column one after the other, and the row (0-based) that each belongs to.

    Args:
        column: lists of names or integers, or strings.
        separator: between the names in a string; needed for strings that hold several.
        where: the file, for messages.

    Raises:
        TextddError: the column holds something else.
    """
    kind = column.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        if pa.types.is_nested(kind.value_type):
            raise TextddError(f"{where}: the column of labels holds {kind}. Allowed: lists of names or of integers.")
        lists = column.combine_chunks()
    else:
        strings = as_strings(column).combine_chunks()
        lists = pc.split_pattern(strings, separator) if separator else pa.array([[s] for s in strings.to_pylist()])
    sizes = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    flat = as_strings(pa.chunked_array([lists.flatten()])).combine_chunks()
    owners = np.repeat(np.arange(len(sizes)), sizes)
    there = flat.is_valid()  # an empty name is no label: a text may have none
    return flat.filter(there), owners[there.to_numpy(zero_copy_only=False)]


def rarest(targets: np.ndarray) -> np.ndarray:
    """The rarest label of every text (n,), int64, of targets (n, C); C where a text has none.

    So every text belongs to one group, and rare labels keep all of their texts: what stratified splits and picks by
    class need.
    """
    counts = targets.sum(axis=0)  # (C,)
    order = np.argsort(counts, kind="stable")
    places = np.where(targets.any(axis=1), targets[:, order].argmax(axis=1), len(order))
    return np.append(order, len(order))[places]
