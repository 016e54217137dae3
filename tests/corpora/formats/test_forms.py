"""Every form of file: what it is is found by looking, and all of its rows are read."""

from __future__ import annotations

import bz2
import gzip
import json

import datasets
import pyarrow as pa
import pyarrow.parquet
import pytest

from textdd.corpora.files import open_table
from textdd.corpora.formats.options import FileOptions

CSV = "text,label\n" + "góod film,a\nbad film,b\n" * 5
JSONL = "".join(
    json.dumps({"text": f"{kind} film", "label": label}) + "\n" for kind, label in [("góod", "a"), ("bad", "b")] * 5
)
RECORDS = [json.loads(line) for line in JSONL.splitlines()]
FASTTEXT = "__label__a góod film\n__label__b bad film\n" * 5
TEXTS = ["góod film", "bad film"] * 5
LABELS = ["a", "b"] * 5


def read(path, options=None, columns=("text", "label")):
    return pa.concat_tables(open_table(path, options).batches(list(columns)))


def written(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("Texts.CSV", CSV),
        ("t.csv", "\ufeff" + CSV),
        ("t.csv", CSV.encode("utf-16")),
        ("t.csv", CSV.replace("ó", "o").encode("utf-16-be")),
        ("t.csv", CSV.replace("\n", "\r")),
        ("t.csv", CSV.replace("\n", "\r\n")),
        ("t.csv", CSV.replace(",", ";")),
        ("t.csv", CSV.replace(",", "|")),
        ("t.csv", CSV.replace(",", "\t")),
        ("t.tsv", CSV),
        ("t.txt", CSV.replace(",", "\t")),
        ("t.csv", CSV.replace("text,label", " text, label")),
        ("t.csv.gz", gzip.compress(CSV.encode(), mtime=0)),
        ("t.csv", gzip.compress(CSV.encode(), mtime=0)),
        ("t.csv.zst", pa.compress(CSV.encode(), "zstd", asbytes=True)),
        ("t.csv.bz2", bz2.compress(CSV.encode())),
        ("t.csv.gz", CSV),
        ("t.jsonl", JSONL),
        ("t.ndjson", "\ufeff\n" + JSONL.replace("\n", "\r\n\r\n")),
        ("t.json", JSONL),
        ("t.jsonl", JSONL.encode("utf-16")),
        ("t.json", json.dumps(RECORDS)),
        ("t.json", json.dumps(RECORDS, indent=2, ensure_ascii=False)),
        ("t.json", json.dumps(RECORDS[:4]) + "\n" + json.dumps(RECORDS[4:])),
        ("t.json", json.dumps({"version": 1.5, "data": RECORDS, "more": [1, 2]})),
        ("t.json.zst", pa.compress(json.dumps({"data": RECORDS}, indent=1).encode(), "zstd", asbytes=True)),
        ("t.txt", FASTTEXT),
        ("t.txt.gz", gzip.compress(FASTTEXT.encode(), mtime=0)),
    ],
)
def test_a_form_is_known_by_looking(name, content, tmp_path):
    table = read(written(tmp_path, name, content))
    assert [text.replace("ó", "o") for text in table["text"].to_pylist()] == [text.replace("ó", "o") for text in TEXTS]
    assert table["label"].to_pylist() == LABELS


@pytest.mark.parametrize(
    ("name", "content", "options", "expected"),
    [
        ("t.csv", "a text;x;1\nother;y;2\n", {"columns": ("text", "more", "label")}, "1"),
        ("t.csv", "text,label\na text,1\nother,2\n", {"columns": ("text", "label")}, "1"),
        ("t.csv", "text:label\na text:1\nother:2\n", {"separator": ":"}, "1"),
        ("t.csv", "text\tlabel\na text\t1\nother\t2\n", {"separator": "tab"}, "1"),
        ("t.csv", 'text,label\na text,"1\nother,"2\n', {}, '"1'),
        ("t.csv", "text,label,label\na text,1,5\nother,2,6\n", {}, "1"),
        ("t.csv", ",text,,label\n0,a text,x,1\n1,other,y,2\n", {}, "1"),
        ("t.csv", "text,2020,label\na text,x,1\nother,y,2\n", {}, "1"),
        ("t.json", json.dumps({"a": RECORDS, "b": [{"text": "a text", "label": 1}]}), {"records": "b"}, "1"),
    ],
)
def test_what_the_user_says_is_done(name, content, options, expected, tmp_path):
    table = read(written(tmp_path, name, content), FileOptions(**options))
    assert (table["text"][0].as_py(), table["label"][0].as_py()) == ("a text", expected)


def test_columns_of_one_name_are_told_apart(tmp_path, capsys):
    path = written(tmp_path, "t.csv", "text,text,label\na,b,x\n")
    table = pa.table([["a"], ["b"], ["x"]], names=["text", "text", "label"])
    pa.parquet.write_table(table, tmp_path / "t.parquet")
    for file in (path, tmp_path / "t.parquet"):
        assert open_table(file).columns() == ["text", "text_2", "label"]
        assert read(file, None, ["text_2", "label", "text"]).to_pylist() == [{"text": "a", "text_2": "b", "label": "x"}]
    assert "called text_2" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["csv", "jsonl", "json"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_row_may_be_longer_than_a_block(form, place, tmp_path):
    texts = ["a", "b"]
    texts.insert(place, "x" * 6_000_000)
    rows = [{"text": text, "label": "1"} for text in texts]
    lines = {"csv": "text,label\n" + "".join(f"{row['text']},1\n" for row in rows)}
    lines["jsonl"], lines["json"] = "".join(json.dumps(row) + "\n" for row in rows), json.dumps(rows)
    assert read(written(tmp_path, f"t.{form}", lines[form]))["text"].to_pylist() == texts


def test_records_keep_what_they_say(tmp_path, capsys):
    values = ["2020-01-01", "a date no more", "\ud83d", None]
    lines = "".join(
        json.dumps({"text": text, "label": label}) + "\n"
        for text, label in zip(values, [1, "1", 1.0, True], strict=True)
    )
    for name, content in (("t.jsonl", lines), ("t.json", "[" + ",".join(lines.splitlines()) + "]")):
        table = read(written(tmp_path, name, content))
        assert table["text"].to_pylist() == ["2020-01-01", "a date no more", "\ufffd", None]
        assert table["label"].to_pylist() == ["1", "1", "1", "true"]
    assert "half signs" in capsys.readouterr().err


TYPES = {
    "int8": ([0, 1], pa.int8(), ["0", "1"]),
    "uint64": ([0, 1], pa.uint64(), ["0", "1"]),
    "half": ([0.0, 1.5], pa.float16(), ["0", "1.5"]),
    "double": ([0.0, 1.0], pa.float64(), ["0", "1"]),
    "bool": ([False, True], pa.bool_(), ["false", "true"]),
    "large": (["a", "b"], pa.large_string(), ["a", "b"]),
    "view": (["a", "b"], pa.string_view(), ["a", "b"]),
    "binary": ([b"a", b"b"], pa.binary_view(), ["a", "b"]),
    "dictionary": (["a", None], pa.dictionary(pa.int8(), pa.large_string()), ["a", None]),
    "runs": (["a", "b"], pa.run_end_encoded(pa.int32(), pa.string()), ["a", "b"]),
    "large list": ([["a"], ["b", None]], pa.large_list(pa.large_string()), [["a"], ["b", None]]),
    "list view": ([["a", "c"], ["b"]], pa.list_view(pa.string()), [["a", "c"], ["b"]]),
    "fixed list": ([["a"], ["b"]], pa.list_(pa.string_view(), 1), [["a"], ["b"]]),
    "list of codes": ([None, ["b"]], pa.list_(pa.dictionary(pa.int32(), pa.string())), [None, ["b"]]),
}


@pytest.mark.parametrize("kind", TYPES)
def test_columns_of_every_type_are_read(kind, tmp_path):
    values, of, expected = TYPES[kind]
    if kind == "runs":
        column = pa.RunEndEncodedArray.from_arrays(pa.array([1, 2], pa.int32()), pa.array(values))
    elif kind == "list of codes":
        column = pa.array(values).cast(of)
    else:
        column = pa.array(values, pa.string()).dictionary_encode() if kind == "dictionary" else pa.array(values, of)
    table = pa.table({"text": pa.array(["x", "y"], pa.large_string()), "label": column})
    with pa.ipc.new_file(tmp_path / "t.arrow", table.schema) as writer:
        writer.write_table(table)
    with pa.ipc.new_stream(tmp_path / "stream", table.schema) as writer:
        writer.write_table(table)
    packed = written(tmp_path, "t.arrow.gz", gzip.compress((tmp_path / "stream").read_bytes()))
    for path in (tmp_path / "t.arrow", packed):
        assert read(path).to_pydict() == {"text": ["x", "y"], "label": expected}


def test_a_data_set_that_was_saved_to_disk_is_read(tmp_path, load, capsys):
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])})
    part = datasets.Dataset.from_dict({"text": TEXTS, "label": [0, 1] * 5}, features=features)
    datasets.disable_progress_bars()
    datasets.DatasetDict({"train": part, "test": part, "more": part}).save_to_disk(str(tmp_path / "saved"))
    whole = load(path=str(tmp_path / "saved"))
    assert (whole.train_rows, len(whole.test), whole.classes) == (10, 10, ["no", "yes"])
    assert "not read: more" in capsys.readouterr().err
    alone = load(path=str(tmp_path / "saved" / "train"), test_path=str(tmp_path / "saved" / "test"))
    assert (alone.train_rows, len(alone.test), alone.classes) == (10, 10, ["no", "yes"])


def test_a_file_a_class_is_called_by_what_sets_it_apart(tmp_path, load):
    (tmp_path / "README.md").write_text("of these texts")
    (tmp_path / "sport.txt").write_text("a\nb\n\nc\n")
    written(tmp_path, "tech.txt.gz", gzip.compress(b"d\ne\nf"))
    corpus = load(path=str(tmp_path))
    assert (corpus.train_rows + len(corpus.test), corpus.classes) == (6, ["sport", "tech"])


def test_texts_of_no_class_in_a_folder_of_classes_are_told(tmp_path, load):
    for place in ("train/neg", "train/pos", "train/unsup", "test/neg", "test/pos"):
        (tmp_path / place).mkdir(parents=True)
        for i in range(3):
            (tmp_path / place / f"{i}.txt").write_text(f"text {i}")
    with pytest.raises(Exception, match=r"'unsup', and .*test has none.* mv .*/train/unsup"):
        load(path=str(tmp_path))
    (tmp_path / "train/unsup").rename(tmp_path / "unsup")
    corpus = load(path=str(tmp_path))
    assert (corpus.train_rows, len(corpus.test)) == (6, 6)


def test_a_second_look_reads_no_file(tmp_path, load, monkeypatch):
    path = written(tmp_path, "t.csv", CSV.replace(",", ";"))
    first = load(path=str(path))
    monkeypatch.setattr("textdd.corpora.formats.separated.find_dialect", None)
    assert load(path=str(path)).key == first.key
