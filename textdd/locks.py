"""Work that several processes need is done by one of them, while the others wait and then read what it made."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from textdd.progress import say

POLL_SECONDS = 0.2


@contextmanager
def locked(path: Path, what: str) -> Iterator[None]:
    """Hold the lock of a file or folder; the operating system frees that of a process which was killed.

    Args:
        path: what is to be made; the lock lies beside it.
        what: what is being made, in words, for the remark that this process waits.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path.with_name(f".{path.name}.lock"))
    try:
        lock.acquire(blocking=False)
    except Timeout:
        say(f"waiting for another process, which has begun: {what}")
        lock.acquire(poll_interval=POLL_SECONDS)
    try:
        yield
    finally:
        lock.release()


@contextmanager
def claim(path: Path, what: str) -> Iterator[bool]:
    """Find out whether a piece of shared work is left to this process; no other does it meanwhile.

    Args:
        path: the file or folder that the work leaves, whole or not at all.
        what: the work in words.

    Yields:
        Whether it is still to be done.
    """
    if path.exists():
        yield False
        return
    with locked(path, what):
        yield not path.exists()  # another process may have done it while this one waited


@contextmanager
def built(folder: Path, what: str) -> Iterator[Path | None]:
    """Build a folder whole or not at all, by one process: a killed build leaves nothing that is read.

    Args:
        folder: what the work leaves.
        what: the work in words.

    Yields:
        An empty folder to write into, which takes its name when all is written; None where nothing is left to be done.
    """
    with claim(folder, what) as ours:
        if not ours:
            yield None
            return
        unfinished = folder.with_name(f".{folder.name}")
        shutil.rmtree(unfinished, ignore_errors=True)  # of a build that was killed
        unfinished.mkdir()
        try:
            yield unfinished
            unfinished.rename(folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
