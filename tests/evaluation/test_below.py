"""A frozen part below the learned one: what is read once is scored, taught and distilled as by the whole student."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.distillers.test_distillers import options
from tests.tiny import Frozen
from textdd.distillers import DISTILLERS
from textdd.evaluation.full_data import FullDataConfig, train_full
from textdd.evaluation.scoring import score
from textdd.evaluation.tuning import tune
from textdd.outer.distil import make_distiller
from textdd.sets.training_set import real_set, train_students
from textdd.spaces.reading import Featured
from textdd.trainer import TrainerConfig, make_trainer
from textdd.training import Recipe
from textdd.training.student import FlatStudent

ROWS = np.arange(40)


@pytest.fixture(params=[True, False], ids=["reads once", "reads often"])
def once(request):
    return request.param


@pytest.fixture
def both(once, problem, tmp_path):
    """The problem of a student with a frozen part below, and that of the same student without."""
    students = (FlatStudent(Frozen(16, problem.classes, once=once, whole=whole)) for whole in (False, True))
    return [replace(problem, student=student, cache=tmp_path) for student in students]


def test_below_and_above_make_the_whole(both):
    theta = both[0].student.fresh(0)
    assert torch.equal(theta, both[1].student.fresh(0))
    read = [problem.reader()(problem.test.batch(ROWS)) for problem in both]
    assert torch.equal(read[0].labels, read[1].labels)
    logits = [problem.student(theta, x, mask) for problem, (x, mask, _) in zip(both, read, strict=True)]
    assert not torch.equal(read[0].x, read[1].x)
    assert torch.allclose(*logits, atol=1e-5)


def test_texts_that_are_read_once_are_read_once(both, once, monkeypatch):
    below, whole = both
    assert isinstance(below.train, Featured) == once
    assert not isinstance(whole.train, Featured)
    first = below.reader()(below.train.batch(ROWS)).x
    if once:
        assert first.shape == (40, 1, 6)
        monkeypatch.setattr(Frozen, "read", None)
        again = replace(below)  # the readings of a later run
        assert torch.equal(again.reader()(again.train.batch(ROWS)).x, first)
        assert torch.equal(again.train.features(ROWS, again.reader()), first[:, 0].double())  # what selectors compare
        sample = again.train.sample(30)
        rows = np.flatnonzero(np.isin(again.train.rows, sample.rows))
        kept = again.train.batch(rows)
        assert torch.equal(sample.batch(np.arange(30)).x, kept.x)


def test_another_body_reads_for_itself(both, once):
    problem, reader = both[0], both[0].reader()
    before = reader(problem.train.batch(ROWS)).x
    with torch.no_grad():
        problem.student.module.body.weight.mul_(2)
    other = replace(problem)
    assert not torch.equal(reader(other.train.batch(ROWS)).x, before)
    assert torch.equal(reader(problem.train.batch(ROWS)).x, before) == once


def test_students_are_drawn_afresh_and_what_is_frozen_stays(both):
    module = both[0].student.module
    before = module.body.weight.clone()
    assert not torch.equal(both[0].student.fresh(1), both[0].student.fresh(2))
    assert torch.equal(module.body.weight, before)
    assert both[0].student.size == 6 * 4 + 4 + 4 * 3 + 3  # of the layer above and of the head


def test_scores_are_those_of_the_whole(both):
    thetas = [both[0].student.fresh(seed) for seed in (0, 1)]
    found, expected = (score(thetas, problem.test, problem.reader()) for problem in both)
    for name in found:
        assert torch.allclose(found[name], expected[name])


@pytest.mark.parametrize("side_by_side", ["never", "always"])
def test_students_are_taught_as_the_whole(both, side_by_side):
    recipe, trained = Recipe("adam", 8, 4, "shuffled", 1e-2), []
    for problem in both:
        sets = [real_set(problem.train, rows, problem.reader()) for rows in (ROWS[:12], ROWS[20:32])]
        trained.append(train_students(problem.student, sets, recipe, [0, 1], [3, 8], side_by_side=side_by_side))
    for found, expected in zip(*trained, strict=True):
        assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(found, expected, strict=True))


def test_recipes_are_chosen_as_for_the_whole(both):
    chosen = []
    for problem in both:
        sets = [real_set(problem.train, ROWS, problem.reader())]
        how = {"step_sizes": [1e-6, 1e-2], "most_steps": 30, "batch": 16, "students": 2, "seed": 0, "what": "test"}
        chosen.append(tune(sets, problem.validation, problem.reader(), **how))
    assert chosen[0] == chosen[1]


def test_full_data_teaches_what_it_teaches_the_whole(both, tmp_path):
    def make_cpu(**options):
        return make_trainer(TrainerConfig(accelerator="cpu"), alone=True, **options)

    config, thetas = FullDataConfig([5e-3], epochs=1, batch=64), []
    for place, problem in zip(("below", "whole"), both, strict=True):
        (theta,), _ = train_full(config, problem, [1], tmp_path / place, make_cpu, torch.device("cpu"))
        thetas.append(theta)
    assert torch.allclose(*thetas, atol=1e-4)


@pytest.mark.parametrize("name", DISTILLERS)
def test_distillers_see_the_gradient_of_the_whole(name, both):
    """In float64, on embeddings that each student reads for itself."""
    changes = {"targets": "labels"} if name in ("meta_gradient", "paper", "label_distillation") else {}
    found = []
    for problem in both:
        distiller = make_distiller(options(name, pieces=1, **changes), problem).double()
        if name == "trajectory_matching":  # wherever experts went
            shape, generator = (5, problem.student.size), torch.Generator().manual_seed(3)
            distiller.experts = [torch.randn(shape, dtype=torch.float64, generator=generator)]
        reader = problem.reader(dtype=torch.float64)
        loss = distiller.objective(reader(problem.train.tokens(ROWS)), step=0)
        learned = [parameter for parameter in distiller.synthetic.parameters() if parameter.requires_grad]
        found.append([loss, *torch.autograd.grad(loss, learned)])
    for below, whole in zip(*found, strict=True):
        assert torch.allclose(below, whole, rtol=1e-8, atol=1e-10 * float(whole.detach().abs().max()))
