"""Checked texts and targets, streamed from a source."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from textdd.corpora.labels import LabelCode
from textdd.errors import TextddError, nearest_first

log = logging.getLogger(__name__)


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
    """

    text: Sequence[str]
    labels: Sequence[str]
    pair: bool = False
    several: bool = False


class Records(NamedTuple):
    """N checked examples.

    Attributes:
        segments: N texts, none of them empty, or the first and the second segment of N pairs.
        targets: class numbers (N,), int64, or 0 and 1 for each label (N, C), bool.
    """

    segments: list[pa.StringArray]
    targets: np.ndarray


def find_columns(source: Source, wanted: Columns, *, named: bool) -> Columns:
    """Find the columns to read.

    Args:
        source: where to read.
        wanted: the configured columns, which for a named corpus are those it has on the hub.
        named: the corpus is one of the hub's, so a local copy may be a plain table of label and text.

    Raises:
        TextddError: a column is missing; the message lists those there are, the nearest first.
    """
    found = source.columns()
    plain = named and not wanted.pair and not wanted.several  # such a table has no second segment, and one class
    for columns in (wanted, Columns(["text"], ["label"])) if plain else (wanted,):
        if {*columns.text, *columns.labels} <= {*found}:
            return columns
    missing = next(column for column in (*wanted.text, *wanted.labels) if column not in found)
    nearest = nearest_first(missing, found)
    option, asked = ("text", wanted.text) if missing in wanted.text else ("label", wanted.labels)
    option = "labels" if option == "label" and wanted.several else option
    free = [column for column in nearest if column not in (*wanted.text, *wanted.labels)] or nearest
    mended = ",".join(free[0] if column == missing else column for column in asked)
    raise TextddError(
        f"{source.name} has no column {missing!r}. Columns found (nearest first): {', '.join(nearest)}. "
        f"Type for instance: dataset.{option}={mended if len(asked) == 1 else f'[{mended}]'}"
    )


def read_records(source: Source, columns: Columns, code: LabelCode, on_empty: str) -> Iterator[Records]:
    """Stream checked examples.

    Args:
        source: where to read.
        columns: what to read.
        code: how its labels are written.
        on_empty: "error" or "drop": what to do with a row whose text, or a segment of it, is empty or only white space.

    Raises:
        TextddError: an empty text, a label that stands for no class, a text column that holds no text.
    """
    next_row, dropped = source.first_row, 0
    for table in source.batches([*dict.fromkeys((*columns.text, *columns.labels))]):
        parts = [[column] for column in columns.text] if columns.pair else [columns.text]
        segments = [_joined(table, part, source.name) for part in parts]
        kept = np.all([pc.binary_length(segment).to_numpy() > 0 for segment in segments], axis=0)
        rows = np.arange(next_row, next_row + len(table))
        if on_empty == "error" and not kept.all():
            raise TextddError(
                f"{source.name}, row {rows[np.argmin(kept)]}: the text is empty. "
                "Mend the row, or leave such rows out: dataset.on_empty=drop"
            )
        mask = pa.array(kept)
        targets = code.encode([table[label].filter(mask) for label in columns.labels], source.name, rows[kept])
        yield Records([segment.filter(mask).combine_chunks() for segment in segments], targets)
        next_row += len(table)
        dropped += len(table) - int(kept.sum())
    if dropped:
        log.warning("%s: %d rows with an empty text left out", source.name, dropped)


def _joined(table: pa.Table, columns: Sequence[str], where: str) -> pa.ChunkedArray:
    """Join the text columns by a space; a missing cell is an empty one (yahoo_answers has many)."""
    cells = []
    for column in columns:
        kind = table.schema.field(column).type
        if pa.types.is_nested(kind):
            raise TextddError(
                f"{where}: column {column!r} holds {kind}, not text. Name a column of text: dataset.text=NAME"
            )
        cells.append(table[column].cast(pa.string()))
    joined = pc.binary_join_element_wise(*cells, " ", null_handling="replace", null_replacement="")
    return pc.utf8_trim_whitespace(joined)
