"""Files of word vectors."""

import gzip
import io
import zipfile

import numpy as np

from tests.fuzz.mutate import damaged
from textdd.spaces.vectors.glove import glove_vectors

WORDS = ["[PAD]", "[UNK]", "fox", "whale", "café", "the"]
ROWS = ["the 9 9 9", "fox 1 2 3", ". . . 4 5 6", "café 0.5 -1e-1 7", "whale 8 8 8", "x 1 1 1"]


def binary(header=b"4 3\n"):
    rows = (word.encode() + b" " + np.arange(3, dtype="<f4").tobytes() + b"\n" for word in WORDS[2:])
    return header + b"".join(rows)


def zipped(content, draw):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", draw.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        archive.writestr("vectors.txt", content)
    return buffer.getvalue()


def make(folder, seeds, draw):
    """A file in any form: damaged and then packed, or packed and then damaged; now and then one line of 200 MB."""
    del seeds
    text = "\n".join(ROWS).encode() + b"\n"
    content = draw.choice((text, b"6 3\n" + text, b"1000000000 3\n" + text, b"6 1000000000\n" + text, binary()))
    if draw.random() < 0.02:
        content = content + b"1" * 200_000_000
    pack = draw.choice((lambda content, _: content, lambda content, _: gzip.compress(content, 1), zipped))
    parts = (damaged, pack) if draw.random() < 0.8 or len(content) > 1 << 20 else (pack, damaged)
    for part in parts if len(content) < 1 << 20 else (pack,):
        content = part(content, draw)
    (folder / draw.choice(("v.txt", "v.txt.gz", "v.zip", "v.bin"))).write_bytes(content)


def run(folder):
    """Read the vectors of a few words."""
    (path,) = folder.iterdir()
    vectors, known = glove_vectors(path, WORDS, folder / "cache")
    assert np.isfinite(vectors).all()
    assert known.any()
    assert not vectors[~known].any()
