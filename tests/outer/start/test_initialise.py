"""Real, spread and random starts: which texts they are, of which class, and how they are read."""

import numpy as np
import pytest
import torch

from tests.distillers.test_distillers import options
from textdd.errors import TextddError
from textdd.outer.distil import make_distiller
from textdd.outer.start.initialise import initial_texts, random_of_class
from textdd.outer.start.telling import telling_passages
from textdd.selectors import SELECTORS


@pytest.mark.parametrize("start", ["real", "kmeans"])
def test_real_starts_are_real_texts_of_their_class(start, problem, reader):
    classes, length = problem.classes, 9
    x, ids, rows = initial_texts(start, problem.train, reader, 3, length, seed=0)
    assert x.shape == (3 * classes, length, 16)
    assert rows.tolist() == chosen(start, problem, 3).tolist()
    assert len(set(rows)) == len(x)
    assert problem.train.labels[rows].tolist() == [m % classes for m in range(len(x))]
    batch = problem.train.batch(rows)
    for m in range(len(x)):
        words = min(int(batch.mask[m].sum()), length)
        assert torch.equal(ids[m, :words], batch.ids[m, :words])
        assert torch.equal(x[m][:words], problem.space.table[ids[m, :words]])
        assert not x[m][words:].any()
        assert not ids[m, words:].any()


def chosen(start, problem, per_class):
    """The rows that a start takes its texts from."""
    if start == "kmeans":
        return SELECTORS["k_means"](problem.train, problem.reader(), per_class, 0)
    classes = range(problem.classes)
    return np.stack([random_of_class(problem.train, c, per_class, 0) for c in classes], axis=1).ravel()


@pytest.mark.parametrize("start", ["real", "telling", "kmeans"])
def test_a_start_of_several_labels_has_the_label_of_its_row_and_all_others_of_its_text(start, several_labels):
    """Rare labels keep their texts: row m is one of those whose rarest label is m mod C."""
    train, C = several_labels.train, several_labels.classes
    config = options("meta_gradient", start=start, labels="hard", pieces=1)
    rows = initial_texts(start, train, several_labels.reader(), 2, 6, several_labels.seed).rows
    assert train.split.strata[rows].tolist() == [m % C for m in range(2 * C)]
    labels = make_distiller(config, several_labels).synthetic.labels()
    assert labels.tolist() == train.labels[rows].astype(float).tolist()
    assert labels.sum() > len(labels)


@pytest.mark.parametrize("start", ["real", "kmeans"])
def test_a_start_of_pairs_tells_the_segments_apart(start, pairs):
    reader = pairs.reader()
    x, _, rows = initial_texts(start, pairs.train, reader, 2, 9, seed=0)
    tokens = pairs.train.tokens(rows)
    assert tokens.second[:, :9].any()
    assert torch.equal(x, reader.embed(tokens).x[:, :9])


def test_telling_passages_of_pairs_keep_what_tells_the_segments_apart(pairs):
    reader = pairs.reader()
    x, _, rows = initial_texts("telling", pairs.train, reader, 2, 9, seed=0)
    firsts = telling_passages(pairs.train, pairs.classes, 2, 9, seed=0).firsts
    whole = reader.embed(pairs.train.tokens(rows)).x
    for passage, text, first in zip(x, whole, firsts, strict=True):
        found = text[first : first + 9]
        assert torch.equal(passage[: len(found)], found)


def test_kmeans_spreads_further_than_chance(problem, reader):
    def cover(start):
        """Mean distance from every text of a class to the nearest chosen one."""
        rows, total = chosen(start, problem, 6), 0.0
        for c in range(problem.classes):
            of_class = np.flatnonzero(problem.train.labels == c)
            mine = rows[problem.train.labels[rows] == c]
            everything, picked = (problem.train.features(r, reader) for r in (of_class, mine))
            total += torch.cdist(everything, picked).min(1).values.mean()
        return total

    assert cover("kmeans") < cover("real")


def test_noise_has_the_scale_of_the_vectors(problem, reader):
    x, ids, rows = initial_texts("noise", problem.train, reader, 10, 20, seed=0)
    assert ids is rows is None
    assert x.std().item() == pytest.approx(problem.space.table.std().item(), rel=0.05)


def test_unknown_start_says_what_to_type(problem, reader):
    with pytest.raises(TextddError, match=r"Type: distiller\.start=kmeans"):
        initial_texts("kmean", problem.train, reader, 1, 5, seed=0)
