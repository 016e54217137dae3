"""Text that is not of its encoding: which one it may be, and how a line would read by it."""

from __future__ import annotations

import codecs
from pathlib import Path

import charset_normalizer

from textdd.corpora.formats.opening import encoding_of, open_unpacked
from textdd.corpora.formats.options import ENCODINGS, FileOptions
from textdd.errors import TextddError

SAMPLE = 1 << 14
"""Bytes of lines that encodings are guessed by."""

PROPOSALS = 3

WESTERN = "cp1252"
"""What Windows writes in Western Europe and America: the usual case where only few letters are not ASCII."""


def encoding_error(path: Path, options: FileOptions) -> TextddError:
    """Make the error for a file that is not of its encoding: how its first bad line would read by others."""
    encoding = encoding_of(path, options)
    number, bad, sample = bad_line(path, encoding)
    found: dict[str, str] = {}  # a name for every way to read the line
    for name in proposals(sample or bad, encoding):
        found.setdefault(shown(bad, name), name)
    readings = "".join(f"\n  dataset.encoding={name}: {reading}" for reading, name in [*found.items()][:PROPOSALS])
    told = f"{path} is not in the encoding {encoding}: line {number} cannot be read."
    if not found:
        return TextddError(
            f"{told} No other encoding reads it either; is it a file of text? Name one: dataset.path=FILE"
        )
    return TextddError(f"{told} It would read{readings}\nType: dataset.encoding={next(iter(found.values()))}")


def bad_line(path: Path, encoding: str) -> tuple[int, bytes, bytes]:
    """The number and the bytes of the first line that cannot be decoded, and a sample of lines that are not ASCII."""
    decoder = codecs.getincrementaldecoder(encoding)()
    number, bad, sample = 1, b"", b""
    with open_unpacked(path) as stream:
        rest = b""
        while block := stream.read(SAMPLE):
            lines = (rest + block).split(b"\n")
            rest = lines.pop() if len(lines[-1]) < SAMPLE else b""
            for line in lines:
                if not bad:
                    try:
                        decoder.decode(line + b"\n")
                        number += 1
                    except UnicodeError:
                        bad = line
                if bad and not line.isascii():
                    sample += line + b"\n"
            if len(sample) > SAMPLE:
                break
    last = bad or rest
    return number, last, sample + (b"" if rest.isascii() else rest)


def proposals(sample: bytes, refused: str) -> list[str]:
    """Encodings that read a sample, the likeliest first."""
    usual = [name for name in ENCODINGS if not name.startswith("utf")]
    found = [match.encoding for match in charset_normalizer.from_bytes(sample[:SAMPLE], cp_isolation=usual)]
    foreign = sum(byte > 127 for byte in sample)
    if foreign <= len(sample) / 4:  # else the text is of another script, which the guess is good at
        found = [WESTERN, *found]
    names = dict.fromkeys(name for name in ("utf-8", *found, "latin-1") if reads(sample, name))
    return [name for name in names if codecs.lookup(name).name != codecs.lookup(refused).name]


def reads(sample: bytes, encoding: str) -> bool:
    """Whether bytes can be decoded."""
    try:
        sample.decode(encoding)
    except UnicodeError:
        return False
    return True


def shown(line: bytes, encoding: str) -> str:
    """Some signs of a line around the first that is not ASCII."""
    text = line.decode(encoding, errors="replace").strip()
    first = next((place for place, sign in enumerate(text) if not sign.isascii()), 0)
    start = max(0, first - 30)
    return ("... " if start else "") + text[start : start + 70]
