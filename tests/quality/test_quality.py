"""Every number of the quality report on texts that are small enough to count by hand."""

import gzip
import math

import numpy as np
import pytest
import torch

from textdd.corpora.corpus import load_corpus
from textdd.corpora.sources import DatasetConfig
from textdd.errors import TextddError
from textdd.quality.against import against, blocks
from textdd.quality.config import QualityConfig
from textdd.quality.grams import Index, contained, distinct, flat_words
from textdd.quality.overlap import overlap_note
from textdd.quality.report import examined
from textdd.quality.variety import columns, normalised, variety
from textdd.sets.texts import ABOUT_A_HUNDRED, TextSet

TRAIN = ["The cat sat on the mat", "a dog ran", "one two three four five six seven eight", "blue sky"]


def made_of(texts, origins=None):
    manifest = {"dataset": "tiny", "classes": ["a", "b"], "distiller": {"name": "x"}}
    y = torch.eye(2).repeat(len(texts), 1)[: len(texts)]
    return TextSet([(text,) for text in texts], y, None, ABOUT_A_HUNDRED, manifest, origins=origins)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A corpus whose training split holds TRAIN, beside texts of other words."""
    folder = tmp_path_factory.mktemp("tiny")
    filler = [f"filler{i} number{i}" for i in range(36)]
    for part, texts in (("train", TRAIN + filler), ("test", ["Only in  the TEST part", "test text two"])):
        rows = [f"{text},{'ab'[i % 2]}" for i, text in enumerate(texts)]
        (folder / f"{part}.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
    corpora = [
        load_corpus(DatasetConfig("tiny", path=str(folder), validation=0.1), None, folder / "cache", seed)
        for seed in range(20)
    ]
    return next(c for c in corpora if {(text,) for text in TRAIN} <= set(c.train.texts(np.arange(len(c.train)))))


def test_variety():
    texts = [("a b a b",), ("A  b a b ",), ("c",)]
    found = variety(texts)
    assert (found["tokens"], found["bytes"]) == (9, 7 + 9 + 1)
    assert found["gzip_bytes"] == len(gzip.compress(b"a b a b\nA  b a b \nc", mtime=0))
    # a, b, c of 9; ab, ba of 3 + 3; aba, bab of 2 + 2
    assert found["distinct"] == {"1": 3 / 9, "2": 2 / 6, "3": 2 / 4}
    assert found["duplicates"] == {"exact": 1, "near": 0}


LONG = "w1 w2 w3 w4 w5 w6 w7 w8 w9 w10"  # six sequences of five


@pytest.mark.parametrize(
    ("second", "near"),
    [
        (f"{LONG} w11", 1),  # all six stand in it
        (LONG.replace("w10", "x"), 1),  # five of six: 0.83
        (LONG.replace("w9", "x"), 0),  # four of six
        ("w3 w4 w5 w6", 1),  # a shorter text is one sequence
        ("w3 w4", 0),  # and two words are none
    ],
)
def test_near_duplicates(second, near):
    assert variety([(LONG,), (second,)])["duplicates"] == {"exact": 0, "near": near}


def test_white_space_case_and_segments_are_evened_out():
    found = normalised([*columns([("A\u00a0 b\t", "C"), ("ÄÖ", "d\n d")])])
    assert found.to_pylist() == ["a b\nc", "äö\nd d"]


def test_sequences_are_those_that_a_loop_finds():
    generator = np.random.default_rng(0)

    def texts(count):
        return [" ".join(f"w{i}" for i in generator.integers(6, size=generator.integers(0, 9))) for _ in range(count)]

    def grams(text, n):
        words = text.split()
        return {tuple(words[i : i + n]) for i in range(len(words) - n + 1)}

    ours, real = texts(7), texts(40)
    index, others = Index(flat_words(columns([(t,) for t in ours]))), flat_words(columns([(t,) for t in real]))
    for orders in ((1,), (1, 2), (3,), (5,)):
        shared = (index.incidence(others, orders) @ index.incidence(index.texts, orders).T).toarray()
        wanted = [[sum(len(grams(r, n) & grams(o, n)) for n in orders) for o in ours] for r in real]
        assert shared.tolist() == wanted
    assert distinct(others, (1, 2)).tolist() == [len(grams(r, 1)) + len(grams(r, 2)) for r in real]
    order = [min(5, len(o.split())) for o in ours]
    wanted = [
        [len(grams(r, n) & grams(o, n)) / len(grams(o, n)) if n > 2 else 0 for o, n in zip(ours, order, strict=True)]
        for r in real
    ]
    assert contained(index, others).toarray() == pytest.approx(np.array(wanted))


def test_nearest_and_copied(tiny):
    found = against(
        made_of(["the CAT sat  on the mat", "one two three four five six seven eight nine", "a dog", "zebra"]),
        tiny,
        lambda *_: None,
    )
    assert found.copied == ["exactly", "nearly", "", ""]  # four of the five sequences of the second
    assert found.nearest == [(TRAIN[0],), (TRAIN[2],), (TRAIN[1],), None]
    # the second: 8 words and 7 pairs of 9 and 8; the third: 2 words and 1 pair, of 3 and 2 there
    assert found.likeness == pytest.approx([1, 15 / math.sqrt(17 * 15), 3 / math.sqrt(3 * 5), 0])


def test_blocks_are_all_texts_whatever_their_size(tiny):
    store = tiny.train.store
    for most in (1, 7, 1000):
        found = list(blocks(store, most))
        assert [start for start, _ in found] == list(range(0, len(store), most))
        assert [text for _, (texts,) in found for text in texts.to_pylist()] == [
            text for (text,) in store.take(np.arange(len(store)))
        ]


def test_overlap_is_refused_unless_allowed(tiny):
    (validation,) = tiny.validation.texts(np.array([0]))[0]
    small = made_of([validation.upper(), "only in the test part", "new"])
    with pytest.raises(TextddError, match=r"Of the 3 texts of the set, 1 among the validation texts and 1 among the t"):
        examined(small, tiny, QualityConfig())
    found = examined(small, tiny, QualityConfig(allow_overlap=True))
    assert found["overlap"] == {"validation": 1, "test": 1}
    assert (
        overlap_note(found["overlap"], 3)
        == "of the 3 texts of the set, 1 among the validation texts and 1 among the test texts"
    )
    assert examined(small, tiny, QualityConfig(), measured=False)["overlap"] == found["overlap"]
    assert overlap_note(examined(made_of(["new"]), tiny, QualityConfig())["overlap"], 1) == ""


def test_report(tiny):
    found = examined(made_of([TRAIN[1], "zebra"], ["real", "written"]), tiny, QualityConfig())
    assert found["origins"] == {"real": 1, "written": 1}
    assert found["copied"] == {"exactly": 0.5, "nearly": 0.0}
    assert found["likeness"] == pytest.approx(0.5)
    assert found["perplexity"] is None
    assert found["texts"] == [
        {"text": TRAIN[1], "label": "a", "origin": "real", "nearest": TRAIN[1], "likeness": 1.0, "copied": "exactly"},
        {"text": "zebra", "label": "b", "origin": "written", "nearest": None, "likeness": 0.0, "copied": ""},
    ]
