"""Files as people pack them: plain, gzip, or a zip archive of one file; told apart by what they hold, not by name."""

from __future__ import annotations

import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from textdd.errors import TextddError

GZIP, ZIP = b"\x1f\x8b", b"PK"
FAULTS = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError)
"""What goes wrong with a file that is damaged, cut off, or packed in a way that Python does not know."""


@contextmanager
def unpacked(path: Path) -> Iterator[IO[bytes]]:
    """Open what a file holds, unpacking it on the way; only as much is unpacked as is read.

    Raises:
        TextddError: it cannot be read, or it is an archive of several files, or one with a password.
    """
    with readable(path), path.open("rb") as file:
        begin = file.read(2)
        file.seek(0)
        if begin == GZIP:
            with gzip.open(file) as inside:
                yield cast(IO[bytes], inside)
        elif begin == ZIP:
            with zipfile.ZipFile(file) as archive, archive.open(only_member(path, archive)) as member:
                yield cast(IO[bytes], io.BufferedReader(cast(io.RawIOBase, member)))
        else:
            yield file


def only_member(path: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """The one file of an archive.

    Raises:
        TextddError: there are none or several, or it has a password.
    """
    members = [member for member in archive.infolist() if not member.is_dir()]
    if len(members) != 1:
        names = ", ".join(member.filename for member in members[:5])
        raise TextddError(
            f"{path} holds {len(members)} files: {names}. Allowed: one. "
            "Unpack it and type: embedding.path=/the/one/you/want.txt"
        )
    if members[0].flag_bits & 1:
        raise TextddError(f"{path} has a password. Unpack it and type: embedding.path=/the/file.txt")
    return members[0]


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Say that a file cannot be read.

    Raises:
        TextddError: it is damaged, cut off, or not to be read by this user.
    """
    try:
        yield
    except FAULTS as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise TextddError(
            f"{path} cannot be read: {reason}. Get it again, or take another: embedding.path=/your/glove.txt"
        ) from error
