"""Records of JSON, decoded one by one, as columns: what Arrow's own reader does faster, and less forgivingly."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import pyarrow as pa

from textdd.corpora.formats.opening import say_once
from textdd.corpora.formats.table import BATCH_ROWS
from textdd.errors import TextddError

WAY_OUT = (
    'Write one record a text, such as {"text": "...", "label": "..."}; pandas does: '
    'frame.to_json("texts.jsonl", orient="records", lines=True)'
)

HALF = re.compile("[\\ud800-\\udfff]")
"""Half of a pair of surrogates, which JSON may hold and UTF-8 may not."""


def names_of(records: Iterable[Any], where: str) -> list[str]:
    """The columns that the first records have.

    Raises:
        TextddError: there is no record.
    """
    names = dict.fromkeys(name for record in islice(records, BATCH_ROWS) for name in record)
    if not names:
        raise TextddError(f"{where} holds no records. {WAY_OUT}, or name another file: dataset.path=FILE")
    return list(names)


def tables(records: Iterable[dict[str, Any]], columns: Sequence[str], where: str) -> Iterator[pa.Table]:
    """Some columns of all records, ten thousand at a time, as strings or lists of strings.

    Raises:
        TextddError: a value is a record itself.
    """
    rest = iter(records)
    while chunk := list(islice(rest, BATCH_ROWS)):
        yield pa.table({name: column([record.get(name) for record in chunk], name, where) for name in columns})


def column(values: list[Any], name: str, where: str) -> pa.Array:
    """Values of one column, all strings or all lists."""
    if not any(isinstance(value, list) for value in values):
        return pa.array([written(value, name, where) for value in values], pa.string())
    listed = [None if value is None else value if isinstance(value, list) else [value] for value in values]
    plain = [None if value is None else [written(one, name, where) for one in value] for value in listed]
    return pa.array(plain, pa.list_(pa.string()))


def written(value: Any, name: str, where: str) -> str | None:
    """A value as Arrow writes it.

    Raises:
        TextddError: it is a record or a list.
    """
    if value is None:
        return None
    if isinstance(value, dict | list):
        raise TextddError(
            f"{where}: column {name!r} holds {json.dumps(value)[:80]}, which is no text. Name another column: "
            "dataset.text=NAME dataset.label=NAME"
        )
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = str(value)
    if HALF.search(text):
        say_once(f"{where}: half signs, such as \\ud83d alone, are read as \N{REPLACEMENT CHARACTER}")
        text = HALF.sub("\N{REPLACEMENT CHARACTER}", text)
    return text


def no_record(value: Any, what: str) -> TextddError:
    """Make the error for what stands where a record should."""
    return TextddError(f"{what} is {type(value).__name__} {json.dumps(value)[:80]}, not a record. {WAY_OUT}")
