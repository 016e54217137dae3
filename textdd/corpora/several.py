"""Several labels a text: from columns of 0 and 1, or from one column of lists, to 0 and 1 for each label."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from textdd.corpora.labels import INTEGER, Encoded, as_label, as_strings, is_negative
from textdd.errors import TextddError, cut, nearest_first
from textdd.typed import typed

YES, NO = ("1", "true", "True"), ("0", "false", "False")
"""What a column of one label may hold; nothing counts as no where another column of the row holds something."""

EMPTY, NEGATIVE, WRONG = -1, -2, -3
"""What else a cell may be."""


@dataclass(frozen=True)
class FlagCode:
    """One column of 0 and 1 for each label, called by the label.

    Attributes:
        columns: the labels, in the order of their columns.
        left_out: labels among them that are left out.
    """

    columns: Sequence[str]
    left_out: frozenset[str] = frozenset()

    @property
    def classes(self) -> Sequence[str]:
        """The C labels."""
        return [name for name in self.columns if name not in self.left_out]

    def encode(self, columns: Sequence[pa.ChunkedArray], where: str, rows: np.ndarray) -> Encoded:
        """0 and 1 for each label (N, C), bool; see `LabelCode`."""
        flags, empty, negative = [], np.ones(len(rows), bool), np.zeros(len(rows), bool)
        for name, column in zip(self.columns, columns, strict=True):
            written = as_strings(column, where).combine_chunks().dictionary_encode()
            known = [self._meaning(as_label(cell)) for cell in written.dictionary.to_pylist()]
            found = np.array([*known, EMPTY])[written.indices.fill_null(len(known)).to_numpy(zero_copy_only=False)]
            if (found == WRONG).any():
                first = int((found == WRONG).argmax())
                raise TextddError(
                    f"{where}, row {rows[first]}: column {cut(name)!r} holds {cut(written[first].as_py())!r}. "
                    "Allowed in a column of one label: 0 and 1. If it holds the labels themselves, type: "
                    "dataset.labels=NAME with that one column; for one class a text: dataset.label=NAME"
                )
            empty &= found == EMPTY
            negative |= found == NEGATIVE
            if name not in self.left_out:
                flags.append(found == 1)
        return Encoded(np.stack(flags, axis=1), empty | negative, np.zeros(len(rows), bool))

    def without(self, classes: Set[str]) -> FlagCode:
        """The same labels with some left out."""
        return replace(self, left_out=self.left_out | classes)

    @staticmethod
    def _meaning(cell: str | None) -> int:
        if cell is None:
            return EMPTY
        return 1 if cell in YES else 0 if cell in NO else NEGATIVE if is_negative(cell) else WRONG


@dataclass(frozen=True)
class ListCode:
    """One column that lists the labels of a text, as a list or as names apart by a separator.

    Attributes:
        classes: the C labels.
        names: what integers in it stand for, in order; a name that is no label may not occur. () where labels are
            written by name.
        separator: between the names of a text, where the column holds strings.
        left_out: labels that are left out.
    """

    classes: Sequence[str]
    names: Sequence[str]
    separator: str | None
    left_out: frozenset[str] = frozenset()

    def encode(self, columns: Sequence[pa.ChunkedArray], where: str, rows: np.ndarray) -> Encoded:
        """0 and 1 for each label (N, C), bool; a text may well have none; see `LabelCode`."""
        # What is left out has a column of its own behind all others, which is thrown away.
        numbers: dict[str | None, int] = {as_label(name): number for number, name in enumerate(self.classes)}
        numbers |= {as_label(name): len(self.classes) for name in self.left_out}
        labels = [as_label(name) for name in self.names]
        numbers = {**{str(i): numbers[name] for i, name in enumerate(labels) if name in numbers}, **numbers}
        flat, owners = labels_in(columns[0], self.separator, where)
        written = flat.dictionary_encode()
        known = np.array([*(numbers.get(as_label(name), -1) for name in written.dictionary.to_pylist()), -1])
        found = known[written.indices.fill_null(len(known) - 1).to_numpy(zero_copy_only=False)]
        if (found < 0).any():
            first = int((found < 0).argmax())
            got = flat[first].as_py()
            best = ", ".join(repr(cut(name)) for name in nearest_first(got, self.classes)[:20])
            raise TextddError(
                f"{where}, row {rows[owners[first]]}: there is no label {cut(got)!r}. Allowed (nearest first): {best}. "
                f"Mend the row, or name all labels: {typed('dataset.classes', ['first', 'second'])}"
            )
        targets = np.zeros((len(rows), len(self.classes) + 1), bool)
        targets[owners, found] = True
        none = np.zeros(len(rows), bool)
        return Encoded(targets[:, :-1], none, none)

    def without(self, classes: Set[str]) -> ListCode:
        """The same labels with some left out."""
        kept = [name for name in self.classes if name not in classes]
        return replace(self, classes=kept, left_out=self.left_out | classes)


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
    called_by_integers = any(INTEGER.fullmatch(as_label(name) or "") for name in classes)
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
        strings = as_strings(column, where).combine_chunks()
        lists = pc.split_pattern(strings, separator) if separator else pa.array([[s] for s in strings.to_pylist()])
    sizes = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    flat = as_strings(pa.chunked_array([lists.flatten()]), where).combine_chunks()
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
