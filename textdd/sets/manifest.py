"""The manifest of an artefact: what the folder is, and a hash of every file, so that damage is found before use."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from textdd.corpora.files import SUFFIXES
from textdd.corpora.formats.table import form
from textdd.errors import TextddError

FORMAT = 3
"""Version of the folder's layout; a reader refuses what it does not know."""

OLDER = (2,)
"""Layouts of older versions that are still read: 0.3 wrote matrices with their words, and called that 2."""

MANIFEST = "manifest.json"
FILES = ("distilled.safetensors", "vectors.safetensors", "tokenizer.json")
"""Tensors of the set, and the words that matrices need to be read; the manifest records the hash of each."""

CARD = "README.md"
"""For people, and for the hub."""

TEXTS = "texts.jsonl"
"""The texts of a set of texts, a line each."""

KINDS = {"matrices": FILES, "texts": (FILES[0], TEXTS)}
"""What a folder may hold besides its manifest."""


def digest(content: bytes) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read and check the manifest alone.

    Raises:
        TextddError: there is none, or it is not one that this version knows.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise TextddError(
            f"{folder} is not a textdd artefact: it has no {MANIFEST}. Give the folder named artifact of a run."
        )
    try:
        manifest = json.loads(path.read_text())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise TextddError(f"{path} is damaged: {error}. Copy the folder again, or distil again.") from error
    if not isinstance(manifest, dict) or "format" not in manifest:
        raise TextddError(f"{path} was not written by textdd: it names no format.")
    if manifest["format"] not in (FORMAT, *OLDER):
        remedy = "Distil again." if manifest["format"] in range(FORMAT) else "Update textdd."
        raise TextddError(f"{path} has format {manifest['format']}; this version reads format {FORMAT}. {remedy}")
    manifest = {"kind": "matrices", **manifest} if manifest["format"] in OLDER else manifest
    if manifest.get("kind") not in KINDS:
        raise TextddError(f"{path} has kind {manifest.get('kind')!r}. Allowed: {', '.join(KINDS)}. Distil again.")
    parts = ("parametrisation",) if manifest["kind"] == "matrices" else ()
    needed = ("files", "recipe", "classes", "student", "distiller", "length", *parts)
    missing = [key for key in needed if key not in manifest]
    if missing:
        raise TextddError(f"{path} lacks {', '.join(missing)}. Copy the folder again, or distil again.")
    files = manifest["files"]
    foreign = [str(name) for name in files if name not in KINDS[manifest["kind"]]] if isinstance(files, dict) else ["?"]
    if foreign:
        raise TextddError(f"{path} names files that no such set has: {', '.join(foreign)}. Copy the folder again.")
    return manifest


def read_checked(path: Path, expected: str | None) -> bytes:
    """Read a file whose hash must be the one that the manifest records.

    Raises:
        TextddError: it is missing or differs.
    """
    if not path.is_file():
        raise TextddError(f"{path} is missing. Copy the whole folder again.")
    content = path.read_bytes()
    if digest(content) != expected:
        raise TextddError(f"{path} is damaged or was changed: its SHA-256 is not the one in {MANIFEST}. Copy it again.")
    return content


def is_table(path: Path) -> bool:
    """Whether a path is that of a file of labelled texts, and not of an artefact's folder."""
    return form(path) in SUFFIXES and not path.is_dir()


def files_of(path: Path) -> dict[str, str]:
    """What a set consists of, whatever it is called and wherever it lies: names of files and the hash of each.

    Args:
        path: the folder of an artefact, or a file of labelled texts.

    Raises:
        TextddError: it is neither.
    """
    if not is_table(path):
        files: dict[str, str] = read_manifest(path)["files"]
        return files
    if not path.is_file():
        raise TextddError(f"{path}: there is no such file. Allowed: an artefact's folder, or a file of labelled texts.")
    card = path.parent / CARD  # it may say in which order the classes are
    return {file.suffix: digest(file.read_bytes()) for file in (path, card) if file.is_file()}
