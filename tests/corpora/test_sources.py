"""Files come before the hub; what is missing is named, with what to type."""

from __future__ import annotations

from pathlib import Path

import datasets
import pytest

from textdd.errors import TextddError

ROWS = "label,text\n" + "0,w x\n1,y z\n" * 6
NEWS = {"name": "news", "hub": "someone/news", "classes": ["a", "b"], "text": ["title", "body"]}


@pytest.fixture
def no_hub(monkeypatch):
    def refuse(*args, **kwargs):
        raise ConnectionError("no route to host")

    monkeypatch.setattr(datasets, "load_dataset", refuse)


@pytest.mark.parametrize("folder", ["news", "news_csv"])
def test_files_come_before_the_hub(folder, tmp_path, load, no_hub):
    (tmp_path / folder).mkdir()
    for part in ("train", "test"):
        (tmp_path / folder / f"{part}.csv").write_text(ROWS)
    corpus = load(tmp_path, **NEWS)  # columns label and text, although the hub's are title and body
    assert (corpus.classes, corpus.train_rows, len(corpus.test)) == (["a", "b"], 12, 12)


def test_numbered_pieces_are_read_in_order(tmp_path, load):
    for i, label in enumerate("ab"):
        (tmp_path / f"train-0000{i}-of-00002.csv").write_text("label,text\n" + f"{label},x{i}\n" * 5)
    (tmp_path / "test.csv").write_text("label,text\na,x0\n")
    corpus = load(path=str(tmp_path))
    assert corpus.train_rows == 10
    assert corpus.train.store.targets.tolist() == [0] * 5 + [1] * 5


def test_a_half_copied_corpus_is_an_error(tmp_path, load, no_hub):
    (tmp_path / "news").mkdir()
    (tmp_path / "news" / "train.csv").write_text(ROWS)
    with pytest.raises(TextddError, match=r"news holds no test file.*test\.csv"):
        load(tmp_path, **NEWS)
    (tmp_path / "news" / "train.csv").rename(tmp_path / "news" / "test.csv")
    with pytest.raises(TextddError, match=r"news holds no train file.*train\.csv"):
        load(tmp_path, **NEWS)


def test_two_train_files_are_an_error(tmp_path, load):
    (tmp_path / "train.csv").write_text(ROWS)
    (tmp_path / "train.tsv").write_text(ROWS)
    with pytest.raises(TextddError, match=r"holds train\.csv and train\.tsv\. Keep one"):
        load(path=str(tmp_path))


def test_a_corpus_that_is_nowhere_says_where_it_was_looked_for(tmp_path, load, no_hub):
    with pytest.raises(TextddError, match=r"looked in: .*news, .*news_csv.*someone/news.*no route.*data_dir="):
        load(tmp_path, **NEWS)
    with pytest.raises(TextddError, match="data_dir is not set"):
        load(**NEWS)


def test_a_local_corpus_needs_a_path(tmp_path, load):
    with pytest.raises(TextddError, match=r"dataset=local dataset\.path="):
        load()
    with pytest.raises(TextddError, match="holds no train file"):
        load(path=str(tmp_path))


def test_classes_txt_names_the_integers(tmp_path, load):
    (tmp_path / "classes.txt").write_text("red\ngreen\n\n")
    (tmp_path / "train.csv").write_text(ROWS)
    corpus = load(path=str(tmp_path))
    assert corpus.classes == ["red", "green"]
    reordered = load(path=str(tmp_path), classes=["green", "red"])
    assert (reordered.train.store.targets == 1 - corpus.train.store.targets).all()


def test_the_hub_is_asked_once_when_the_revision_is_pinned(load, monkeypatch, tmp_path):
    asked = []

    def fake(path, *, revision, split, cache_dir):
        asked.append((path, revision, split))
        string = datasets.Value("string")
        features = datasets.Features({"topic": datasets.ClassLabel(names=["b", "a"]), "title": string, "body": string})
        rows = {"topic": [0, 1] * 4, "title": ["t"] * 8, "body": ["x", None] * 4}
        return datasets.Dataset.from_dict(rows, features=features)

    monkeypatch.setattr(datasets, "load_dataset", fake)
    config = {**NEWS, "label": "topic", "revision": "abc", "hub_test": "validation"}
    corpus = load(**config)
    assert corpus.test.texts([0, 1]) == [("t x",), ("t",)]
    assert corpus.test.targets.tolist() == [1, 0] * 4  # by name, although the hub has them in another order
    load(**{**config, "length": 7})
    assert asked == [("someone/news", "abc", "train"), ("someone/news", "abc", "validation")]


def test_every_corpus_of_conf_is_a_valid_configuration():
    from omegaconf import OmegaConf

    from textdd.corpora.sources import DatasetConfig, check_config
    from textdd.spaces.vectors import EMBEDDINGS, EmbeddingConfig

    conf = Path(__file__).parents[2] / "conf"
    files = sorted((conf / "dataset").glob("*.yaml"))
    assert len(files) == 12
    for file in files:
        assert file.read_text().startswith("# ")
        config = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(DatasetConfig), OmegaConf.load(file)))
        assert config.name == file.stem
        check_config(config)
    for name in EMBEDDINGS:
        file = conf / "embedding" / f"{name}.yaml"
        config = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(EmbeddingConfig), OmegaConf.load(file)))
        assert config.name == name
