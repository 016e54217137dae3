"""The demo corpus is always the same, looks like language, and leaves something to learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from textdd.corpora.demo import DemoConfig, demo_splits, pseudo_words
from textdd.corpora.sources import DatasetConfig, check_config
from textdd.errors import TextddError
from textdd.seeds import numpy_generator


@pytest.fixture(scope="module")
def demo_texts() -> tuple[list[str], np.ndarray, list[str], np.ndarray]:
    train, test = (next(split.batches(["text", "label"])) for split in demo_splits(DemoConfig()))
    return (
        train["text"].to_pylist(),
        train["label"].to_numpy(),
        test["text"].to_pylist(),
        test["label"].to_numpy(),
    )


def test_its_size_and_shape(demo_texts):
    texts, labels, test_texts, _ = demo_texts
    lengths = np.array([len(text.split()) for text in texts])
    assert (len(texts), len(test_texts)) == (6000, 2000)
    assert (lengths.min(), lengths.max()) == (8, 40)
    assert np.bincount(labels).min() > 1100
    assert len(set(texts) & set(test_texts)) == 0


def test_its_words_follow_zipf(demo_texts):
    _, counts = np.unique(" ".join(demo_texts[0]).split(), return_counts=True)
    counts = np.sort(counts)[::-1]
    assert 3500 < len(counts) <= 4000
    assert counts[: len(counts) // 10].sum() > counts.sum() / 2


def test_all_texts_teach_much_more_than_a_few(demo_texts):
    texts, labels, test_texts, test_labels = demo_texts
    vectoriser = CountVectorizer(binary=True)
    words, test_words = vectoriser.fit_transform(texts), vectoriser.transform(test_texts)
    full = LogisticRegression(C=0.1, max_iter=300).fit(words, labels).score(test_words, test_labels)
    few = np.concatenate([np.flatnonzero(labels == topic)[:10] for topic in range(5)])
    little = LogisticRegression(C=1.0, max_iter=300).fit(words[few], labels[few]).score(test_words, test_labels)
    assert 0.84 < full < 0.92
    assert 0.22 < little < 0.6


def test_it_depends_on_its_own_seed_only():
    def first(config: DemoConfig) -> str:
        return next(demo_splits(config)[0].batches(["text"]))["text"][0].as_py()

    assert first(DemoConfig()) == first(DemoConfig())
    assert first(DemoConfig()) != first(DemoConfig(seed=1))
    assert demo_splits(DemoConfig())[0].fingerprint() != demo_splits(DemoConfig(seed=1))[0].fingerprint()


def test_its_words_are_distinct():
    for count in (10, 4_900, 4_971, 100_000):
        words = pseudo_words(count, numpy_generator(0, "test"))
        assert len(set(words)) == count


@pytest.mark.parametrize("wrong", [{"topics": 1}, {"words": 50}, {"longest": 3}, {"topical": 0.9}, {"noise": 1.5}])
def test_numbers_out_of_range_are_an_error(wrong):
    with pytest.raises(TextddError, match=r"dataset\.demo\."):
        check_config(DatasetConfig(demo=DemoConfig(**wrong)))
