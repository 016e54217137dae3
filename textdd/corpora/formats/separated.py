"""Tables of text: csv, tsv and whatever else has a separator between its cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from textdd.corpora.formats.dialect import Dialect, find_dialect
from textdd.corpora.formats.header import Header, find_header
from textdd.corpora.formats.opening import open_text, say_once
from textdd.corpora.formats.table import TableFile, form, in_blocks, readable


@dataclass(frozen=True)
class SeparatedFile(TableFile):
    r"""A csv, tsv or txt file; how it is written is found out when it is first read.

    In the form of Zhang et al. (2015), who published ag_news, dbpedia, yelp and others in it, there is no header; the
    first cell is the class counted from one, the others (title, body, ...) are text. A line break inside a text is
    written as a backslash and an n, and in ag_news as a lone backslash. The cells after the first are joined here, so
    that the file looks like one with columns label and text.
    """

    remedy = (
        "Each row needs as many cells as the first, and quotation marks around a cell that holds the separator. If the "
        "cells are written otherwise, say how: dataset.separator=';' dataset.quoting=none"
    )

    @cached_property
    def dialect(self) -> Dialect:
        """How the cells are written."""
        with readable(self):
            return find_dialect(self.path, self.options, "," if form(self.path) == ".csv" else "\t")

    @cached_property
    def header(self) -> Header:
        """What the columns are called."""
        with readable(self):
            return find_header(self.path, self.options, self.dialect)

    @property
    def first_label(self) -> int:
        """The least integer that stands for a class."""
        return 1 if self.header.zhang else 0

    @property
    def first_row(self) -> int:
        """The number of the first row; see `TableFile`."""
        return 2 if self.header.written else 1

    def columns(self) -> list[str]:
        """Name the columns."""
        return ["label", "text"] if self.header.zhang else self.header.names

    def batches(self, columns: list[str]) -> Iterator[pa.Table]:
        """Yield the rows in order, with every cell kept as text (a text may well be "NA" or "007")."""
        names = self.header.names if self.header.zhang else columns
        rows = 0
        with readable(self):
            for batch in in_blocks(lambda size: self._read(names, size)):
                rows += len(batch)
                yield self._zhang(batch).select(columns) if self.header.zhang else pa.Table.from_batches([batch])
        if self.dialect.broken and rows + self.header.written < self.dialect.lines:
            say_once(
                f"{self.path}: {rows} rows in {self.dialect.lines} lines, as quoted cells hold line breaks; "
                "dataset.quoting=none reads every line as a row"
            )

    def _zhang(self, batch: pa.RecordBatch) -> pa.Table:
        label, *cells = batch.columns
        text = pc.binary_join_element_wise(*cells, " ")
        text = pc.replace_substring(pc.replace_substring(text, "\\n", " "), "\\", " ")
        return pa.table({"label": label, "text": text})

    def _read(self, columns: list[str], block: int) -> Iterator[pa.RecordBatch]:
        dialect, header = self.dialect, self.header
        if header.alone:
            return
        stream = open_text(self.path, self.options)
        if dialect.returns:
            stream = pa.TransformInputStream(stream, returns_as_blanks())
        with pa.csv.open_csv(
            stream,
            pa.csv.ReadOptions(
                block_size=block,
                column_names=header.names,
                skip_rows_after_names=int(header.written),
                use_threads=False,
            ),
            pa.csv.ParseOptions(
                delimiter=dialect.separator,
                quote_char='"' if dialect.quoted else False,
                newlines_in_values=dialect.broken,
            ),
            pa.csv.ConvertOptions(include_columns=columns, column_types={name: pa.string() for name in columns}),
        ) as reader:
            yield from reader


def returns_as_blanks() -> Callable[[bytes], bytes]:
    """Make what goes over a file block by block and writes a blank for each carriage return that ends no line."""
    held = b""

    def mended(block: bytes) -> bytes:
        nonlocal held
        whole = held + bytes(block)
        held = b"\r" if whole.endswith(b"\r") else b""  # what follows is in the next block
        whole = whole.removesuffix(held)
        return whole.replace(b"\r\n", b"\n").replace(b"\r", b" ")

    return mended
