"""A corpus is tokenised once, split by seed, and read in one indexing operation."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from textdd.corpora import build, content
from textdd.corpora.splits import carve
from textdd.errors import TextddError
from textdd.seeds import numpy_generator
from textdd.spaces.tokeniser import PAD, SPECIAL, UNK, train_tokeniser, words


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


def test_the_second_run_tokenises_nothing(path, load, counted):
    first = load(path=str(path))
    again = load(path=str(path), length=5, validation=0.2, seed=3)  # none of these changes what is stored
    assert len(counted) == 1
    assert again.key == first.key
    assert again.length == again.train.length == 5


def test_other_content_or_columns_or_vocabulary_is_another_corpus(path, load, counted):
    keys = {load(path=str(path)).key, load(path=str(path), vocabulary=20).key}
    path.write_text(path.read_text().replace("word1", "ward1"))
    keys.add(load(path=str(path)).key)
    assert len(keys) == len(counted) == 3


def test_a_killed_build_leaves_nothing_that_is_read(path, load, monkeypatch, tmp_path):
    def killed(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(build, "write_store", killed)
        with pytest.raises(KeyboardInterrupt):
            load(path=str(path))
    assert [left.suffix for left in (tmp_path / "cache" / "corpora").iterdir()] == [".lock"]
    assert load(path=str(path)).train_rows == 81


STOPPED_HALFWAY = """
import sys, time
from pathlib import Path
from textdd.corpora.corpus import load_corpus
from textdd.corpora.sources import DatasetConfig

def stop(what, *_):
    if what == "tokenising train":
        print(what, flush=True)
        time.sleep(600)

load_corpus(DatasetConfig(name="local", path=sys.argv[1]), None, Path(sys.argv[2]), 0, stop)
"""


def test_a_build_waits_for_another_process_and_clears_up_after_it_when_that_is_killed(path, load, tmp_path):
    command = [sys.executable, "-c", STOPPED_HALFWAY, str(path), str(tmp_path / "cache")]
    waiting = threading.Thread(target=load, kwargs={"path": str(path)})
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout.readline() == "tokenising train\n"
            (half,) = (left for left in (tmp_path / "cache" / "corpora").iterdir() if left.suffix != ".lock")
            waiting.start()
            waiting.join(0.3)
            assert waiting.is_alive()
            assert half.is_dir()
        finally:
            other.kill()
    waiting.join()
    (whole,) = (left for left in (tmp_path / "cache" / "corpora").iterdir() if left.suffix != ".lock")
    assert not whole.name.startswith(".")
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
    from textdd.corpora.corpus import load_corpus
    from textdd.corpora.sources import DatasetConfig

    seen = []
    config = DatasetConfig(name="local", path=str(path), test_path=str(path))
    load_corpus(config, None, tmp_path / "cache", 0, lambda *report: seen.append(report))
    assert seen == [("counting words", 90, 0), ("tokenising train", 90, 90), ("tokenising test", 90, 0)]


def test_splits_share_nothing_and_keep_the_shares_of_classes(path, load):
    corpus = load(path=str(path))
    rows = [corpus.train.rows, corpus.validation.rows, corpus.test.rows]
    assert sorted(np.concatenate(rows)) == list(range(90))
    assert np.bincount(corpus.test.labels).tolist() == [3] * 3
    assert sorted(np.bincount(corpus.validation.labels)) == [2, 3, 3]
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


def test_a_batch_is_what_the_tokeniser_says(demo):
    rows = np.array([5, 0, 5])
    batch = demo.validation.batch(rows)
    longest = int(batch.mask.sum(1).max())
    assert batch.ids.shape == batch.mask.shape == (3, longest)  # no padding beyond the longest text
    assert (batch.labels.numpy() == demo.validation.labels[rows]).all()
    for i, row in enumerate(rows):
        ids = demo.tokeniser.encode(demo.validation.text(row)).ids
        assert batch.ids[i][batch.mask[i]].tolist() == ids
        assert (batch.ids[i][~batch.mask[i]] == PAD).all()


def test_runs_give_every_token_once(demo):
    store, rows = demo.train.store, demo.train.rows[::3]
    runs = list(store.runs(rows, tokens=100))
    assert len(runs) > 10
    assert all(len(tokens) == len(owner) for tokens, owner in runs)
    owners = np.concatenate([owner for _, owner in runs])
    tokens = np.concatenate([tokens for tokens, _ in runs])
    for i in (0, 7, len(rows) - 1):
        assert (tokens[owners == i] == store.tokens[store.offsets[rows[i]] : store.offsets[rows[i] + 1]]).all()
    assert len(tokens) == np.diff(store.offsets)[rows].sum()


def test_a_split_travels_to_another_process_as_its_path(demo):
    stored = pickle.dumps(demo.train)
    assert len(stored) < 20_000 + demo.train.rows.nbytes + demo.train.labels.nbytes
    assert (pickle.loads(stored).batch(np.arange(4)).ids == demo.train.batch(np.arange(4)).ids).all()


def test_the_vocabulary_is_of_the_most_frequent_words():
    tokeniser = train_tokeniser([pa.array(["The cat's naïve"]), pa.array(["the CAT the"])], vocabulary=5)
    assert words(tokeniser) == [*SPECIAL, "the", "cat", "'"]
    assert tokeniser.encode("the dog").ids == [2, UNK]


def test_a_text_of_invisible_signs_still_has_a_token(tmp_path, load):
    path = tmp_path / "mine.csv"
    path.write_text("label,text\n" + "a,x\nb,y\n" * 4 + "a,\u200b\n", encoding="utf-8")
    corpus = load(path=str(path), test_path=str(path))
    assert corpus.test.batch(np.array([8])).ids[0, 0] == UNK
    assert corpus.test.batch(np.array([8])).mask.sum() == 1


def test_a_large_vocabulary_is_stored_in_wider_integers(tmp_path, load):
    path = tmp_path / "mine.csv"
    text = " ".join(f"w{i}" for i in range(500))
    rows = [f"{row % 2}," + " ".join(f"w{row}x{i}" for i in range(500)) for row in range(140)]
    path.write_text("\n".join(["label,text", *rows, f"0,{text}"]) + "\n")
    corpus = load(path=str(path), vocabulary=70_000, length=512)
    assert corpus.train.store.tokens.dtype == np.uint32
    assert corpus.train.text(0).startswith("w")
    assert load(path=str(path), vocabulary=1000).train.store.tokens.dtype == np.uint16


def test_real_ag_news(real_data, tmp_path, load):
    corpus = load(
        real_data, name="ag_news", hub="fancyzhx/ag_news", classes=["World", "Sports", "Business", "Sci/Tech"]
    )
    assert (corpus.train_rows, len(corpus.validation), len(corpus.test)) == (58_528, 5_000, 7_600)
    assert np.bincount(corpus.validation.labels).tolist() == [1250] * 4
    assert corpus.test.text(0).startswith("fears for t n pension after talks")
    zhang = real_data / "zhang_format" / "ag_news_csv" / "test.csv"
    if zhang.is_file():
        original = load(path=str(zhang), test_path=str(zhang), classes=corpus.classes)
        rows = np.arange(len(original.test))  # the original's first rows, in the same order
        assert (original.test.labels == corpus.test.labels[rows]).all()
        assert (original.test.batch(rows).mask.sum() / corpus.test.batch(rows).mask.sum()).item() == pytest.approx(
            1, abs=0.01
        )
