"""Attacks on a set without students, beside probabilities counted by hand and a loop."""

import math

import numpy as np
import pytest

from textdd.quality.against import Likeness
from textdd.quality.grams import Index, flat_words
from textdd.quality.variety import columns
from textdd.trust.config import TrustingConfig
from textdd.trust.itself import Bigrams, nearest, on_texts


def flat(texts):
    return flat_words(columns([(text,) for text in texts]))


def test_bigrams_are_counted_by_hand():
    model = Bigrams(Index(flat(["a b a b", "a c"])))  # V = 3, and one word for all others
    probabilities = {
        "a": [3 / 6],  # both of two texts begin so
        "a b": [3 / 6, 3 / 7],  # a is followed three times, twice by b
        "b b": [1 / 6, 1 / 5],  # none begins so; b is followed once, by a
        "z c": [1 / 6, 1 / 4],  # another word, behind which nothing was seen
    }
    found = model.losses(flat(list(probabilities)))
    expected = [-sum(map(math.log, those)) / len(those) for those in probabilities.values()]
    assert found == pytest.approx(expected)


def test_probabilities_of_what_follows_add_up_to_one():
    index = Index(flat(["the cat sat on the mat", "the dog sat"]))
    model, words = Bigrams(index), [*index.vocabulary.to_pylist(), "unknown"]
    begun = model.losses(flat(["the"]))[0]
    after = model.losses(flat([f"the {word}" for word in words])) * 2 - begun
    assert np.exp(-after).sum() == pytest.approx(1)


@pytest.mark.parametrize("block", [1, 3, 100])
def test_nearest_is_that_of_all_pairs(block):
    generator = np.random.default_rng(0)
    texts = [" ".join(f"w{i}" for i in generator.integers(20, size=generator.integers(1, 9))) for _ in range(20)]
    index = Index(flat(texts[:5]))
    assert nearest(index, flat(texts), block) == pytest.approx(Likeness(index)(flat(texts)).max(axis=1))


def test_a_set_of_copies_gives_them_away_and_one_of_other_texts_does_not():
    generator = np.random.default_rng(1)
    texts = [" ".join(f"w{i}" for i in generator.integers(500, size=12)) for _ in range(120)]
    options = TrustingConfig(resamples=100)
    copied = on_texts(Index(flat(texts[:40])), flat(texts[:40]), flat(texts[40:80]), options, 0)
    foreign = on_texts(Index(flat(texts[80:])), flat(texts[:40]), flat(texts[40:80]), options, 0)
    for name in ("bigrams", "likeness"):
        assert copied[name]["area"]["value"] > 0.99
        assert copied[name]["found"]["value"] > 0.9
        low, high = foreign[name]["area"]["interval"]
        assert low < 0.5 < high
    assert (copied["members"], copied["others"]) == (40, 40)
