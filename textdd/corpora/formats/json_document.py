"""A file that is one JSON value: an array of records, or an object that has them under one of its keys."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa

from textdd.corpora.formats.json_records import WAY_OUT, names_of, no_record, tables
from textdd.corpora.formats.opening import TooLong, say_once, text_blocks
from textdd.corpora.formats.table import LONGEST, TableFile, readable
from textdd.errors import TextddError, nearest_first

BLANK = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True)
class JsonDocument(TableFile):
    """Records in one JSON value; they are decoded one by one, and the whole is never in memory."""

    remedy = WAY_OUT

    def columns(self) -> list[str]:
        """Name the columns that the first records have."""
        with readable(self):
            return names_of(self._records(), self.name)

    def batches(self, columns: list[str]) -> Iterator[pa.Table]:
        """Yield the records in order."""
        with readable(self):
            yield from tables(self._records(), columns, self.name)

    def _records(self) -> Iterator[dict[str, Any]]:
        count = 0
        for count, record in enumerate(self._elements(), 1):
            if not isinstance(record, dict):
                raise no_record(record, f"{self.path}: element {count}")
            yield record

    def _elements(self) -> Iterator[Any]:
        scanner = self._scanner()
        while scanner.next() == "[":
            yield from scanner.array()
        if scanner.next() == "{":
            for key in scanner.object():
                if key == self._key:
                    yield from scanner.array()
                else:
                    scanner.skip()
        scanner.end()

    def _scanner(self) -> Scanner:
        return Scanner(text_blocks(self.path, self.options), self.name)

    @cached_property
    def _key(self) -> str:
        """The key that has the records: the one that was named, else the only one that has a list of records."""
        scanner = self._scanner()
        found: dict[str, bool] = {}
        for key in scanner.object():
            found[key] = scanner.skip()
        wanted, fit = self.options.records, [key for key, fits in found.items() if fits]
        if wanted is None and len(fit) == 1:
            say_once(f"{self.path}: the records are taken to be under the key {fit[0]!r} (dataset.records={fit[0]})")
            return fit[0]
        if wanted in found:
            return wanted
        allowed = nearest_first(wanted or "", fit or found)[:20]
        got = "holds one object" if wanted is None else f"has no key {wanted!r}"
        keys = ", ".join(repr(key[:60]) for key in allowed) or "none"
        if not fit:
            raise TextddError(f"{self.path} {got}, and none of its keys ({keys}) has a list of records. {WAY_OUT}")
        raise TextddError(
            f"{self.path} {got}. Keys with records (nearest first): {keys}. Type: dataset.records={allowed[0]}"
        )


class Scanner:
    """Walks through a JSON value that comes in blocks, and decodes the values in it one by one.

    Args:
        blocks: the text as UTF-8.
        where: the file, for messages.
    """

    def __init__(self, blocks: Iterator[bytes], where: str) -> None:
        self._blocks, self._where = blocks, where
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._json = json.JSONDecoder()
        self._text, self._at, self._ended = "", 0, False

    def next(self) -> str:
        """The next sign that is not blank, without going past it; "" at the end."""
        while True:
            self._at = BLANK.match(self._text, self._at).end()  # type: ignore[union-attr]  # matches nothing as well
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def object(self) -> Iterator[str]:
        """The keys of an object; whoever asks for the next one has gone past the value of the last."""
        self._take("{")
        while self.next() != "}":
            key = self.value()
            if not isinstance(key, str):
                raise self._wrong("a key")
            self._take(":")
            yield key
            if self.next() != "}":
                self._take(",")
        self._take("}")

    def end(self) -> None:
        """Check that nothing follows."""
        if self.next():
            raise self._wrong("the end of the file")

    def array(self) -> Iterator[Any]:
        """The elements of an array, decoded."""
        self._take("[")
        while self.next() != "]":
            yield self.value()
            if self.next() != "]":
                self._take(",")
        self._take("]")

    def skip(self) -> bool:
        """Go past a value, and tell whether it is an array of objects."""
        if self.next() != "[":
            self.value()
            return False
        kinds = {isinstance(element, dict) for element in self.array()}
        return kinds == {True}

    def value(self) -> Any:
        """Decode the next value.

        Raises:
            json.JSONDecodeError: it is none.
            TextddError: it is nested too deeply.
        """
        self.next()
        while True:
            try:
                value, end = self._json.raw_decode(self._text, self._at)
            except json.JSONDecodeError:
                if not self._more():
                    raise
            except RecursionError as error:
                raise TextddError(f"{self._where} is nested too deeply to hold texts. {WAY_OUT}") from error
            else:
                if end < len(self._text) or not self._more():  # a number may go on in the next block
                    self._at = end
                    return value

    def _take(self, sign: str) -> None:
        if self.next() != sign:
            raise self._wrong(repr(sign))
        self._at += 1

    def _wrong(self, wanted: str) -> json.JSONDecodeError:
        return json.JSONDecodeError(
            f"Expecting {wanted}, got {self._text[self._at : self._at + 40]!r}", self._text, self._at
        )

    def _more(self) -> bool:
        """Read on: as much again as is there, so that a long value is not decoded too often."""
        rest = self._text[self._at :]
        if len(rest) > LONGEST:
            raise TooLong(f"a value is longer than {LONGEST >> 20} MiB")
        fresh: list[str] = []
        while not self._ended and sum(map(len, fresh)) <= len(rest):
            block = next(self._blocks, b"")
            self._ended = not block
            fresh.append(self._decoder.decode(block, final=self._ended))
        self._text, self._at = rest + "".join(fresh), 0
        return any(fresh)
