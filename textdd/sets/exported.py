"""A set of texts as one file that others read: parquet, jsonl or csv, with a card that the Hugging Face hub accepts."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
from jinja2 import Environment, PackageLoader, StrictUndefined

from textdd.errors import TextddError, unknown_choice
from textdd.harmless import FORMULA, in_markdown
from textdd.privacy.account import claim
from textdd.record import write_bytes
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.manifest import CARD
from textdd.sets.texts import TextSet

SUFFIXES = (".parquet", ".jsonl", ".csv")
TAG = "textdd"
"""A tag of every card, by which one that may be written anew is told from a README of somebody's own."""

SHOWN = 3
"""Texts of a class in the card."""

SIZES = {1_000: "n<1K", 10_000: "1K<n<10K", 100_000: "10K<n<100K"}
"""The hub's words for sizes, by the number that each lies below."""


def check_target(path: Path) -> None:
    """Check that a set can be written to a path.

    Raises:
        TextddError: its suffix is not one of SUFFIXES, or the README beside it is somebody's own.
    """
    if path.suffix not in SUFFIXES:
        best = unknown_choice("suffix of a file of texts", path.suffix, SUFFIXES, "to")
        raise TextddError(str(best).partition(" Type:")[0] + f" Type: to={path.with_suffix('.parquet')}")
    card = path.parent / CARD
    if card.is_file() and not is_card(card):
        raise TextddError(
            f"{card} is not one that textdd wrote; the card of {path.name} would take its place. Write into a folder "
            f"of its own. Type: to={path.parent / path.stem / path.name}"
        )


def is_card(path: Path) -> bool:
    """Whether a README is a card that was written here."""
    head, _, _ = path.read_text(encoding="utf-8", errors="replace").removeprefix("---\n").partition("\n---\n")
    return f"- {TAG}" in head.splitlines()


def export(distilled: DistilledSet, path: Path) -> None:
    """Write a set of texts as a file, and its card beside it.

    Args:
        distilled: the set.
        path: the file; its suffix says the format.

    Raises:
        TextddError: the set has no texts, or the path is not one of a file of texts.
    """
    check_target(path)
    if not isinstance(distilled, TextSet):
        raise TextddError(
            f"This set consists of matrices of numbers, which no file of texts can hold. Allowed: a set of texts, such "
            "as textdd.select(...) or distiller.parametrisation=real makes. Type: textdd run "
            f"dataset={distilled.manifest['dataset']} distiller.parametrisation=real"
        )
    rows = distilled.rows()
    content = {".parquet": as_parquet, ".jsonl": as_jsonl, ".csv": as_csv}[path.suffix](rows)
    write_bytes(path, content)
    write_bytes(path.parent / CARD, card(distilled, path.name).encode())


def as_parquet(rows: Sequence[dict[str, Any]]) -> bytes:
    """Rows as parquet; a list stays one."""
    sink = pa.BufferOutputStream()
    pa.parquet.write_table(pa.Table.from_pylist(list(rows)), sink)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def as_jsonl(rows: Sequence[dict[str, Any]]) -> bytes:
    """Rows as JSON, one a line."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def as_csv(rows: Sequence[dict[str, Any]]) -> bytes:
    """Rows as csv: lists are JSON in a cell, and what a spreadsheet would compute has an apostrophe before it."""
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(rows[0])
    writer.writerows([cell(value) for value in row.values()] for row in rows)
    return sink.getvalue().encode()


def cell(value: Any) -> str:
    """A value as a cell of csv; `uncelled` undoes it."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if text.lstrip("'").startswith(FORMULA) else text


def uncelled(text: str) -> str:
    """What stands in a cell that `cell` wrote."""
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(FORMULA) else text


def card(distilled: TextSet, name: str) -> str:
    """The README beside a file: a header for the hub, and what the texts are."""
    from huggingface_hub import DatasetCardData

    manifest, size = distilled.manifest, len(distilled)
    header = DatasetCardData(
        task_categories=["text-generation" if distilled.task.name == "generation" else "text-classification"],
        size_categories=[next((word for most, word in SIZES.items() if size < most), "100K<n<1M")],
        tags=["dataset-distillation", TAG],
        configs=[{"config_name": "default", "data_files": [{"split": "train", "path": name}]}],
        dataset_info={"features": features(distilled, name)},
        classes=distilled.classes,
    )
    environment = Environment(
        loader=PackageLoader("textdd"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    environment.filters["plain"] = in_markdown
    by_label: dict[str, list[str]] = {}
    for row in distilled.written:
        by_label.setdefault(row["label"] or "no label", []).append(row["text"])
    return environment.get_template("texts.md.jinja").render(
        header=header.to_yaml(),
        dataset=manifest["dataset"],
        distiller=manifest["distiller"]["name"],
        classes=distilled.classes,
        columns=list(distilled.rows()[0]),
        csv=name.endswith(".csv"),
        origins=Counter(distilled.origins),
        size=size,
        privacy=claim(manifest["privacy"]) if "privacy" in manifest else "",
        texts={label: texts[:SHOWN] for label, texts in by_label.items()},
        name=name,
    )


def features(distilled: TextSet, name: str) -> list[dict[str, Any]]:
    """What `datasets` is to make of each column: names of classes become class labels.

    In csv a list is a string, and so are names that are numbers, which it would take for the numbers of classes.
    """
    in_csv = name.endswith(".csv")
    written = [cell(label) if in_csv else label for label in distilled.classes]
    names = {"class_label": {"names": {str(i): label for i, label in enumerate(written)}}}
    lists: dict[str, Any] = {"labels": names, "probabilities": "float32"}
    numbers = in_csv and any(is_number(label) for label in written)
    found: list[dict[str, Any]] = []
    for column in distilled.rows()[0]:
        if column == "label" and not numbers:
            found.append({"name": column, "dtype": names})
        elif column in lists and not in_csv:
            found.append({"name": column, "list": lists[column]})
        else:
            found.append({"name": column, "dtype": "string"})
    return found


def is_number(text: str) -> bool:
    """Whether a reader of csv would take a text for a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True
