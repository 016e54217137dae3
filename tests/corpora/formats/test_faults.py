"""Damaged files: each gives an error that names the file and what helps, and none ends the process."""

from __future__ import annotations

import gzip
import json
import struct

import pyarrow as pa
import pyarrow.parquet
import pytest

from textdd.corpora.formats.options import FileOptions
from textdd.errors import TextddError

ROWS = b"text,label\n" + b"good,a\nbad,b\n" * 5
RECORDS = b'{"text": "good", "label": 1}\n{"text": "bad", "label": 0}\n' * 5
DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.jsonl", RECORDS + b'{"text": "x", "label": ' + DEEP + b"}\n", "line 11 is nested too deeply"),
        ("t.jsonl", b'{"a":' * 100_000, "line 1 is nested too deeply"),
        ("t.json", DEEP, "is nested too deeply"),
        ("t.jsonl", b"null\n", "line 1 is NoneType"),
        ("t.jsonl", b"{}\n{}\n", "holds no records"),
        ("t.jsonl", RECORDS + b"null\n", "line 11 is NoneType"),
        ("t.jsonl", RECORDS + b'{"text": "\xff", "label": 1}\n', "dataset.encoding=cp1252"),
        ("t.jsonl", RECORDS + b'{"text": "x"\n', "line 11 is no JSON"),
        ("t.jsonl", RECORDS + b'{"text": "x", "text": "y", "label": 1}\n', "line 11 has the key 'text' twice"),
        (
            "t.jsonl",
            b'{"text": {"a": 1}, "label": 1}\n{"text": null, "label": 2}\n',
            "column 'text' holds struct.*dataset.text=NAME",
        ),
        ("t.json", b'[["x", 1]]', "element 1 is list .*not a record"),
        ("t.json", b'[{"text": "x", "label": 1}', "cannot be read as .json"),
        ("t.json", b'[{"text": "x", "label": 1}] and more', "end of the file"),
        ("t.json", b'{"text": {"0": "x"}, "label": {"0": 1}}', "dataset.label=NAME"),
        ("t.json", b'{\n"text": {"0": "x"}, "label": {"0": 1}}', 'orient="records"'),
        ("t.json", json.dumps({"a": [{"text": "x"}], "b": [{"text": "x"}]}).encode(), "Type: dataset.records=a"),
        (
            "t.csv",
            b"0,1467,user,some text\n4,1468,user,more text\n",
            r"Sa?y what.*columns=\[label,column_2,column_3,text\]",
        ),
        ("t.csv", b"good,1\nbad,0\n", r"dataset.columns=\[text,label\]"),
        ("t.csv", ROWS + b"x,y,1\n", "Expected 2 columns.*dataset.separator"),
        ("t.csv", b"t\xe9xt,label\ngood,a\n", "dataset.encoding=cp1252: téxt"),
        ("t.csv", ROWS + "привет мир как дела,a\n".encode("cp1251") * 20, "encoding=cp1251: привет"),
        ("t.csv", ROWS + "选择珠江花园的原因就是方便,a\n".encode("gb18030") * 20, "encoding=gb18030: 选择"),
        ("t.csv", b"\0" * 100, "zero bytes"),
        ("t.csv", b"text,label", "t.csv"),
        ("t.csv.gz", gzip.compress(ROWS, mtime=0)[:-9], "Truncated"),
        ("t.csv.gz", gzip.compress(b"text,label\n" + b"a" * 9_000_000, mtime=0), "Expected 2 columns, got 1"),
        ("t.csv", b"PK\3\4", "is an archive"),
        ("t.xlsx", b"PK\3\4", "is a spreadsheet.*read_excel"),
        ("t.pkl", b"", "is a pickle"),
        ("t.parquet.gz", gzip.compress(b"PAR1", mtime=0), "gunzip"),
        ("t.txt", b"__label__a __label__b x\n", "line 1 has 2 labels.*dataset.labels=labels"),
    ],
)
def test_a_damaged_file_is_told(name, content, message, tmp_path, load):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TextddError, match=message) as caught:
        load(path=str(tmp_path / name))
    assert str(tmp_path / name) in str(caught.value)
    assert len(str(caught.value)) < 1_200 + 5 * len(str(tmp_path))


def arrow(path, table):
    with pa.ipc.new_file(path, table.schema) as writer:
        writer.write_table(table)


LETTERS = pa.array(["a", "b"] * 5)
WORDS = pa.array(["abcdefgh"] * 10)


@pytest.mark.parametrize(
    ("table", "old", "new", "message"),
    [
        (
            {"text": WORDS, "label": LETTERS},
            struct.pack("<3i", 0, 8, 16),
            struct.pack("<3i", 0, 8, 1 << 30),
            "out of bounds",
        ),
        ({"text": WORDS, "label": LETTERS}, b"abcdefgh", b"abcdefg\xff", "not UTF-8"),
        (
            {"text": WORDS, "label": LETTERS.dictionary_encode()},
            struct.pack("<3i", 0, 1, 0),
            struct.pack("<3i", 0, 77, 0),
            "ictionary",
        ),
        (
            {"text": WORDS, "label": pa.array(range(10), pa.timestamp("s", "Mars/X"))},
            b"",
            b"",
            "'label' holds timestamp.*Mars/X",
        ),
        ({"text": WORDS, "label": pa.array([{"x": 1}] * 10)}, b"", b"", "'label' holds struct.*dataset.label=NAME"),
        ({}, b"", b"", "has no columns"),
    ],
)
def test_columns_are_checked_before_they_are_looked_into(table, old, new, message, tmp_path, load):
    path = tmp_path / "t.arrow"
    arrow(path, pa.table(table))
    path.write_bytes(path.read_bytes().replace(old, new, 1) if old else path.read_bytes())
    with pytest.raises(TextddError, match=message):
        load(path=str(path))


@pytest.mark.parametrize(
    ("names", "message"), [(b"red\n", "two or more"), (b"red\nred\n", "each once"), (b"r\xfct\ngr\xfcn\n", "cp1252")]
)
def test_names_of_classes_are_checked(names, message, tmp_path, load):
    (tmp_path / "train.csv").write_bytes(b"text,label\n" + b"x,0\ny,1\n" * 5)
    (tmp_path / "classes.txt").write_bytes(names)
    with pytest.raises(TextddError, match=message):
        load(path=str(tmp_path))
    (tmp_path / "classes.txt").write_text("rüt\ngrün\n", encoding="utf-16")
    assert load(path=str(tmp_path)).classes == ["rüt", "grün"]


@pytest.mark.parametrize("content", [b"text,label\n", b"text,label"])
def test_a_test_file_with_a_header_only_is_told(content, tmp_path, load):
    (tmp_path / "train.csv").write_bytes(ROWS)
    (tmp_path / "test.csv").write_bytes(content)
    with pytest.raises(TextddError, match=r"test\.csv holds no text"):
        load(path=str(tmp_path))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"separator": "::"}, "dataset.separator=';'"),
        ({"separator": '"'}, "dataset.separator=';'"),
        ({"encoding": "utf9"}, "Type for instance: dataset.encoding=utf-8"),
        ({"encoding": "base64"}, "no encoding of text"),
        ({"encoding": ""}, "no encoding of text"),
        ({"quoting": "nun"}, "Type: dataset.quoting=none"),
        ({"columns": ("a", "a")}, r"dataset.columns=\[a,a_2\]"),
    ],
)
def test_an_option_that_no_file_can_make_right_is_told(options, message):
    with pytest.raises(TextddError, match=message):
        FileOptions(**options).check()
