"""Data sets that the Hugging Face library `datasets` saved to disk: Arrow files, and what they are in JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from textdd.corpora.formats.columnar import ArrowFile
from textdd.corpora.formats.opening import say_once
from textdd.corpora.formats.options import FileOptions
from textdd.errors import TextddError

STATE, SPLITS, INFO = "state.json", "dataset_dict.json", "dataset_info.json"


def saved_parts(folder: Path, options: FileOptions) -> dict[str, tuple[ArrowFile, ...]]:
    """The parts of a data set that was saved to disk: train and perhaps test; none where the folder is no such one.

    Raises:
        TextddError: files are damaged or missing, or there is no part to train on.
    """
    if (folder / STATE).is_file():
        return {"train": pieces(folder, options)}
    if not (folder / SPLITS).is_file():
        return {}
    splits = read(folder / SPLITS).get("splits")
    if not isinstance(splits, list) or "train" not in splits:
        raise TextddError(
            f"{folder} was saved with the parts {splits}; one called train is needed. Type the one to train on: "
            f"dataset.path={folder}/NAME"
        )
    if unread := [split for split in splits if split not in ("train", "test")]:
        say_once(
            f"{folder}: not read: {', '.join(map(str, unread))} (dataset.test_path=FOLDER names what is tested on)"
        )
    return {split: pieces(folder / split, options) for split in ("train", "test") if split in splits}


def pieces(folder: Path, options: FileOptions) -> tuple[ArrowFile, ...]:
    """The files of one part, in order."""
    state = read(folder / STATE)
    files = state.get("_data_files")
    named = [file.get("filename") for file in files if isinstance(file, dict)] if isinstance(files, list) else []
    names = [name for name in named if isinstance(name, str) and Path(name).name == name]
    if not names or len(names) < len(named):
        raise TextddError(f"{folder / STATE} names no files of Arrow. {REMEDY}")
    if state.get("_indices_data_files") or state.get("_indices_files"):
        raise TextddError(f"{folder} holds only a choice of its rows, as old versions of `datasets` saved it. {REMEDY}")
    for name in names:
        if not (folder / name).is_file():
            raise TextddError(f"{folder / name}: there is no such file, and {STATE} names it. {REMEDY}")
    labels = label_names(folder, options.labels)
    return tuple(ArrowFile(folder / name, options, labels) for name in names)


REMEDY = "Save the data set anew: dataset.flatten_indices().save_to_disk(FOLDER)"


def label_names(folder: Path, columns: tuple[str, ...]) -> tuple[str, ...]:
    """What the integers in the column of labels stand for; () where nothing says so."""
    features = read(folder / INFO).get("features") if (folder / INFO).is_file() else None
    feature = features.get(columns[0]) if isinstance(features, dict) and len(columns) == 1 else None
    while isinstance(feature, dict | list) and feature and "names" not in feature:
        feature = feature[0] if isinstance(feature, list) else feature.get("feature")
    names = feature.get("names") if isinstance(feature, dict) else None
    return tuple(map(str, names)) if isinstance(names, list) else ()


def read(path: Path) -> dict[str, Any]:
    """A file of JSON with one object."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise TextddError(f"{path} cannot be read: {error}. {REMEDY}") from error
    return found if isinstance(found, dict) else {}
