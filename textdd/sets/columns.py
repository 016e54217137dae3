"""Which columns of a table from elsewhere hold texts and labels, and what these say."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import NamedTuple

import pyarrow as pa

from textdd.corpora.labels import as_strings
from textdd.errors import TextddError

PAIRS = (
    ("text", "second"),
    ("premise", "hypothesis"),
    ("sentence1", "sentence2"),
    ("sentence_A", "sentence_B"),
    ("question1", "question2"),
)
TEXTS = ("text", "sentence", "review", "content", "question", "document", "body")
PROMPTS = ("prompt", "instruction", "input")
RESPONSES = ("response", "completion", "output")
LABELS = ("label", "labels", "class", "category", "target", "coarse_label", "label_text")
"""Names of texts, prompts, responses and labels in tables from elsewhere; the first that is there is taken."""


class Columns(NamedTuple):
    """Which columns hold what.

    Attributes:
        text: that of the texts, or the two of the segments of pairs.
        label: that of the label, or of a list of them, or of what is to be written.
        written: texts are prompts, and what is called a label is the response.
    """

    text: tuple[str, ...]
    label: str
    written: bool = False


def guessed(found: Sequence[str], where: str) -> Columns:
    """Guess by their names which columns hold texts and labels; of two columns, one is the text if the other is known.

    Raises:
        TextddError: the names say nothing.
    """
    label = next((name for name in LABELS if name in found), None)
    response = next((name for name in RESPONSES if name in found), None)
    if label is None and response is not None:
        prompt = next((name for name in (*TEXTS, *PROMPTS) if name in found), None)
        if prompt is not None:
            return Columns((prompt,), response, written=True)
    choices: list[tuple[str, ...]] = [*PAIRS, *((name,) for name in TEXTS)]
    text = next((choice for choice in choices if set(choice) <= set(found)), None)
    if text is None and label is not None and len(found) == 2:
        text = tuple(name for name in found if name != label)
    if text is None or label is None:
        lacking = "texts" if text is None else "labels"
        raise TextddError(
            f"{where} has the columns {', '.join(found[:20])}, and none that is known to hold {lacking}. Allowed for "
            f"texts: {', '.join(TEXTS)}; for pairs: {', '.join(' and '.join(pair) for pair in PAIRS)}; for labels: "
            f"{', '.join(LABELS)}; for responses to prompts: {', '.join(RESPONSES)}. Rename them, for instance to text "
            "and label, or text and response"
        )
    return Columns(text, label)


def labels_in(column: pa.ChunkedArray, plain: Callable[[str], str]) -> tuple[list[list[str]], bool]:
    """The labels of each row, and whether a row may have any number of them: lists, also written as JSON.

    Args:
        column: names, numbers, or lists of these.
        plain: what a cell says.
    """
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        return [[str(name) for name in row or []] for row in column.to_pylist()], True
    cells = [plain(value or "") for value in as_strings(column, "the file").to_pylist()]
    lists = [json_list(cell) for cell in cells]
    if all(found is not None for found in lists):
        return [[str(name) for name in found or []] for found in lists], True
    return [[cell] if cell else [] for cell in cells], False


def json_list(cell: str) -> list[object] | None:
    """The list that a cell holds as JSON; None if it holds something else."""
    try:
        found = json.loads(cell) if cell.startswith("[") else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, list) else None
