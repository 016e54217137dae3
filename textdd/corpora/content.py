"""The hash of what files hold, computed anew only when one was touched: a gigabyte takes seconds."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from textdd.record import write_bytes

# A file may change twice within a tick of the clock and bear one time for both, so young files are not remembered.
SETTLED_SECONDS = 2.0


def content_hash(path: Path, cache_dir: Path) -> str:
    """Hash what a file holds; see `contents_hash`."""
    return contents_hash([path], cache_dir)


def contents_hash(paths: Sequence[Path], cache_dir: Path) -> str:
    """Hash what files hold, one after the other: the same content gives the same hash under any path and date.

    A file with the path, the inode, the size and the times (modified, changed) of one that was hashed before is
    taken to be the same, as git does.

    Args:
        paths: the files, one at least.
        cache_dir: hashes are remembered under `contents/`.
    """
    states = [path.stat() for path in paths]
    touched = [
        [str(path.resolve()), state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns]
        for path, state in zip(paths, states, strict=True)
    ]
    known = json.dumps(touched if len(touched) > 1 else touched[0])
    note = cache_dir / "contents" / hashlib.blake2b(known.encode(errors="surrogateescape"), digest_size=12).hexdigest()
    if found := remembered(note):
        return found
    digests = []
    for path in paths:
        with path.open("rb") as file:
            digests.append(hashlib.file_digest(file, "blake2b").hexdigest())
    digest = digests[0] if len(digests) == 1 else hashlib.blake2b("".join(digests).encode()).hexdigest()
    if time.time() - max(state.st_ctime for state in states) > SETTLED_SECONDS:
        with suppress(OSError):  # a cache that can only be read serves as well
            write_bytes(note, f"{digest} {check(digest)}".encode())
    return digest


def remembered(note: Path) -> str:
    """The hash in a note; empty where there is no note, or a damaged one."""
    with suppress(OSError):
        digest, _, sum_of_it = note.read_text(encoding="latin-1").partition(" ")
        return digest if sum_of_it == check(digest) else ""
    return ""


def check(digest: str) -> str:
    """What a note holds beside a hash, so that a damaged one is not believed."""
    return hashlib.blake2b(digest.encode(), digest_size=8).hexdigest()
