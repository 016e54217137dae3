"""The bytes of a file: unpacked (gz, zst, bz2), and text in any encoding made UTF-8, in a stream."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pyarrow as pa

from textdd.corpora.formats.options import FileOptions
from textdd.progress import say

PACKINGS = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}
MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bz2"}

BLOCK = 1 << 20
"""Bytes that are looked at together."""

HEAD = 1 << 18
"""Bytes at the beginning that show what a file is like."""

PLAIN = ("utf-8", "utf-8-sig", "ascii")


class TooLong(ValueError):
    """A line or a value that is longer than any text that is read."""


say_once = cache(say)
"""A file is opened more than once, and has one thing to tell."""


def packing(path: Path) -> str | None:
    """How a file is packed, by its first bytes; None where it is not."""
    with path.open("rb") as file:
        first = file.read(4)
    return next((codec for magic, codec in MAGIC.items() if first.startswith(magic)), None)


def unpacked_name(path: Path) -> str:
    """The name without what a packer added to it, in small letters: `Train.CSV.gz` is `train.csv`."""
    name = path.name.lower()
    return next((name.removesuffix(suffix) for suffix in PACKINGS if name.endswith(suffix)), name)


def open_unpacked(path: Path) -> pa.NativeFile:
    """The content of a file as a stream of bytes, whatever it is packed by."""
    return pa.input_stream(str(path), compression=packing(path))


def encoding_of(path: Path, options: FileOptions) -> str:
    """The encoding that was named, else UTF-8 or, where the first bytes show it, UTF-16."""
    if options.encoding is not None:
        return options.encoding
    with open_unpacked(path) as stream:
        first = stream.read(4096)
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        found = "utf-16"
    else:  # without a mark, Latin letters and signs still have a zero at every other byte
        zeros = [first[i::2].count(0) > len(first) // 8 for i in (0, 1)]
        found = "utf-8" if zeros[0] == zeros[1] else "utf-16-be" if zeros[0] else "utf-16-le"
    if found != "utf-8":
        say_once(f"{path}: the encoding is taken to be {found}; another is read by dataset.encoding=NAME")
    return found


def open_text(path: Path, options: FileOptions) -> pa.NativeFile:
    """The content of a text file as a stream of UTF-8; a mark of byte order may be its first sign.

    Raises:
        UnicodeError: while it is read, where it is not of its encoding. UTF-8 itself is not checked.
    """
    encoding = encoding_of(path, options)
    stream = open_unpacked(path)
    if codecs.lookup(encoding).name in PLAIN:
        return stream
    return pa.transcoding_input_stream(stream, encoding, "utf-8")


def text_blocks(path: Path, options: FileOptions, size: int = BLOCK) -> Iterator[bytes]:
    """The content of a text file as UTF-8 without a mark of byte order, a block at a time."""
    with open_text(path, options) as stream:
        block = stream.read(size).removeprefix(codecs.BOM_UTF8)
        while block:
            yield block
            block = stream.read(size)


def text_lines(path: Path, options: FileOptions, longest: int) -> Iterator[bytes]:
    r"""The lines of a text file as UTF-8, without their ends (\n or \r\n); blank ones too.

    Raises:
        TooLong: a line is longer than `longest` bytes.
    """
    rest: list[bytes] = []
    held = 0
    for block in text_blocks(path, options):
        first, *more = block.split(b"\n")
        rest.append(first)
        held += len(first)
        if held > longest:
            raise TooLong(f"a line is longer than {longest >> 20} MiB")
        if more:
            yield b"".join(rest).removesuffix(b"\r")
            yield from (line.removesuffix(b"\r") for line in more[:-1])
            rest, held = [more[-1]], len(more[-1])
    if held:
        yield b"".join(rest).removesuffix(b"\r")


def head(path: Path, options: FileOptions) -> bytes:
    """The beginning of a text file as UTF-8, up to the end of the last whole line in it."""
    block = next(text_blocks(path, options, HEAD), b"")
    return block if len(block) < HEAD - 4 or b"\n" not in block else block[: block.rindex(b"\n") + 1]
