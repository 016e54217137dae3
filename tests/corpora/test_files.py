"""Every form of file gives the same corpus; every mistake in a file is told with its place and remedy."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from textdd.corpora.files import open_table
from textdd.errors import TextddError

ROWS = [
    (0, 'a "red" fox'),
    (1, "blue whale, old"),
    (0, "red foxes\nrun"),
    (1, "NA"),
    (0, "fox 007"),
    (1, "whales"),
]
TABLE = pa.table({"label": [label for label, _ in ROWS], "text": [text for _, text in ROWS]})


def quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def write_csv(path: Path, separator: str = ",") -> None:
    lines = [f"label{separator}text", *(f"{label}{separator}{quoted(text)}" for label, text in ROWS)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_zhang(path: Path) -> None:
    rows = [f'"{label + 1}",{quoted(text.split()[0])},{quoted(" ".join(text.split(" ")[1:]))}' for label, text in ROWS]
    path.write_text("\n".join(rows).replace("\nrun", "\\nrun") + "\n", encoding="utf-8")


def write_arrow_stream(path: Path) -> None:
    with pa.ipc.new_stream(path, TABLE.schema) as writer:
        writer.write_table(TABLE)


def write_arrow_file(path: Path) -> None:
    with pa.ipc.new_file(path, TABLE.schema) as writer:
        writer.write_table(TABLE)


WRITERS = {
    "train.csv": write_csv,
    "train.tsv": lambda path: write_csv(path, "\t"),
    "train.jsonl": lambda path: path.write_text("".join(json.dumps(row) + "\n" for row in TABLE.to_pylist())),
    "train.parquet": lambda path: pa.parquet.write_table(TABLE, path),
    "train.arrow": write_arrow_stream,
    "file form/train.arrow": write_arrow_file,
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_form_holds_the_same_rows(name, tmp_path):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    WRITERS[name](path)
    file = open_table(path)
    assert not getattr(file, "header", None) or not file.header.zhang
    assert sorted(file.columns()) == ["label", "text"]
    table = pa.concat_tables(file.batches(["text", "label"]))
    assert table.column_names == ["text", "label"]
    assert table["text"].to_pylist() == [text for _, text in ROWS]
    assert [int(label) for label in table["label"].to_pylist()] == [label for label, _ in ROWS]


@pytest.mark.parametrize("name", WRITERS)
def test_every_form_makes_the_same_corpus(name, tmp_path, load, test_words):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    WRITERS[name](path)
    config = {"path": str(path), "test_path": str(path), "classes": ["fox", "whale"]}
    corpus = load(**config)
    assert corpus.train_rows == len(ROWS)
    assert corpus.test.targets.tolist() == [label for label, _ in ROWS]
    assert corpus.test.texts([0, 2]) == [('a "red" fox',), ("red foxes\nrun",)]
    assert test_words(**config).text(0) == 'a " red " fox'
    assert corpus.test.stored_bytes() == sum(len(text) for _, text in ROWS)
    assert corpus.test.stored_bytes([3]) == 2


def test_the_form_of_zhang_is_known_by_its_first_cell(tmp_path, test_words):
    path = tmp_path / "train.csv"
    write_zhang(path)
    assert open_table(path).header.zhang
    test = test_words(path=str(path), test_path=str(path), classes=["fox", "whale"])
    assert test.labels.tolist() == [0, 1, 0, 1, 0, 1]
    assert test.text(0) == 'a " red " fox'
    assert test.text(2) == "red foxes run"


def test_a_lone_backslash_is_a_line_break_in_the_form_of_zhang(tmp_path):
    path = tmp_path / "test.csv"
    path.write_text('"4","On","A second\\team of\\nrocketeers"\n')
    (table,) = open_table(path).batches(["text"])
    assert table["text"].to_pylist() == ["On A second team of rocketeers"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train.doc", b"", "suffix '.doc'"),
        ("train.csv", b"", "is empty"),
        ("train.csv", b"label,text\n0,caf\xe9\n", "dataset.encoding=cp1252: 0,café"),
        ("train.csv", b"label,text\n0,a\n1,b,c\n", "Row #3: Expected 2 columns, got 3"),
        ("train.jsonl", b'{"label": 0, "text": \n', "cannot be read as .jsonl"),
        ("train.parquet", b"PAR1 and no more", "cannot be read as .parquet"),
        ("train.arrow", b"no arrow at all", "cannot be read as .arrow"),
    ],
)
def test_an_unreadable_file_is_named(name, content, message, tmp_path, load):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TextddError, match=message) as caught:
        load(path=str(tmp_path / name))
    assert str(tmp_path / name) in str(caught.value)


def test_a_missing_file_is_named(tmp_path, load):
    with pytest.raises(TextddError, match=r"absent\.csv: there is no such file"):
        load(path=str(tmp_path / "absent.csv"))


def test_an_unknown_suffix_lists_those_known(tmp_path):
    (tmp_path / "x.doc").write_bytes(b"")
    with pytest.raises(TextddError, match=r"\.csv, \.tsv, \.jsonl, \.parquet, \.arrow"):
        open_table(tmp_path / "x.doc")
