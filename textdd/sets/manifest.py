"""The manifest of an artefact: what the folder is, and a hash of every file, so that damage is found before use."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from textdd.errors import TextddError

FORMAT = 2
"""Version of the folder's layout; a reader refuses what it does not know."""

MANIFEST = "manifest.json"
FILES = ("distilled.safetensors", "vectors.safetensors", "tokenizer.json")
"""What a folder must hold besides its manifest; the manifest records the hash of each."""


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
    if manifest["format"] != FORMAT:
        remedy = "Distil again." if manifest["format"] in range(FORMAT) else "Update textdd."
        raise TextddError(f"{path} has format {manifest['format']}; this version reads format {FORMAT}. {remedy}")
    needed = ("files", "recipe", "classes", "student", "distiller", "parametrisation", "length")
    missing = [key for key in needed if key not in manifest]
    if missing:
        raise TextddError(f"{path} lacks {', '.join(missing)}. Copy the folder again, or distil again.")
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
