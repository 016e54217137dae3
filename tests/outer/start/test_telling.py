"""Telling passages: those that an obvious search finds, each of a text of its own, and none that tells nothing."""

import numpy as np
import pytest
import torch

from textdd.outer.start.initialise import initial_texts
from textdd.outer.start.telling import (
    AGAIN,
    divergence,
    most_telling,
    sample,
    share_of_texts,
    telling_passages,
)


def obvious(ids, worth, count, length):
    """Every passage of every text that is left, one after another."""
    worth, chosen = worth.copy(), []
    for _ in range(count):
        found = []
        for text, tokens in enumerate(ids):
            end = int((tokens != 0).sum())
            if text not in [row for row, _ in chosen]:
                starts = range(max(end - length, 0) + 1)
                found += [(worth[tokens[first : first + length]].sum(), text, first) for first in starts]
        _, text, first = max(found, key=lambda one: (one[0], -one[1], -one[2]))
        chosen.append((text, first))
        for word in set(ids[text, first : first + length]):
            worth[word] *= AGAIN if worth[word] > 0 else 1
    return chosen


@pytest.mark.parametrize("length", [1, 3, 7, 20])
def test_the_search_finds_what_looking_at_everything_finds(length):
    generator = np.random.default_rng(length)
    ids = generator.integers(1, 30, (12, 10))
    for text, end in enumerate(generator.integers(1, 11, 12)):
        ids[text, end:] = 0
    worth = generator.integers(-640, 640, 30) / 64  # sums of which are exact, so that ties are ties
    worth[0] = 0
    texts, firsts = most_telling(ids, worth, 6, length)
    assert list(zip(texts.tolist(), firsts.tolist(), strict=True)) == obvious(ids, worth, 6, length)


def test_a_word_counts_once_a_text():
    ids = np.array([[1, 1, 2], [1, 0, 0], [3, 2, 0], [3, 3, 3]])
    assert share_of_texts(ids, 5)[1:].tolist() == [0.5, 0.5, 0.5, 0]


def test_the_parts_add_up_to_the_divergence():
    p, q = torch.tensor([0.5, 0.0, 0.3, 0.2]), torch.tensor([0.25, 0.25, 0.25, 0.25])
    known = torch.distributions.kl_divergence(torch.distributions.Categorical(p), torch.distributions.Categorical(q))
    assert divergence(p.double().numpy(), q.double().numpy()).sum() == pytest.approx(float(known), rel=1e-6)


def test_passages_come_from_texts_of_their_class_each_from_another(problem):
    rows, firsts = telling_passages(problem.train, problem.classes, 3, 4, seed=0)
    assert problem.train.labels[rows].tolist() == [m % problem.classes for m in range(3 * problem.classes)]
    assert len(set(rows)) == len(rows)
    assert (firsts + 4 <= np.maximum(problem.train.text_lengths()[rows], 4)).all()


def test_they_tell_more_than_beginnings(problem, reader):
    """Their words are rarer in other classes than the first words of random texts."""

    def share_of_own_class(start):
        _, ids, _ = initial_texts(start, problem.train, reader, 3, 4, seed=0)
        every = problem.train.tokens(np.arange(len(problem.train))).ids.numpy()
        shares = np.stack([share_of_texts(every[problem.train.labels == c], 1 + every.max()) for c in range(C)])
        owners = np.arange(len(ids)) % C
        return (shares[owners[:, None], ids] / shares[:, ids].sum(0)).mean()

    C = problem.classes
    assert share_of_own_class("telling") > 1.2 * share_of_own_class("real")


def test_of_a_large_class_a_sample_is_looked_at(problem):
    rows = sample(problem.train, 1, 5, seed=0)
    assert len(set(rows)) == 5
    assert (problem.train.labels[rows] == 1).all()
    assert rows.tolist() == sample(problem.train, 1, 5, seed=0).tolist() != sample(problem.train, 1, 5, seed=1).tolist()
