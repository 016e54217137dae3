"""A file of labelled texts as a set of texts: what `textdd export` wrote, or a table from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch
from torch import Tensor

from textdd.corpora.files import TableFile, open_table
from textdd.corpora.formats.options import FileOptions
from textdd.corpora.formats.saved import pieces
from textdd.corpora.formats.table import form
from textdd.corpora.labels import as_strings, sorted_classes
from textdd.corpora.responses import RESPONSE
from textdd.errors import TextddError
from textdd.progress import say
from textdd.sets.columns import guessed, json_list, labels_in
from textdd.sets.exported import is_card, uncelled
from textdd.sets.manifest import CARD
from textdd.sets.texts import ABOUT_A_HUNDRED, FILE, ORIGINS, TextSet, in_turn
from textdd.students.causal_lm import CausalLMConfig
from textdd.students.textcnn import TextCNNConfig
from textdd.tasks import TASKS, Task

MOST_TEXTS = 100_000
"""Of a set; a file of more is a corpus."""

TOLERANCE = 1e-3
"""By which the probabilities of a label may miss their sum, one."""


def read_set(path: Path) -> TextSet:
    """Read a file of labelled texts as a set, or a folder that `datasets` saved.

    Classes come from the card beside the file, where `textdd export` left one, or else are the labels found. Texts are
    put in an order in which classes take turns: so row m belongs to class m mod C where every class has as many.

    Raises:
        TextddError: the file cannot be read, no columns are found, or a row is no text with a label.
    """
    found = opened(path, FileOptions())[0].columns()
    columns = guessed(found, str(path))
    sources = opened(path, FileOptions(labels=(columns.label,)))
    further = [name for name in ("probabilities", "origin") if name in found]
    wanted = [*columns.text, columns.label, *further]
    table = whole(path, (batch for source in sources for batch in source.batches(wanted)))
    ours = "origin" in found
    plain = uncelled if ours and form(path) == ".csv" else str
    texts = list(zip(*(strings(table[name], plain) for name in columns.text), strict=True))
    origins = origins_in(path, table, plain, ours=ours)
    if columns.written:
        responses = strings(table[columns.label], plain)
        return pairs_of(path, sources[0].first_row, [text[0] for text in texts], responses, origins)
    labels, several = labels_in(table[columns.label], plain)
    check_rows(path, sources[0].first_row, texts, labels, several=several)
    classes = classes_in_card(path) or sorted_classes({name for own in labels for name in own}, str(path))
    if unknown := {name for own in labels for name in own} - set(classes):
        raise TextddError(f"{path} has the label {min(unknown)!r}, which {path.parent / CARD} does not name. Mend one.")
    task = TASKS["several_labels" if several else "one_class"](len(classes))
    y = torch.tensor([[float(name in own) for name in classes] for own in labels])
    if "probabilities" in further:
        y = shades(path, table["probabilities"], y, task)
    if not ours:
        taken = f"{len(texts)} texts from {' and '.join(columns.text)}, labels from {columns.label}"
        say(f"{path}: {taken} ({', '.join(classes)})")
    manifest = manifest_of(path, task, classes, len(texts), pair=len(columns.text) > 1)
    return in_turn(TextSet(texts, y, None, ABOUT_A_HUNDRED, manifest, origins=origins))


def pairs_of(path: Path, first: int, prompts: list[str], responses: list[str], origins: list[str]) -> TextSet:
    """Prompts with their responses as a set.

    Args:
        path: the file.
        first: the number of its first row, for messages.
        prompts: the texts (M,).
        responses: what is to be written after each (M,).
        origins: where each comes from (M,).

    Raises:
        TextddError: a row lacks one of the two.
    """
    check_rows(
        path, first, [(prompt,) for prompt in prompts], [[own] if own else [] for own in responses], several=False
    )
    say(f"{path}: {len(prompts)} prompts with their responses")
    manifest = manifest_of(path, TASKS["generation"](1), [RESPONSE], len(prompts), pair=True)
    manifest["student"] = asdict(CausalLMConfig(answer=RESPONSE))
    y = torch.zeros(len(prompts), 1)  # a pair has no label
    return TextSet(list(zip(prompts, responses, strict=True)), y, None, ABOUT_A_HUNDRED, manifest, origins=origins)


def manifest_of(path: Path, task: Task, classes: list[str], size: int, *, pair: bool) -> dict[str, Any]:
    """What is known of a set that was read from a file."""
    return {
        "dataset": path.stem,
        "task": task.name,
        "pair": pair,
        "classes": classes,
        "per_class": max(1, size // len(classes)),
        "length": 48,
        "student": asdict(TextCNNConfig()),
        "distiller": {"name": FILE},
        "embedding": {"name": "corpus"},
        "seed": 0,
        "versions": {"textdd": version("textdd")},
        "metrics": {},
    }


def origins_in(path: Path, table: pa.Table, plain: Any, *, ours: bool) -> list[str]:
    """Where each text of a file comes from, if it says so.

    Raises:
        TextddError: it says what is no origin.
    """
    if not ours:
        return ["unknown"] * len(table)
    origins = [origin or "unknown" for origin in strings(table["origin"], plain)]
    if strange := set(origins) - set(ORIGINS):
        raise TextddError(f"{path} has texts of origin {min(strange)!r}. Allowed: {', '.join(ORIGINS)}. Mend the file.")
    return origins


def opened(path: Path, options: FileOptions) -> tuple[TableFile, ...]:
    """The file at a path, or the files of a data set that was saved into a folder.

    Raises:
        TextddError: there is none, or it is damaged.
    """
    return pieces(path, options) if path.is_dir() else (open_table(path, options),)


def whole(path: Path, batches: Any) -> pa.Table:
    """All rows of a small file.

    Raises:
        TextddError: there are none, or too many for a set.
    """
    parts, size = [], 0
    for part in batches:
        parts.append(part)
        size += len(part)
        if size > MOST_TEXTS:
            raise TextddError(
                f"{path} has more than {MOST_TEXTS} texts: that is a corpus, and a set is small. Type: textdd run "
                f"dataset=local dataset.path={path}"
            )
    if not size:
        raise TextddError(
            f"{path} has no texts. Allowed: a text and its label in every row, under the names text,label."
        )
    return pa.concat_tables(parts, promote_options="permissive")


def strings(column: pa.ChunkedArray, plain: Any) -> list[str]:
    """The cells of a column; one that is missing is empty.

    Raises:
        TextddError: they hold no text.
    """
    if pa.types.is_nested(column.type):
        raise TextddError(f"A column of texts holds {column.type}. Allowed: text.")
    return [plain(value or "") for value in as_strings(column, "the file").to_pylist()]


def check_rows(
    path: Path, first: int, texts: Sequence[tuple[str, ...]], labels: Sequence[list[str]], *, several: bool
) -> None:
    """Check that every row has a text and, unless a text may have any number of labels, a label.

    Raises:
        TextddError: one has not; the message says which.
    """
    for row, (text, own) in enumerate(zip(texts, labels, strict=True), first):
        lacking = "text" if not all(text) else "label" if not (own or several) else ""
        if lacking:
            raise TextddError(f"{path}, row {row}: there is no {lacking}. Mend the row, or leave it out.")


def classes_in_card(path: Path) -> list[str]:
    """The classes in the card beside a file, in their order; none where there is no card, or it is another file's."""
    from huggingface_hub.repocard import metadata_load

    card = path.parent / CARD
    if not card.is_file() or not is_card(card):
        return []
    try:
        known = metadata_load(card) or {}
        if known["configs"][0]["data_files"][0]["path"] != path.name:
            return []
        return [str(name) for name in known["classes"]]
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise TextddError(f"{card} is damaged ({type(error).__name__}). Write it again: textdd export") from error


def numbers_in(row: Any) -> list[float]:
    """The numbers that a cell lists, as such, spelled out or as JSON; none if it lists something else."""
    listed: Any = json_list(row) if isinstance(row, str) else row
    try:
        return [float(one) for one in listed or []]
    except (TypeError, ValueError):
        return []


def shades(path: Path, column: pa.ChunkedArray, y: Tensor, task: Task) -> Tensor:
    """Labels with shades (M, C) from lists of probabilities.

    Raises:
        TextddError: they are no probabilities of the classes, or their likeliest are not the labels beside them: then
            they are in an order that only the card knows.
    """
    classes, lists = y.shape[1], [numbers_in(row) for row in column.to_pylist()]
    if any(len(row) != classes for row in lists):
        raise TextddError(
            f"{path}: the column probabilities does not hold {classes} numbers in every row, one for each class."
        )
    found = torch.tensor(lists)
    one = task.name == "one_class"
    if not bool(((found >= 0) & (found <= 1 + TOLERANCE)).all()) or (
        one and bool(((found.double().sum(1) - 1).abs() > TOLERANCE).any())
    ):
        raise TextddError(f"{path}: the column probabilities holds what are no probabilities (0 to 1, sum 1).")
    if not torch.equal(task.hardened(found), y):
        raise TextddError(
            f"{path}: the likeliest of the probabilities are not the labels beside them, as if the classes were in "
            f"another order. Their order stands in the {CARD} that textdd export writes: keep it beside the file."
        )
    return found
