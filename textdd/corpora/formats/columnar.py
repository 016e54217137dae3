"""Parquet and Arrow: typed columns in batches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet

from textdd.corpora.formats.opening import open_unpacked, packing
from textdd.corpora.formats.options import told_apart
from textdd.corpora.formats.plain import plain_table
from textdd.corpora.formats.table import BATCH_ROWS, TableFile, readable
from textdd.errors import TextddError

ARROW_MAGIC = b"ARROW1\0\0"


@dataclass(frozen=True)
class ColumnarFile(TableFile):
    """A file that says of each column what it is called and of what type it is."""

    def columns(self) -> list[str]:
        """Name the columns; the second of two of one name is called `text_2`."""
        with readable(self):
            names = told_apart(self._schema().names)
        if not names:
            raise TextddError(f"{self.path} has no columns. Name another file: dataset.path=FILE")
        return names

    def batches(self, columns: list[str]) -> Iterator[pa.Table]:
        """Yield the rows in order, ten thousand at a time; only what was checked is looked into."""
        with readable(self):
            own = self._schema().names
            places = [told_apart(own).index(name) for name in columns]
            for batch in self._read([own[place] for place in places]):
                kept = [batch.schema.names.index(own[place]) + own[:place].count(own[place]) for place in places]
                found = pa.record_batch([batch.column(place) for place in kept], columns)
                for start in range(0, len(found), BATCH_ROWS):
                    yield plain_table(found.slice(start, BATCH_ROWS), columns, self.name)

    def _schema(self) -> pa.Schema:
        raise NotImplementedError

    def _read(self, names: list[str]) -> Iterator[pa.RecordBatch]:
        """All batches, with these columns at least, those of one name in their order."""
        raise NotImplementedError


@dataclass(frozen=True)
class ParquetFile(ColumnarFile):
    """A parquet file."""

    def _schema(self) -> pa.Schema:
        if packing(self.path) is not None:
            raise TextddError(
                f"{self.path} is packed a second time; parquet is packed in itself. Unpack it, for instance: "
                f"gunzip '{self.path}'"
            )
        return pa.parquet.read_schema(self.path)

    def _read(self, names: list[str]) -> Iterator[pa.RecordBatch]:
        with pa.parquet.ParquetFile(self.path, memory_map=True) as file:
            yield from file.iter_batches(BATCH_ROWS, columns=names)


@dataclass(frozen=True)
class ArrowFile(ColumnarFile):
    """A file of Arrow: `datasets` writes the stream form, most other programs the file form, also called Feather."""

    def _schema(self) -> pa.Schema:
        with self._open() as reader:
            return reader.schema

    def _read(self, names: list[str]) -> Iterator[pa.RecordBatch]:
        del names
        with self._open() as reader:
            if isinstance(reader, pa.ipc.RecordBatchStreamReader):
                yield from reader
            else:
                yield from (reader.get_batch(i) for i in range(reader.num_record_batches))

    @contextmanager
    def _open(self) -> Iterator[pa.ipc.RecordBatchFileReader | pa.ipc.RecordBatchStreamReader]:
        packed = packing(self.path) is not None
        source = open_unpacked(self.path) if packed else pa.memory_map(str(self.path))
        first = source.read(len(ARROW_MAGIC))
        if not packed:
            source.seek(0)
        elif first != ARROW_MAGIC:
            source = open_unpacked(self.path)
        # The file form is the stream form between a mark and a table of contents.
        whole = first == ARROW_MAGIC and not packed
        with pa.ipc.open_file(source) if whole else pa.ipc.open_stream(source) as reader:
            yield reader
