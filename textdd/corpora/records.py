"""Checked texts and targets, streamed from a source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from textdd.corpora.labels import LabelCode, Unlabelled, as_integers, as_label
from textdd.errors import TextddError, cut, nearest_first, some_of
from textdd.typed import typed

MOST_TYPED = 50
"""Classes that one may be asked to type."""


class Source(Protocol):
    """Something that holds one text and one target per row: a file, a split on the hub, the demo."""

    @property
    def name(self) -> str:
        """What messages call it."""

    @property
    def label_names(self) -> tuple[str, ...]:
        """What its integer labels stand for, in order; () where it does not say."""

    @property
    def first_label(self) -> int:
        """The least integer label that it uses."""

    @property
    def first_row(self) -> int:
        """The number of its first row, for messages."""

    def fingerprint(self, cache_dir: Path) -> str:
        """Identify its content; what takes long to find out is remembered in the cache."""

    def columns(self) -> list[str]:
        """Name its columns."""

    def batches(self, columns: list[str]) -> Iterator[pa.Table]:
        """Yield its rows in order, thousands at a time."""


class Columns(NamedTuple):
    """Which columns to read.

    Attributes:
        text: the text columns, joined by one space, or two of them as the segments of a pair.
        labels: the column of labels, or one column of 0 and 1 for each label.
        pair: the text columns are two segments.
        several: a text has any number of labels.
        written: what is called a label is a text that is to be written.
    """

    text: Sequence[str]
    labels: Sequence[str]
    pair: bool = False
    several: bool = False
    written: bool = False

    @property
    def option(self) -> str:
        """The option that names the columns of labels."""
        return "dataset.target" if self.written else "dataset.labels" if self.several else "dataset.label"

    @property
    def target(self) -> str:
        """What belongs to a text, in a word."""
        return "response" if self.written else "label"


class Records(NamedTuple):
    """N checked examples.

    Attributes:
        segments: N texts, none of them empty, or the first and the second segment of N pairs, or N prompts and what is
            to be written after each.
        targets: class numbers (N,), int64, or 0 and 1 for each label (N, C), bool.
    """

    segments: list[pa.StringArray]
    targets: np.ndarray


class Gaps(NamedTuple):
    """What to do with rows that lack something.

    Attributes:
        on_empty: "error" or "drop", where the text, or a segment of it, is empty or only white space.
        on_missing_label: "error" or "drop", where there is no label.
    """

    on_empty: str = "error"
    on_missing_label: str = "error"


def find_columns(source: Source, wanted: Columns, *, named: bool) -> Columns:
    """Find the columns to read.

    Args:
        source: where to read.
        wanted: the configured columns, which for a named corpus are those it has on the hub.
        named: the corpus is one of the hub's, so a local copy may be a plain table of label and text.

    Raises:
        TextddError: a column is missing, or is to be both text and label; the message lists those there are, the
            nearest first.
        Unlabelled: nothing but a column of labels is missing.
    """
    found = source.columns()
    plain = named and not (
        wanted.pair or wanted.several or wanted.written
    )  # such a table has no second segment, and one class
    for columns in (wanted, Columns(["text"], ["label"])) if plain else (wanted,):
        if {*columns.text, *columns.labels} <= {*found}:
            return _distinct(source, columns, found)
    missing = [column for column in dict.fromkeys((*wanted.text, *wanted.labels)) if column not in found]
    free = [column for column in found if column.strip() and column not in (*wanted.text, *wanted.labels)]
    instead = {}
    for column in missing:
        instead[column] = nearest_first(column, free or found)[0] if found else column
        free = [other for other in free if other != instead[column]]
    options = [
        typed(option, names[0] if len(names) == 1 else names)
        for option, asked in (("dataset.text", wanted.text), (wanted.option, wanted.labels))
        if (names := [instead.get(column, column) for column in asked]) != list(asked)
    ]
    got = f"{source.name} has no column {' and no '.join(repr(cut(column)) for column in missing)}."
    remedy = (
        f"Columns found (nearest first): {some_of(nearest_first(missing[0], found))}. "
        f"Type for instance: {' '.join(options)}"
    )
    raise TextddError(f"{got} {remedy}") if {*missing} & {*wanted.text} else Unlabelled(got, remedy)


def _distinct(source: Source, columns: Columns, found: list[str]) -> Columns:
    """The columns, none of which is both text and label.

    Raises:
        TextddError: one is.
    """
    both = next((column for column in columns.labels if column in columns.text), None)
    if both is None:
        return columns
    others = [column for column in found if column.strip() and column not in (*columns.text, *columns.labels)]
    remedy = (
        f"Type for instance: {typed(columns.option, nearest_first('label', others)[0])}"
        if others
        else f"Add one of {columns.target}s."
    )
    raise TextddError(
        f"{source.name}: column {cut(both)!r} is to be the text and the {columns.target}, which would be told by "
        f"itself. Other columns: {some_of(nearest_first('label', others)) or 'none'}. {remedy}"
    )


def read_records(
    source: Source, columns: Columns, code: LabelCode, gaps: Gaps, remarks: list[str]
) -> Iterator[Records]:
    """Stream checked examples.

    Args:
        source: where to read.
        columns: what to read.
        code: how its labels are written.
        gaps: what to do with rows without a text or a label.
        remarks: gets what was left out, when all is read.

    Raises:
        Unlabelled: a row without a label.
        TextddError: an empty text, a label that stands for no class, a text column that holds no text.
    """
    next_row, empty, unlabelled = source.first_row, 0, 0
    for table in source.batches([*dict.fromkeys((*columns.text, *columns.labels))]):
        parts = [[column] for column in columns.text] if columns.pair else [columns.text]
        segments = [joined(table, part, source.name) for part in parts]
        there = np.all([pc.binary_length(segment).to_numpy() > 0 for segment in segments], axis=0)
        if columns.written:
            segments.append(joined(table, columns.labels, source.name, columns.option))
        rows = np.arange(next_row, next_row + len(table))
        if gaps.on_empty == "error" and not there.all():
            raise TextddError(
                f"{source.name}, row {rows[np.argmin(there)]}: the text is empty. "
                "Mend the row, or leave such rows out: dataset.on_empty=drop"
            )
        labels = [table[label].filter(pa.array(there)) for label in columns.labels]
        targets, missing, left_out = code.encode(labels, source.name, rows[there])
        if gaps.on_missing_label == "error" and missing.any():
            first = int(missing.argmax())
            raise _without_label(
                source, rows[there][first], [label[first].as_py() for label in labels], code, columns.target
            )
        kept = ~(missing | left_out)
        mask = there.copy()
        mask[there] = kept
        yield Records([segment.filter(pa.array(mask)).combine_chunks() for segment in segments], targets[kept])
        next_row += len(table)
        empty += len(table) - int(there.sum())
        unlabelled += int(missing.sum())
    all_rows = next_row - source.first_row
    for count, what in ((empty, "with an empty text"), (unlabelled, f"without a {columns.target}")):
        if count:
            remarks.append(f"{source.name}: {count} of {all_rows} rows {what} left out")


def _without_label(source: Source, row: int, cells: list[object], code: LabelCode, target: str) -> Unlabelled:
    """Make the error for a row that has no label, or a negative number in its place."""
    written = [str(cell) for cell in cells if isinstance(cell, int | float | str) and as_label(str(cell))]
    got, remedy = f"there is no {target}", "leave such rows out. Type: dataset.on_missing_label=drop"
    if written:
        got = f"the label is {cut(written[0])!r}, and negative numbers stand for texts without a label"
        if len(cells) == 1 and len(code.classes) <= MOST_TYPED:
            both = as_integers([as_label(written[0]) or "", *code.classes])
            remedy = (
                "leave such rows out, dataset.on_missing_label=drop; if it is a class, name all of them in their "
                f"order. Type: {typed('dataset.classes', both)}"
            )
    return Unlabelled(f"{source.name}, row {row}: {got}.", f"Mend the row, or {remedy}")


def joined(table: pa.Table, columns: Sequence[str], where: str, option: str = "dataset.text") -> pa.ChunkedArray:
    """Join the text columns by a space; a missing cell is an empty one (yahoo_answers has many)."""
    cells = []
    for column in columns:
        kind = table.schema.field(column).type
        try:
            cells.append(table[column].cast(pa.string()))
        except pa.ArrowException as error:  # lists, bytes that are no UTF-8, times in zones that there are not
            raise TextddError(
                f"{where}: column {cut(column)!r} holds {cut(str(kind))}, not text. Name a column of text: "
                f"{option}=NAME"
            ) from error
    joined = pc.binary_join_element_wise(*cells, " ", null_handling="replace", null_replacement="")
    return pc.utf8_trim_whitespace(joined)
