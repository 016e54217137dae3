"""The seal of what is kept for later runs: sizes and hashes beside it, so that damage is found before anything is used.

An entry is a file or a folder. Its seal is written when it is whole; one without a seal was not finished.
"""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import xxhash

from textdd.record import write_json

ALWAYS_READ = 1 << 30
"""Bytes up to which a file is read whole at every start, in a third of a second; a larger one when its size or one of
its times has changed."""

BLOCK = 1 << 20


def seal_of(entry: Path) -> Path:
    """Where the seal of an entry lies."""
    return entry.with_name(f".{entry.name}.seal")


def seal(entry: Path) -> None:
    """Vouch for an entry as it is now."""
    files = [entry] if entry.is_file() else sorted(path for path in entry.rglob("*") if path.is_file())
    content = {str(path.relative_to(entry)): {"hash": digest(path), "seen": state(path)} for path in files}
    write_json(seal_of(entry), content)


def flaw(entry: Path) -> str:
    """Find what is wrong with an entry: nothing (an empty text), or why it cannot be used, in words."""
    if not entry.exists():
        return "it is not there"
    try:
        content: dict[str, dict[str, Any]] = json.loads(seal_of(entry).read_bytes())
        found = [(entry / name, known["hash"], known["seen"]) for name, known in content.items()]
    except FileNotFoundError:
        return "it was not finished, or an older version made it"
    except (ValueError, TypeError, KeyError, AttributeError):
        return "its seal cannot be read"
    if not found:
        return "its seal names no file"
    touched = False
    for path, known, seen in found:
        if not path.is_file():
            return f"{path.name} is missing"
        now = state(path)
        if now[:1] != seen[:1]:
            return f"{path.name} has {now[0]} bytes, and not as many as were written"
        if (now != seen or now[0] <= ALWAYS_READ) and digest(path) != known:
            return f"{path.name} holds other bytes than were written"
        touched |= now != seen
    if touched:  # a copy of the cache, say; it need not be read whole again
        with suppress(OSError):
            seal(entry)
    return ""


def discard(entry: Path) -> None:
    """Remove an entry and its seal."""
    seal_of(entry).unlink(missing_ok=True)
    if entry.is_dir():
        shutil.rmtree(entry)
    else:
        entry.resolve().unlink(missing_ok=True)  # the hub's client keeps links to files
        entry.unlink(missing_ok=True)


def state(path: Path) -> list[int]:
    """What changes when a file is written to: its size first, then its times and its number."""
    found = path.stat()
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]


def digest(path: Path) -> str:
    """A hash of a file's content; against accidents, and fast: a gigabyte takes less than a second."""
    found = xxhash.xxh3_128()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            found.update(block)
    return found.hexdigest()
