"""Work that several processes need is done by one of them, while the others wait and then read what it made.

What it made is sealed: an entry that is damaged is found, said, and made anew.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from textdd.progress import say
from textdd.record import partial_of
from textdd.seal import discard, flaw, seal

POLL_SECONDS = 0.2


@contextmanager
def locked(path: Path, what: str) -> Iterator[None]:
    """Hold the lock of a file or folder; the operating system frees that of a process which was killed.

    Args:
        path: what is to be made; the lock lies beside it, and goes when it is released.
        what: what is being made, in words, for the remark that this process waits.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep_up(path.parent)
    lock = FileLock(lock_of(path))
    try:
        lock.acquire(blocking=False)
    except Timeout:
        say(f"waiting for another process, which has begun: {what}")
        lock.acquire(poll_interval=POLL_SECONDS)
    try:
        yield
    finally:
        lock_of(path).unlink(missing_ok=True)  # still held: whoever waits finds that it is gone, and takes a new one
        lock.release()


def lock_of(path: Path) -> Path:
    """Where the lock of a file or folder lies."""
    return path.with_name(f".{path.name}.lock")


def unfinished_of(folder: Path) -> Path:
    """What a folder is called while it is being built."""
    return folder.with_name(f".{folder.name}")


def sweep_up(folder: Path) -> None:
    """Remove what killed processes left in a folder: their locks, which nobody holds, and what they were making."""
    for left in folder.glob(".*.lock"):
        path = left.with_name(left.name.removesuffix(".lock")[1:])
        lock = FileLock(left)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            continue
        try:
            shutil.rmtree(unfinished_of(path), ignore_errors=True)
            partial_of(path).unlink(missing_ok=True)
            left.unlink(missing_ok=True)
        finally:
            lock.release()


@contextmanager
def claim(path: Path, what: str) -> Iterator[bool]:
    """Find out whether a piece of shared work is left to this process; no other does it meanwhile.

    Args:
        path: the file or folder that the work leaves, whole or not at all; one that is damaged is removed first.
        what: the work in words.

    Yields:
        Whether it is still to be done.
    """
    if not flaw(path):
        yield False
        return
    with locked(path, what):
        wrong = flaw(path)  # another process may have done it while this one waited
        if wrong and path.exists():
            say(f"{path}: {wrong}. It is made anew.")
        if wrong:
            discard(path)
        yield bool(wrong)
        if wrong:
            seal(path)


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
        unfinished = unfinished_of(folder)
        shutil.rmtree(unfinished, ignore_errors=True)  # of a build that was killed
        unfinished.mkdir()
        try:
            yield unfinished
            unfinished.rename(folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
