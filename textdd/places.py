"""Places: what a disk or its permissions refuse is told in one line, with the option that names another place."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from textdd.errors import TextddError
from textdd.typed import expanded

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

LONGEST = 120
"""Bytes of a name that is made of others' names."""


@contextmanager
def in_places(**options: str | None) -> Iterator[None]:
    """Do what writes into some folders; where the system refuses, say which option takes another one.

    Args:
        options: the options that name folders, such as output_dir, and their values.

    Raises:
        TextddError: a file or folder cannot be made, read or written, or the disk is full.
    """
    try:
        yield
    except ConnectionError:  # of a network, not of a place
        raise
    except OSError as error:
        raise refused(error, {key: value for key, value in options.items() if value}) from error


def refused(error: OSError, options: dict[str, str]) -> TextddError:
    """The error that users see for what the operating system refused.

    Args:
        error: its own.
        options: which options name folders, and their values.
    """
    path = Path(str(error.filename)).absolute() if error.filename else None
    folders = {key: expanded(value).absolute() for key, value in options.items()}
    concerned = [key for key, at in folders.items() if path and (at in (path, *path.parents) or path in at.parents)]
    others = " ".join(f"{key}=/another/folder" for key in concerned or options)
    why, where = error.strerror or str(error), shortened(str(path or "a file"))
    if error.errno in FULL:
        return TextddError(
            f"There is no room to write {where}: {why}. What was finished is kept: make room and run the same command "
            f"again, or take another place. Type: {others}"
        )
    if error.errno == errno.ENAMETOOLONG:
        why += ", and names have at most 255 bytes"
    if path and not concerned:
        return TextddError(
            f"{where} cannot be read or written: {why}. Mend that, or name another. Type: ls -ld {where}"
        )
    return TextddError(f"{where} cannot be made, read or written: {why}. Take another place. Type: {others}")


def short_name(name: str) -> str:
    """A name for a file or folder that leaves room for what is put around it: systems allow 255 bytes."""
    return name.encode()[:LONGEST].decode(errors="ignore")


def shortened(path: str) -> str:
    """A path that fits into a message."""
    return path if len(path) < 300 else f"{path[:150]}...{path[-100:]}"


def check_place(option: str, folder: str) -> None:
    """Find out before any work whether a folder can be written to. It is not made: a refusal later leaves nothing.

    Raises:
        TextddError: it cannot be made, or no file can.
    """
    with in_places(**{option: folder}):
        place = expanded(folder)
        try:
            with tempfile.TemporaryFile(dir=next(at for at in (place, *place.parents) if at.exists())):
                pass
        except OSError as error:  # of a folder above it, or of the file
            raise OSError(error.errno, error.strerror, str(place)) from error
