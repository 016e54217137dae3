"""Texts that contain one another are found, all of them, and stay on one side of a split."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.conftest import SMALL_DEMO
from textdd.corpora import groups as module
from textdd.corpora.corpus import load_corpus
from textdd.corpora.groups import SHORTEST, groups_of, tied
from textdd.corpora.sources import DatasetConfig
from textdd.corpora.splits import carve_whole
from textdd.errors import TextddError
from textdd.seeds import numpy_generator


def by_hand(texts):
    """Groups by looking at every pair of texts."""
    words = [text.casefold().split() for text in texts]
    group = list(range(len(texts)))
    for i, own in enumerate(words):
        for j, other in enumerate(words):
            runs = (other[k : k + len(own)] for k in range(len(other) - len(own) + 1))
            if i != j and len(own) >= SHORTEST and own in runs:
                group = [group[j] if g == group[i] else g for g in group]
    return group


def same(one, other):
    """Whether two numberings make the same groups."""
    return len(set(one)) == len(set(other)) == len(set(zip(one, other, strict=True)))


TEXTS = st.lists(st.lists(st.sampled_from("ab"), max_size=14).map(" ".join), max_size=12)


@settings(max_examples=150, deadline=None)
@given(TEXTS)
@example(["a b a b", "B A  b a b", "a b a", "", "a b a b a b a b a", "b a b a b a b a"])
def test_groups_are_those_of_looking_at_every_pair(texts):
    assert same(groups_of(texts).tolist(), by_hand(texts))


def test_pairs_are_looked_at_in_pieces(monkeypatch):
    texts = ["x a b c d y", "a b c d", "q a b c d", "a b c d e"] * 3 + ["alone it is here"]
    expected = groups_of(texts).tolist()
    monkeypatch.setattr(module, "PAIRS_AT_A_TIME", 3)
    assert groups_of(texts).tolist() == expected
    monkeypatch.setattr(module, "MOST_WORDS", 10)
    assert tied(groups_of(texts)) == 0


@settings(max_examples=100, deadline=None)
@given(st.integers(20, 120), st.integers(1, 30), st.integers(0, 9))
def test_a_part_has_whole_groups(n, kinds, seed):
    rng = np.random.default_rng(seed)
    labels, groups = np.arange(n) % 2, np.unique(rng.integers(0, kinds, n), return_inverse=True)[1]
    try:
        kept, carved = carve_whole(labels, groups, n / 4, ["a", "b"], "validation", numpy_generator(seed, "test"))
    except TextddError:  # one group has all of a class, say
        return
    assert sorted([*kept, *carved]) == list(range(n))
    assert not set(groups[kept]) & set(groups[carved])
    assert set(labels[carved]) == {0, 1}


def test_one_group_cannot_be_torn():
    with pytest.raises(TextddError, match=r"Type: dataset.groups=none"):
        carve_whole(np.array([0, 1] * 9), np.zeros(18, int), 4, ["a", "b"], "test", numpy_generator(0, "test"))


def test_groups_of_one_are_carved_to_size():
    labels = np.repeat([0, 1], [300, 100])
    _, carved = carve_whole(labels, np.arange(400), 40, ["a", "b"], "validation", numpy_generator(0, "test"))
    assert np.bincount(labels[carved]).tolist() == [30, 10]


@pytest.fixture
def phrases(tmp_path):
    """Sentences and three phrases of each, as in the Stanford treebank, and no test file."""
    rng, rows = np.random.default_rng(0), []
    for i in range(150):
        words = [f"w{k}" for k in rng.integers(0, 5000, 12)]
        rows += [(" ".join(words[a:b]), i % 2) for a, b in ((0, 12), (0, 6), (3, 9), (5, 12))]
    (tmp_path / "phrases.csv").write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows))
    return DatasetConfig(name="local", path=str(tmp_path / "phrases.csv"))


def parts(corpus):
    return [
        [text for (text,) in split.texts(np.arange(len(split)))]
        for split in (corpus.train, corpus.validation, corpus.test)
    ]


def torn(corpus):
    """Texts of one part of a corpus that stand in texts of another part, or hold them."""
    whole = parts(corpus)
    return sum(
        one in other or other in one
        for i, own in enumerate(whole)
        for others in whole[:i]
        for one in own
        for other in others
    )


def test_splits_keep_texts_together_that_contain_one_another(phrases, tmp_path):
    apart = load_corpus(phrases, None, tmp_path / "cache", 0)
    assert torn(apart) > 100
    phrases.groups = "auto"
    corpus = load_corpus(phrases, None, tmp_path / "cache", 0)
    assert torn(corpus) == 0
    assert any("splits keep them together" in remark for remark in corpus.remarks)
    assert sum(map(len, parts(corpus))) == 600
    assert abs(len(corpus.test) - 60) <= 4
    assert corpus.together
    assert not apart.together


def test_where_there_are_none_the_split_is_as_before(tmp_path):
    plain, looked = (
        load_corpus(DatasetConfig(name="demo", demo=SMALL_DEMO, groups=groups), None, tmp_path / "cache", 0)
        for groups in ("none", "auto")
    )
    assert np.array_equal(plain.validation.rows, looked.validation.rows)
    assert any("hardly any" in remark for remark in looked.remarks)


def test_real_phrases_are_kept_together(real_data, tmp_path):
    config = DatasetConfig(name="sst2", groups="auto")
    corpus = load_corpus(config, str(real_data), tmp_path, 0)
    assert corpus.together
    words = {len(text.split()) for (text,) in corpus.validation.texts(np.arange(len(corpus.validation)))}
    assert len(words) > 20
    held = " | ".join(text for (text,) in corpus.train.texts(np.arange(len(corpus.train))))
    longer = [t for (t,) in corpus.validation.texts(np.arange(300)) if len(t.split()) >= SHORTEST]
    assert not [text for text in longer if f" {text} " in held.replace("|", " ")]
