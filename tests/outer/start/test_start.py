"""What a set starts as: its shape by rule, and the original texts of a set of real ones."""

import dataclasses

import numpy as np
import pytest
import torch

from tests.distillers.test_distillers import fitted, options
from textdd.errors import TextddError
from textdd.outer.distil import distiller_of, finished
from textdd.outer.start import started_set
from textdd.sets.matrices import MatrixSet
from textdd.sets.texts import TextSet


def test_texts_left_to_the_rule_are_cut_where_a_piece_can_stand_for_them(problem, several_labels, pairs):
    """48 tokens would make pieces, but no piece of a text has all of its labels, or both segments of a pair."""
    for posed, pieces in ((problem, 4), (several_labels, 1), (pairs, 1)):
        posed = dataclasses.replace(posed, space=dataclasses.replace(posed.space, length=48))
        start = started_set(options("meta_gradient", length=0, inner_batch=-1, inner_steps=24), posed)
        assert start.config.pieces == start.synthetic.pieces == pieces
        assert start.synthetic.texts().shape[1] == 48
    asked = started_set(options("meta_gradient", length=6, pieces=2), several_labels).synthetic
    assert asked.x.shape == (12, 3, 16)
    assert torch.equal(asked.hard_labels()[:3], asked.one_hot[:3])
    assert torch.equal(asked.one_hot[3:6], asked.one_hot[:3])


@pytest.mark.parametrize("name", ["problem", "several_labels", "pairs"])
def test_a_set_of_real_texts_has_them_as_they_were_written(name, request):
    problem = request.getfixturevalue(name)
    start = started_set(options("label_distillation", length=0), problem)
    whole = {*problem.corpus.train.texts(np.arange(len(problem.train)))}
    assert set(start.texts) <= whole
    assert len(set(start.texts)) == 2 * problem.classes
    read = problem.reader().embed(problem.space.tokens(start.texts))
    assert torch.equal(start.synthetic.x, read.x)
    assert torch.equal(start.synthetic.texts.mask, read.mask)


def test_real_texts_that_are_read_shorter_are_cut_there(problem):
    start = started_set(options("label_distillation", length=4), problem)
    whole = started_set(options("label_distillation", length=0), problem).texts
    assert all(text.startswith(short) for (text,), (short,) in zip(whole, start.texts, strict=True))
    assert any(text != short for (text,), (short,) in zip(whole, start.texts, strict=True))
    assert torch.equal(problem.reader().embed(problem.space.tokens(start.texts)).x, start.synthetic.x)


def test_real_pairs_are_never_cut(pairs):
    with pytest.raises(TextddError, match=r"real for pairs, and texts of 6 tokens.* Type: distiller\.length=0"):
        started_set(options("label_distillation", length=6), pairs)


@pytest.mark.parametrize("name", ["problem", "several_labels", "pairs"])
def test_a_finished_set_is_one_of_texts_or_of_matrices(name, request):
    """And its students are taught what those of the distiller were."""
    problem = request.getfixturevalue(name)
    facts = {"classes": problem.corpus.classes, "task": problem.task.name, "distiller": {}}
    for config, kind in ((options("label_distillation", length=0), TextSet), (options("kernel_ridge"), MatrixSet)):
        start = started_set(config, problem)
        distiller, _ = fitted(config, problem)
        made = finished(distiller, start, problem, facts)
        assert type(made) is kind
        assert made.pieces == 1
        assert torch.equal(made.text_labels, distiller.best.mean.text_labels())
        assert (made.step_sizes is not None) == config.learn_step_sizes
        taught = made.training_set(problem.reader())
        assert torch.allclose(taught.x, distiller.best.mean.x, atol=1e-2)
        assert (kind is TextSet) == (start.texts is not None)
        assert torch.equal(taught.y, made.y)


def test_noise_has_no_labels_but_its_own(several_labels):
    start = started_set(options("meta_gradient", start="noise", labels="hard"), several_labels)
    assert torch.equal(distiller_of(start, several_labels).synthetic.labels(), torch.eye(3).repeat(2, 1))
