"""A corpus is read once, keeps the original texts and targets, and is split by seed."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from tests.conftest import read
from textdd.corpora import build, content
from textdd.corpora.corpus import load_corpus
from textdd.corpora.sources import DatasetConfig
from textdd.corpora.splits import carve
from textdd.errors import TextddError
from textdd.seeds import numpy_generator
from textdd.spaces import words as word_spaces


@pytest.fixture
def counted(monkeypatch) -> list[Path]:
    """The folders that were built since the test began."""
    built = []
    original = build._build

    def count(folder, *args):
        built.append(folder)
        original(folder, *args)

    monkeypatch.setattr(build, "_build", count)
    return built


@pytest.fixture
def path(tmp_path) -> Path:
    path = tmp_path / "mine.csv"
    path.write_text("label,text\n" + "".join(f"{i % 3},word{i % 7} the A{i}\n" for i in range(90)))
    return path


def test_the_second_run_reads_nothing(path, load, counted):
    first = load(path=str(path))
    again = load(
        path=str(path), length=5, vocabulary=20, validation=0.2, seed=3
    )  # none of these changes what is stored
    assert len(counted) == 1
    assert again.key == first.key


def test_words_are_counted_once_for_every_vocabulary(path, load, tmp_path, monkeypatch):
    made, original = [], word_spaces.write_store
    monkeypatch.setattr(word_spaces, "write_store", lambda *given: made.append(given) or original(*given))
    corpus = load(path=str(path))
    sizes = [len(read(corpus, tmp_path, size)[0].space.table) for size in (20, 30_000, 20)]
    assert sizes == [20, 100, 20]
    assert len(made) == 2


def test_other_content_or_columns_is_another_corpus(path, load, counted):
    keys = {load(path=str(path)).key, load(path=str(path), text=["text", "text"]).key}
    path.write_text(path.read_text().replace("word1", "ward1"))
    keys.add(load(path=str(path)).key)
    assert len(keys) == len(counted) == 3


def test_a_killed_build_leaves_nothing_that_is_read(path, load, monkeypatch, tmp_path):
    def killed(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(build, "write_texts", killed)
        with pytest.raises(KeyboardInterrupt):
            load(path=str(path))
    assert not [*(tmp_path / "cache" / "corpora").iterdir()]
    corpus = load(path=str(path))
    assert corpus.train_rows == 81
    with monkeypatch.context() as patch:
        patch.setattr(word_spaces, "write_store", killed)
        with pytest.raises(KeyboardInterrupt):
            read(corpus, tmp_path)
    assert not [*(tmp_path / "spaces").iterdir()]
    assert len(read(corpus, tmp_path)[0]) == len(corpus.train)


STOPPED_HALFWAY = """
import sys, time
from pathlib import Path
from textdd.corpora.corpus import load_corpus
from textdd.corpora.sources import DatasetConfig

def stop(what, *_):
    print(what, flush=True)
    time.sleep(600)

load_corpus(DatasetConfig(name="local", path=sys.argv[1]), None, Path(sys.argv[2]), 0, stop)
"""


def test_a_build_waits_for_another_process_and_clears_up_after_it_when_that_is_killed(path, load, tmp_path):
    command = [sys.executable, "-c", STOPPED_HALFWAY, str(path), str(tmp_path / "cache")]
    waiting = threading.Thread(target=load, kwargs={"path": str(path)})
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout.readline() == "reading train\n"
            (half,) = (left for left in (tmp_path / "cache" / "corpora").iterdir() if left.suffix != ".lock")
            waiting.start()
            waiting.join(0.3)
            assert waiting.is_alive()
            assert half.is_dir()
        finally:
            other.kill()
    waiting.join()
    left = sorted(path.name for path in (tmp_path / "cache" / "corpora").iterdir())
    assert left == [f".{left[1]}.seal", left[1]]
    assert load(path=str(path)).train_rows == 81


def test_of_two_builds_at_once_one_is_done(path, load, counted):
    both = [threading.Thread(target=load, kwargs={"path": str(path)}) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert len(counted) == 1


def test_a_file_that_was_not_touched_is_not_read_again(path, load, monkeypatch):
    settled = time.time() + 2 * content.SETTLED_SECONDS
    monkeypatch.setattr(content.time, "time", lambda: settled)
    first = load(path=str(path))
    text = path.read_bytes()
    path.write_bytes(text[::-1])  # of the same size, but the system noted the time
    with pytest.raises(TextddError):
        load(path=str(path))
    path.write_bytes(text)
    assert load(path=str(path)).key == first.key
    monkeypatch.setattr(content.hashlib, "file_digest", None)  # nothing is read from now on
    assert load(path=str(path)).key == first.key


def test_a_file_that_was_written_a_moment_ago_is_read_again(path, tmp_path):
    first = content.content_hash(path, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()
    assert content.content_hash(path, tmp_path / "cache") == first


def test_progress_is_reported(path, tmp_path):
    seen = []
    config = DatasetConfig(name="local", path=str(path), test_path=str(path))
    corpus = load_corpus(config, None, tmp_path / "cache", 0, lambda *report: seen.append(report))
    assert seen == [("reading train", 90, 0), ("reading test", 90, 0)]
    seen.clear()
    vectors = word_spaces.EmbeddingConfig("random")
    word_spaces.word_space(vectors, corpus, 100, 48, None, tmp_path, 0, lambda *report: seen.append(report))
    assert seen == [("counting words", 90, 90), ("tokenising train", 90, 90), ("tokenising test", 90, 90)]


def test_splits_share_nothing_and_keep_the_shares_of_classes(path, load):
    corpus = load(path=str(path))
    rows = [corpus.train.rows, corpus.validation.rows, corpus.test.rows]
    assert sorted(np.concatenate(rows)) == list(range(90))
    assert np.bincount(corpus.test.targets).tolist() == [3] * 3
    assert sorted(np.bincount(corpus.validation.targets)) == [2, 3, 3]
    assert corpus.train_rows == 81
    other = load(path=str(path), seed=1)
    assert (other.test.rows == corpus.test.rows).all()  # one test split under every seed
    assert set(other.validation.rows) != set(corpus.validation.rows)
    assert (load(path=str(path)).validation.rows == corpus.validation.rows).all()


def test_carving_is_stratified_and_leaves_one_of_each_class():
    labels = np.repeat([0, 1, 2], [100, 10, 2])
    kept, carved = carve(labels, 11, ["a", "b", "c"], "validation", numpy_generator(0, "test"))
    assert np.bincount(labels[carved]).tolist() == [10, 1, 1]
    assert np.bincount(labels[kept]).tolist() == [90, 9, 1]
    kept, carved = carve(labels, 111, ["a", "b", "c"], "validation", numpy_generator(0, "test"))
    assert np.bincount(labels[kept]).tolist() == [1, 1, 1]
    _, carved = carve(np.repeat(np.arange(7), 9), 17, list("abcdefg"), "test", numpy_generator(0, "test"))
    assert len(carved) == 17


def test_texts_are_kept_as_they_were_and_taken_in_any_order(load, tmp_path):
    texts = [f"Näïve  Text\n{i}" for i in range(25_000)]  # several batches of the store
    pa.parquet.write_table(pa.table({"text": texts, "label": [i % 2 for i in range(25_000)]}), tmp_path / "t.parquet")
    corpus = load(path=str(tmp_path / "t.parquet"), test_path=str(tmp_path / "t.parquet"))
    rows = numpy_generator(0, "rows").permutation(25_000)[:50]
    assert corpus.test.texts(rows) == [(texts[i],) for i in rows]
    assert corpus.test.stored_bytes(rows) == sum(len(texts[i].encode()) for i in rows)
    again = pickle.loads(pickle.dumps(corpus.test))
    assert again.texts(rows[:3]) == corpus.test.texts(rows[:3])
    assert len(pickle.dumps(corpus.test)) < 2_000 + corpus.test.rows.nbytes + corpus.test.targets.nbytes


PAIRS = "".join(f"{'yes' if i % 2 else 'no'},a man {i},a dog {i % 3}\n" for i in range(40))


def test_pairs_keep_both_segments(load, tmp_path):
    (tmp_path / "p.csv").write_text("label,one,two\n" + PAIRS)
    config = {"path": str(tmp_path / "p.csv"), "test_path": str(tmp_path / "p.csv"), "text": ["one", "two"]}
    corpus = load(**config, pair=True)
    assert corpus.pair
    assert corpus.test.texts([3, 0]) == [("a man 3", "a dog 0"), ("a man 0", "a dog 0")]
    assert corpus.test.stored_bytes([0]) == len("a man 0a dog 0")
    joined = load(**config)
    assert not joined.pair
    assert joined.test.texts([3]) == [("a man 3 a dog 0",)]
    with pytest.raises(TextddError, match=r"a pair has two columns. Type for instance: dataset.text=\[premise"):
        load(**{**config, "text": "one"}, pair=True)


LABELS = [["red"], ["red", "blue"], [], ["green"]]


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
@pytest.mark.parametrize("form", ["lists", "strings", "columns"])
def test_several_labels_of_every_form_are_the_same(form, suffix, load, tmp_path):
    rows = [{"text": f"w{i}", "labels": LABELS[i % 4]} for i in range(60)]
    path, config = tmp_path / f"m.{suffix}", {"labels": "labels"}
    if form == "strings":
        rows = [{**row, "labels": ";".join(row["labels"])} for row in rows]
        config["label_separator"] = ";"
    elif form == "columns":
        rows = [{"text": r["text"], **{n: int(n in r["labels"]) for n in ("blue", "green", "red")}} for r in rows]
        config["labels"] = ["blue", "green", "red"]
    if suffix == "parquet":
        pa.parquet.write_table(pa.Table.from_pylist(rows), path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    corpus = load(path=str(path), test_path=str(path), **config)
    assert (corpus.task.name, corpus.classes) == ("several_labels", ["blue", "green", "red"])
    assert corpus.test.targets[:4].tolist() == [[0, 0, 1], [1, 0, 1], [0, 0, 0], [0, 1, 0]]
    assert corpus.test.strata[:4].tolist() == [2, 0, 3, 1]  # the rarest; texts without any are a group of their own
    both = np.concatenate([corpus.train.rows, corpus.validation.rows])
    assert sorted(both) == list(range(60))
    assert set(corpus.validation.strata) == {0, 1, 2, 3}


NAMED = ["blue", "green", "red"]


@pytest.mark.parametrize("own", [(), ("red", "blue", "green")])
def test_lists_of_integers_are_the_labels_that_are_named(own, load, tmp_path):
    """Positions in what the folder says its integers stand for, else in the labels that were named."""
    order = own or NAMED
    written = [[[order.index(name) for name in LABELS[i % 4]] for i in range(60)]]
    table = pa.table({"text": [f"w{i}" for i in range(60)], "labels": written[0]})
    (tmp_path / "m").mkdir()
    for part in ("train", "test"):
        pa.parquet.write_table(table, tmp_path / "m" / f"{part}.parquet")
    if own:
        (tmp_path / "m" / "classes.txt").write_text("\n".join(own))
    corpus = load(path=str(tmp_path / "m"), labels="labels", classes=NAMED)
    assert corpus.classes == NAMED
    assert corpus.test.targets[:4].tolist() == [[0, 0, 1], [1, 0, 1], [0, 0, 0], [0, 1, 0]]
    with pytest.raises(TextddError, match=rf"row \d+: there is no label '{order.index('red')}'.*dataset\.classes=\["):
        load(path=str(tmp_path / "m"), labels="labels", classes=NAMED[:2])


def test_integers_that_are_found_are_names(load, tmp_path):
    rows = [{"text": f"w{i}", "labels": [[2], [5], [], [5, 2]][i % 4]} for i in range(60)]
    path = tmp_path / "m.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert load(path=str(path), labels="labels").classes == ["2", "5"]
    (tmp_path / "t.jsonl").write_text(json.dumps({"text": "w", "labels": [1]}) + "\n")
    with pytest.raises(TextddError, match=r"t\.jsonl, row 1: there is no label '1'"):
        load(path=str(path), test_path=str(tmp_path / "t.jsonl"), labels="labels")


def test_splits_of_several_labels_keep_the_shares_of_the_rarest(load, tmp_path):
    rows = "".join(f"{int(i % 2 == 0)},{int(i % 5 == 0)},{int(i % 20 == 0)},w{i}\n" for i in range(400))
    (tmp_path / "m.csv").write_text("often,seldom,rare,text\n" + rows)
    corpus = load(path=str(tmp_path / "m.csv"), labels=["often", "seldom", "rare"])
    splits = corpus.train, corpus.validation, corpus.test
    assert sorted(np.concatenate([split.rows for split in splits])) == list(range(400))
    assert [len(split) for split in splits] == [324, 36, 40]
    for split in splits:  # 160 are often and nothing rarer, 60 seldom, 20 rare, and 160 have no label
        shares = np.array([160, 60, 20, 160]) / 400 * len(split)
        assert np.bincount(split.strata, minlength=4) == pytest.approx(shares, abs=1)


@pytest.mark.parametrize(
    ("cells", "config", "message"),
    [
        ("0,2", {"labels": ["a", "b"]}, r"row 2: column 'b' holds '2'.* 0 and 1.*dataset\.labels=NAME"),
        ("0,1", {"labels": ["a", "b"], "classes": ["x", "y"]}, r"Type: dataset\.classes=\[\]"),
        ("x;z,1", {"labels": "a", "label_separator": ";", "classes": ["x", "y"]}, r"row 2: there is no label 'z'"),
        ("0,1", {"labels": ["a", "c"]}, r"no column 'c'.*Type for instance: 'dataset\.labels=\[a,b\]'$"),
    ],
)
def test_mistakes_in_several_labels_say_what_to_type(cells, config, message, load, tmp_path):
    (tmp_path / "m.csv").write_text(f"a,b,text\n{cells},w\n" + "0,1,v\n1,0,u\n" * 4)
    with pytest.raises(TextddError, match=message):
        load(path=str(tmp_path / "m.csv"), **config)


def test_a_file_without_any_text_leaves_nothing_behind(path, load, tmp_path):
    empty = tmp_path / "empty.csv"
    empty.write_text("label,text\n0,\n1,\n")
    for _ in range(2):
        with pytest.raises(TextddError, match=r"empty.csv holds no text with a label"):
            load(path=str(path), test_path=str(empty), on_empty="drop")


def test_real_ag_news(real_data, tmp_path, load):
    corpus = load(
        real_data, name="ag_news", hub="fancyzhx/ag_news", classes=["World", "Sports", "Business", "Sci/Tech"]
    )
    _, _, test = read(corpus, tmp_path)
    assert (corpus.train_rows, len(corpus.validation), len(corpus.test)) == (58_528, 5_000, 7_600)
    assert np.bincount(corpus.validation.targets).tolist() == [1250] * 4
    assert test.text(0).startswith("fears for t n pension after talks")
    zhang = real_data / "zhang_format" / "ag_news_csv" / "test.csv"
    if zhang.is_file():
        original = load(path=str(zhang), test_path=str(zhang), classes=corpus.classes)
        rows = np.arange(len(original.test))  # the original's first rows, in the same order
        assert (original.test.targets == corpus.test.targets[rows]).all()
        its_words = read(original, tmp_path)[2]
        assert (its_words.batch(rows).mask.sum() / test.batch(rows).mask.sum()).item() == pytest.approx(1, abs=0.01)
