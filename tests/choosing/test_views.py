"""Views: no text is read twice, and other seeds find what the first one read."""

import dataclasses

import numpy as np
import torch

from textdd.choosing.encoders import Encoder
from textdd.choosing.views import Views, file_sample, sample_of
from textdd.corpora.corpus import Split


class Lengths(Encoder):
    """Signs and words of a text; keeps what it was asked."""

    what = "a ruler"

    def __init__(self):
        self.key, self.asked = "lengths", []

    def read(self, texts):
        self.asked += texts
        return torch.tensor([[[len(text[0]), text[0].count(" ")] for text in texts]]).float()


def with_seed(problem, seed):
    """The same corpus with other validation texts."""
    corpus, rows = problem.corpus, np.random.default_rng(seed).permutation(len(problem.corpus.train.store))
    parts = (Split(corpus.train.store, np.sort(part)) for part in (rows[60:], rows[:60]))
    train, validation = parts
    return dataclasses.replace(problem, corpus=dataclasses.replace(corpus, train=train, validation=validation))


def test_other_seeds_find_what_the_first_one_read(problem, tmp_path):
    problem, encoder = dataclasses.replace(problem, cache=tmp_path), Lengths()
    for seed in range(3):
        views = Views([encoder], with_seed(problem, seed), 200)
        views.of(sample_of(with_seed(problem, seed), 200).texts(np.arange(100)))
    sample = file_sample(problem, 200)
    assert sorted(encoder.asked) == sorted(set(sample.texts(np.arange(len(sample)))))


def test_any_texts_have_their_own_features_in_their_order(problem, tmp_path):
    problem = dataclasses.replace(problem, cache=tmp_path)
    views = Views([Lengths()], problem, 100)
    known, fresh = sample_of(problem, 100).texts(np.arange(3)), [("a b",), ("abc",), ("a b",)]
    texts = [fresh[0], known[2], fresh[1], known[0], fresh[2]]
    (view,) = views.of(texts)
    assert view.tolist() == [[len(text), text.count(" ")] for (text,) in texts]
    assert all(map(torch.equal, views.of(known), Views([Lengths()], problem, 100).fresh(known)))


def test_validation_texts_are_no_training_texts(problem):
    for seed in range(3):
        split = with_seed(problem, seed)
        rows = sample_of(split, 300).rows
        assert len(rows) > 200
        assert not set(rows) & set(split.corpus.validation.rows)
