"""What there is to choose from."""

import dataclasses

import numpy as np

from textdd.choosing.pool import real_pool
from textdd.corpora.corpus import Split


def test_candidates_are_different_texts_and_none_that_figures_are_measured_on(problem):
    """Texts that stand twice in the corpus are there once; those that stand in a held-out part are not there at all."""
    corpus = problem.corpus
    train = Split(
        corpus.train.store, np.concatenate([corpus.train.rows, corpus.train.rows[:50], corpus.validation.rows[:5]])
    )
    doubled = dataclasses.replace(problem, corpus=dataclasses.replace(corpus, train=train))
    pool = real_pool(doubled, 10_000)
    assert len(set(pool.texts)) == len(pool.texts)
    held = {
        *corpus.validation.texts(np.arange(len(corpus.validation))),
        *corpus.test.texts(np.arange(len(corpus.test))),
    }
    assert not held & set(pool.texts)
    assert len(pool.texts) == len({*corpus.train.texts(np.arange(len(corpus.train)))} - held)
    by_text = dict(zip(train.texts(np.arange(len(train))), train.targets.tolist(), strict=True))
    assert [by_text[text] for text in pool.texts] == pool.targets.tolist() == pool.strata.tolist()


def test_a_sample_has_every_class_in_proportion(problem):
    pool = real_pool(problem, 90)
    counts = np.bincount(pool.strata)
    assert counts.min() >= 10 * problem.per_class
    assert sum(counts) <= 96
