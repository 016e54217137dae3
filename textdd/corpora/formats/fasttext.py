"""The form of fastText: a text a line, with `__label__NAME` before it, once or several times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import pyarrow as pa

from textdd.corpora.formats.opening import text_lines
from textdd.corpora.formats.table import BATCH_ROWS, LONGEST, TableFile, readable
from textdd.errors import TextddError

MARK = "__label__"


@dataclass(frozen=True)
class FastTextFile(TableFile):
    """A file with the columns text, label (the one label of a text) and labels (all of them)."""

    def columns(self) -> list[str]:
        """Name the columns that this form is read as."""
        return ["text", "label", "labels"]

    def batches(self, columns: list[str]) -> Iterator[pa.Table]:
        """Yield the lines in order; blank ones are no texts."""
        with readable(self):
            lines = enumerate(text_lines(self.path, self.options, LONGEST), 1)
            rows = (self._row(line.decode(), number, columns) for number, line in lines if line.strip())
            while chunk := list(islice(rows, BATCH_ROWS)):
                texts, labels = zip(*chunk, strict=True)
                found = {
                    "text": lambda texts=texts: pa.array(texts),
                    "label": lambda labels=labels: pa.array([listed[0] if listed else None for listed in labels]),
                    "labels": lambda labels=labels: pa.array(labels, pa.list_(pa.string())),
                }
                yield pa.table({name: found[name]() for name in columns})

    def _row(self, line: str, number: int, columns: list[str]) -> tuple[str, list[str]]:
        words = line.split(" ")
        labels = [word.removeprefix(MARK) for word in words if word.startswith(MARK)]
        if len(labels) > 1 and "label" in columns:
            raise TextddError(
                f"{self.path}, line {number} has {len(labels)} labels: {', '.join(labels)[:80]}. One label a text is "
                "asked for by dataset.label; several are read by: dataset.labels=labels"
            )
        return " ".join(word for word in words if not word.startswith(MARK)), labels
