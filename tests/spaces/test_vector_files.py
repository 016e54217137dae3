"""Files of vectors as people and programs write them: in bits, packed, and promising more than memory holds."""

import gzip
import io
import re
import tracemalloc
import zipfile
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textdd.errors import TextddError
from textdd.spaces.vectors import word2vec
from textdd.spaces.vectors.glove import LONGEST_LINE, find_glove, glove_vectors
from textdd.spaces.vectors.word2vec import read_binary

WORDS = ["[PAD]", "[UNK]", "fox", "whale", "café"]
ROWS = {"the": [9, 9, 9], "fox": [1, 2, 3], "café": [0.5, -0.25, 7], "x y": [1, 1, 1], "\nz": [2, 2, 2]}
EXPECTED = [[0, 0, 0], [0, 0, 0], [1, 2, 3], [0, 0, 0], [0.5, -0.25, 7]]


def binary(rows=ROWS, count=None, newline=b"\n"):
    """As word2vec (a newline behind every row) and gensim (none) write it."""
    head = f"{len(rows) if count is None else count} 3\n".encode()
    body = (w.encode().replace(b" ", b"_") + b" " + np.array(v, "<f4").tobytes() + newline for w, v in rows.items())
    return head + b"".join(body)


@pytest.mark.parametrize("newline", [b"\n", b""])
@pytest.mark.parametrize("packed", [lambda content: content, gzip.compress])
def test_word2vec_writes_in_bits(newline, packed, tmp_path):
    (tmp_path / "v.bin").write_bytes(packed(binary(newline=newline)))
    vectors, known = glove_vectors(tmp_path / "v.bin", WORDS, tmp_path)
    assert np.array_equal(vectors, np.array(EXPECTED, np.float32))
    assert known.tolist() == [False, False, True, False, True]


@pytest.mark.parametrize("block", [1, 7, 64])
def test_rows_in_bits_may_lie_across_blocks(block, tmp_path, monkeypatch):
    monkeypatch.setattr(word2vec, "BLOCK", block)
    (tmp_path / "v.bin").write_bytes(binary())
    assert np.array_equal(glove_vectors(tmp_path / "v.bin", WORDS, tmp_path)[0], np.array(EXPECTED, np.float32))


@given(st.binary(max_size=300), st.integers(1, 5))
def test_any_bits_are_vectors_or_an_error(content, width):

    with suppress(TextddError):
        found = read_binary(io.BytesIO(content), "v.bin", {b"": 0, b"a": 1}, 3, width)
        assert all(np.isfinite(vector).all() and vector.shape == (width,) for vector in found.values())


def long_line(path):
    with gzip.open(path, "wb", 1) as file:
        file.write(b"fox 1 2 3\nwhale ")
        for _ in range(10):
            file.write(b"1 " * 5_000_000)


FILES = {
    "bits cut off": (lambda p: p.write_bytes(binary()[:-9]), r"promises 5 words of 3 numbers, and 4 are there"),
    "bits that promise more": (lambda p: p.write_bytes(binary(count=10**9)), "promises 1000000000 words .* 5 are"),
    "bits that are no numbers": (
        lambda p: p.write_bytes(binary(ROWS | {"fox": [1, np.nan, 1]})),
        "word 2: .* no number",
    ),
    "a width of a thousand millions": (lambda p: p.write_text("5 1000000000\nfox 1 2 3\n"), "1 to 10000 numbers"),
    "a number of 400 digits": (lambda p: p.write_text("9" * 400 + " 3\nfox 1 2 3\n"), "line 2: .*began with 1"),
    "beyond 32 bits": (lambda p: p.write_text("fox 1 1e39 3\n"), "line 1: '1e39' is not a number"),
    "only a header": (lambda p: p.write_text("5 3\n"), "not one word"),
}


@pytest.mark.parametrize("name", FILES)
def test_what_is_no_file_of_vectors_is_refused(name, tmp_path):
    write, message = FILES[name]
    write(tmp_path / "v.vec")
    with pytest.raises(TextddError, match=message) as caught:
        glove_vectors(tmp_path / "v.vec", WORDS, tmp_path)
    assert "embedding.path=" in str(caught.value)


def test_a_line_that_unpacks_to_much_takes_no_memory(tmp_path):
    long_line(tmp_path / "v.txt.gz")
    tracemalloc.start()
    with pytest.raises(TextddError, match="is longer than"):
        glove_vectors(tmp_path / "v.txt.gz", WORDS, tmp_path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 20 * LONGEST_LINE


def test_a_file_with_fewer_rows_than_promised_is_said(tmp_path, capsys):
    (tmp_path / "v.vec").write_text("400000 3\nfox 1 2 3\nwhale 1 2 3\n")
    assert glove_vectors(tmp_path / "v.vec", WORDS, tmp_path)[1].sum() == 2
    assert "promises 400000 words, and 2 are there" in re.sub(r"\s+", " ", capsys.readouterr().err)


def test_archives_with_a_password_or_of_an_unknown_kind(tmp_path):
    with zipfile.ZipFile(tmp_path / "v.zip", "w") as archive:
        archive.writestr("v.txt", "fox 1 2 3\n")
    content = bytearray((tmp_path / "v.zip").read_bytes())
    for place, value, message in ((6, 1, "has a password"), (8, 99, "cannot be read")):
        spoilt = bytearray(content)
        central = content.index(b"PK\x01\x02")
        spoilt[place], spoilt[central + place + 2] = value, value
        (tmp_path / "spoilt.zip").write_bytes(spoilt)
        with pytest.raises(TextddError, match=message):
            glove_vectors(tmp_path / "spoilt.zip", WORDS, tmp_path)


def test_a_name_that_is_nearly_right_is_proposed(tmp_path):
    (tmp_path / "glove.100d.txt").write_text("fox 1 2 3\n")
    with pytest.raises(TextddError, match=r"Type: embedding\.path=.*glove\.100d\.txt"):
        find_glove(str(tmp_path / "glove.10d.txt"), None)
