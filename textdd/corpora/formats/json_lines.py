"""Files with one JSON record a line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.json

from textdd.corpora.formats.json_records import WAY_OUT, names_of, no_record, tables
from textdd.corpora.formats.opening import open_text, text_lines
from textdd.corpora.formats.plain import plain_table
from textdd.corpora.formats.table import BLOCK_BYTES, LONGEST, TOO_LONG, TableFile, in_blocks, readable
from textdd.errors import TextddError

DEEPEST = 500
"""Brackets that a line may open and be given to Arrow's reader, which recurses without a limit."""


class Unfit(Exception):
    """A line is nothing to give to Arrow's reader, which crashes on what is nested deeply and on `null`."""


@dataclass(frozen=True)
class JsonLines(TableFile):
    """A jsonl file. Arrow reads it; where it cannot (1 beside "1", keys that come late), records are decoded here."""

    remedy = WAY_OUT

    def columns(self) -> list[str]:
        """Name the columns that the first records have."""
        with readable(self):
            known = [] if self._schema is None else list(self._schema.names)
            return known or names_of(self._records(), self.name)

    @cached_property
    def _schema(self) -> pa.Schema | None:
        """Names and types at the beginning of the file; None where Arrow cannot tell."""
        for size in (BLOCK_BYTES, LONGEST):
            try:
                with self._open(size, None) as reader:
                    return reader.schema
            except (pa.ArrowInvalid, Unfit) as error:
                if TOO_LONG not in str(error):
                    break
        return None

    def batches(self, columns: list[str]) -> Iterator[pa.Table]:
        """Yield the records in order."""
        done = 0
        with readable(self):
            if self._schema is not None:
                schema = pa.schema([(name, as_written(self._schema.field(name).type)) for name in columns])
                try:
                    for batch in in_blocks(lambda size: self._read(size, schema)):
                        yield plain_table(batch, columns, self.name)
                        done += len(batch)
                    return
                except (pa.ArrowInvalid, Unfit):
                    pass  # the slow way can read it, or says better what is wrong
            for table in tables(self._records(), columns, self.name):
                if len(table) > done:
                    yield table.slice(done)
                done = max(0, done - len(table))

    def _read(self, size: int, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        with self._open(size, schema) as reader:
            yield from reader

    def _open(self, size: int, schema: pa.Schema | None) -> pa.RecordBatchReader:
        stream = pa.TransformInputStream(open_text(self.path, self.options), only_fit())
        return pa.json.open_json(
            stream,
            pa.json.ReadOptions(block_size=size, use_threads=False),
            pa.json.ParseOptions(
                explicit_schema=schema, unexpected_field_behavior="infer" if schema is None else "ignore"
            ),
        )

    def _records(self) -> Iterator[dict[str, Any]]:
        for number, line in enumerate(text_lines(self.path, self.options, LONGEST), 1):
            if line.strip():
                try:
                    record = json.loads(line.decode(), object_pairs_hook=once)
                except RecursionError as error:
                    raise TextddError(
                        f"{self.path}, line {number} is nested too deeply to hold texts. {WAY_OUT}"
                    ) from error
                except json.JSONDecodeError as error:
                    raise TextddError(
                        f"{self.path} cannot be read as .jsonl: line {number} is no JSON ({error.msg}, at sign "
                        f"{error.colno}: {error.doc[max(0, error.pos - 20) : error.pos + 20]!r}). {WAY_OUT}"
                    ) from error
                except DoubledKey as error:
                    raise TextddError(
                        f"{self.path}, line {number} has the key {str(error)!r} twice. {WAY_OUT}"
                    ) from error
                if not isinstance(record, dict):
                    raise no_record(record, f"{self.path}: line {number}")
                yield record


class DoubledKey(Exception):
    """An object has two values for a key."""


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, of which no key may come twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise DoubledKey(next(name for name in names if names.count(name) > 1))
    return found


def as_written(kind: pa.DataType) -> pa.DataType:
    """The type to read a column as: strings that look like dates stay strings, and nothing may become a string."""
    if pa.types.is_list(kind):
        return pa.list_(as_written(kind.value_type))
    return pa.string() if pa.types.is_timestamp(kind) or pa.types.is_null(kind) else kind


def only_fit() -> Callable[[bytes], bytes]:
    """Make what goes over a file block by block and lets it pass while all lines are fit for Arrow's reader.

    They are where they begin with a bracket, or are blank, and open no more than `DEEPEST` brackets.
    """
    opened = 0
    beginnings = np.zeros(256, bool)
    beginnings[[*b"{\r\n"]] = True
    fresh = True

    def passed(block: bytes) -> bytes:
        nonlocal opened, fresh
        if not block:
            return block
        signs = np.frombuffer(block, np.uint8)
        brackets = np.flatnonzero((signs | 32) == ord("{"))  # [ and {
        breaks = np.flatnonzero(signs == ord("\n"))
        counts = np.bincount(np.searchsorted(breaks, brackets), minlength=len(breaks) + 1)
        counts[0] += opened
        starts = breaks[breaks < len(signs) - 1] + 1
        begun = beginnings[signs[starts]].all() and (not fresh or beginnings[signs[0]])
        fresh = bool(signs[-1] == ord("\n"))
        if counts.max() > DEEPEST or not begun:
            raise Unfit
        opened = int(counts[-1])
        return block

    return passed
