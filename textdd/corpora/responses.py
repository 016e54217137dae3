"""Texts as targets: every text is a prompt, and what is to be written after it is kept as its second segment.

There are no classes, so that all texts count as one, which is called `response`.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import ClassVar

import numpy as np
import pyarrow as pa

from textdd.corpora.labels import Encoded, as_strings
from textdd.corpora.texts import TextStore

RESPONSE = "response"
"""What the one class of a corpus is called whose targets are texts, and the answer of a model that writes."""


class ResponseCode:
    """A column of responses, read as labels are: all of one class, and a row without a response has no label."""

    classes: ClassVar[Sequence[str]] = (RESPONSE,)

    def encode(self, columns: Sequence[pa.ChunkedArray], where: str, rows: np.ndarray) -> Encoded:
        """Zeros (N,), and which responses are empty or only white space; see `LabelCode`."""
        cells = as_strings(columns[0], where).to_pylist()
        missing = np.fromiter((not (cell or "").strip() for cell in cells), bool, len(rows))
        return Encoded(np.zeros(len(rows), np.int64), missing, np.zeros(len(rows), bool))

    def without(self, classes: Set[str]) -> ResponseCode:
        """The same: there is nothing to leave out."""
        del classes
        return self


def prompts_of(store: TextStore) -> np.ndarray:
    """The number of each text's prompt (n,), int64, from 0: responses to one prompt share it."""
    numbers: dict[str, int] = {}
    found = [numbers.setdefault(prompt, len(numbers)) for first, *_ in store.batches() for prompt in first.to_pylist()]
    return np.array(found, np.int64)
