"""The manifest of an artefact: what the folder is, and a hash of every file, so that damage is found before use.

It may come from a stranger: what it says has a shape (schema.py), which is looked at before anything else is opened.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from textdd.corpora.files import SUFFIXES
from textdd.corpora.formats.table import form
from textdd.errors import TextddError
from textdd.recorded import parsed
from textdd.sets.schema import FILES, TEXTS, fault

FORMAT = 3
"""Version of the folder's layout; a reader refuses what it does not know."""

OLDER = (2,)
"""Layouts of older versions that are still read: 0.3 wrote matrices with their words, and called that 2."""

MANIFEST = "manifest.json"
LARGEST = {MANIFEST: 1 << 26, **dict.fromkeys((*FILES, TEXTS), 1 << 31)}
"""Bytes that a file may have: what is larger is none of ours, and is not read."""

AGAIN = "Copy the folder again from where it came, or distil again."

CARD = "README.md"
"""For people, and for the hub."""


def digest(content: bytes) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read and check the manifest alone.

    Raises:
        TextddError: there is none, or it is not one that this version knows.
    """
    path = folder / MANIFEST
    if not is_file(path):
        raise TextddError(
            f"{folder} is not a textdd artefact: it has no {MANIFEST}. Give the folder named artifact of a run."
        )
    try:
        manifest = parsed(content_of(path))
    except ValueError as error:
        raise TextddError(f"{path} is damaged: {error}. {AGAIN}") from error
    if not isinstance(manifest, dict) or "format" not in manifest:
        raise TextddError(f"{path} was not written by textdd: it names no format. {AGAIN}")
    known = (FORMAT, *OLDER)
    if type(manifest["format"]) is not int or manifest["format"] not in known:
        remedy = "Distil again." if manifest["format"] in range(FORMAT) else "Update textdd."
        raise TextddError(f"{path} has format {manifest['format']!r}; this version reads format {FORMAT}. {remedy}")
    manifest = {"kind": "matrices", **manifest} if manifest["format"] in OLDER else manifest
    if wrong := fault(manifest):
        raise TextddError(f"{path} is not the manifest of a set: {wrong}. {AGAIN}")
    return manifest


def is_file(path: Path) -> bool:
    """Whether a file is there; a name that no file can have is none."""
    try:
        return path.is_file()
    except OSError:
        return False


def content_of(path: Path) -> bytes:
    """A file's content.

    Raises:
        TextddError: it is missing, too large, or cannot be read.
    """
    if not is_file(path):
        raise TextddError(f"{path} is missing. Copy the whole folder again.")
    try:
        if path.stat().st_size > LARGEST[path.name]:
            raise TextddError(f"{path} has {path.stat().st_size} bytes; at most {LARGEST[path.name]} are read. {AGAIN}")
        return path.read_bytes()
    except OSError as error:
        raise TextddError(f"{path} cannot be read: {error.strerror}. Copy it to where you may read it.") from error


def read_checked(path: Path, expected: str) -> bytes:
    """Read a file whose hash must be the one that the manifest records.

    Raises:
        TextddError: it is missing or differs.
    """
    content = content_of(path)
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


def without_places(content: Any) -> Any:
    """The same record without the folders of the machine that it was written on: a file there is its name alone."""
    if isinstance(content, dict):
        places = {key for key in content if key.endswith(PLACES) and isinstance(content[key], str)}
        return {key: Path(value).name if key in places else without_places(value) for key, value in content.items()}
    return [without_places(item) for item in content] if isinstance(content, list) else content


PLACES = ("path", "warm_start", "target")
"""How options end that name a file or a folder."""
