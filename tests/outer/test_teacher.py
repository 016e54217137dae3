"""The teacher: trained once, right about real texts, and its labels are differentiated through the texts."""

from functools import partial

import numpy as np
import pytest
import torch

from tests.distillers.test_distillers import options
from textdd.outer import opinions as opinions_module
from textdd.outer.distil import make_distiller
from textdd.outer.materials import Materials
from textdd.outer.opinions import opinions_of
from textdd.outer.teacher import train_teacher
from textdd.trainer import TrainerConfig, make_trainer


@pytest.fixture
def materials(problem, tmp_path):
    make = partial(make_trainer, TrainerConfig(accelerator="cpu"), alone=True)
    return Materials(problem, tmp_path, make)


def fail(**_):
    raise AssertionError("trained again")


def test_knows_the_classes_and_is_trained_once(problem, reader, materials):
    teacher, seconds = train_teacher(materials, seed=0)
    batch = reader(problem.validation.batch(np.arange(len(problem.validation))))
    labels = teacher(batch.x, batch.mask)
    assert torch.allclose(labels.sum(1), torch.ones(len(labels)))
    assert (labels.argmax(1) == batch.labels).float().mean() > 0.5
    kept = Materials(problem, materials.cache, fail)
    again, same = train_teacher(kept, seed=0)
    assert torch.equal(again.theta, teacher.theta)
    assert same == seconds > 0


def test_costs_count_though_the_cache_paid(problem, materials):
    config = options("meta_gradient", labels="teacher")
    first, second = (make_distiller(config, problem) for _ in range(2))
    first.prepare(materials)
    second.prepare(Materials(problem, materials.cache, fail))
    assert first.prepared_seconds == second.prepared_seconds > 0


def test_labels_are_its_opinion_of_the_texts_as_they_are(problem, student, materials):
    distiller = make_distiller(options("meta_gradient", labels="teacher"), problem)
    with pytest.raises(AssertionError, match="prepare brings the teacher"):
        distiller.synthetic.labels()
    distiller.prepare(materials)
    theta = train_teacher(materials, seed=0)[0].theta
    for synthetic in (distiller.synthetic, distiller.averaged.mean, distiller.best.mean):
        assert torch.equal(synthetic.labels(), student(theta, synthetic.x).softmax(1))
    synthetic = distiller.synthetic
    before = synthetic.labels().detach()
    with torch.no_grad():
        synthetic.x.mul_(-1)
    assert not torch.equal(synthetic.labels(), before)
    assert not any("teacher" in name for name in distiller.state_dict())
    assert not any("teacher" in name for name, _ in distiller.named_parameters())


def test_gradient_goes_through_the_labels(problem, materials):
    """Finite differences in double precision of the labels alone."""
    distiller = make_distiller(options("meta_gradient", labels="teacher"), problem)
    distiller.prepare(materials)
    synthetic = distiller.synthetic.double()
    weights, direction = torch.randn(6, 3).double(), torch.randn(synthetic.x.shape).double()
    (gradient,) = torch.autograd.grad((synthetic.labels() * weights).sum(), synthetic.x)
    values = []
    for eps in (1e-6, -1e-6):
        with torch.no_grad():
            synthetic.x.add_(eps * direction)
            values.append((synthetic.labels() * weights).sum().item())
            synthetic.x.sub_(eps * direction)
    expected = (values[0] - values[1]) / 2e-6
    assert (gradient * direction).sum().item() == pytest.approx(expected, rel=1e-5)


def test_real_texts_are_judged_without_their_padding(problem, materials):
    config = options("meta_gradient", labels="teacher", parametrisation="real", length=60)
    distiller = make_distiller(config, problem)
    distiller.prepare(materials)
    texts = distiller.synthetic.texts
    count = int(texts.mask[0].sum())
    alone = distiller.synthetic.teacher(texts()[:1, :count])
    assert torch.allclose(distiller.synthetic.labels()[:1], alone, atol=1e-6)
    assert torch.equal(distiller.synthetic.lesson(0).mask, texts.mask)


def test_opinions_of_all_texts_are_read_once(problem, reader, materials):
    teacher, _ = train_teacher(materials, seed=0)
    found, seconds = opinions_of(teacher, materials)
    rows = np.arange(0, len(problem.train), 7)
    batch = reader(problem.train.batch(rows))
    torch.testing.assert_close(found.batch(rows).labels, teacher.read(batch.x, batch.mask), rtol=1e-4, atol=1e-6)
    assert torch.equal(found.batch(rows).ids, problem.train.batch(rows).ids)
    again, same = opinions_of(None, materials)
    assert np.array_equal(again.labels, found.labels)
    assert same == seconds > 0


def test_both_ways_of_asking_give_one_gradient(problem, materials):
    """The second time its opinions come with the texts."""
    gradients = []
    for opinions in ("anew", "once"):
        distiller = make_distiller(options("meta_gradient", targets="teacher", opinions=opinions), problem)
        distiller.prepare(materials)
        batch = problem.reader()(distiller.judging(problem).batch(np.arange(40)))
        assert batch.labels.dim() == (2 if opinions == "once" else 1)
        gradients.append(torch.autograd.grad(distiller.objective(batch, 0), distiller.synthetic.texts.parameters()))
    for anew, once in zip(*gradients, strict=True):
        torch.testing.assert_close(once, anew, rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize(("long", "most", "reads"), [(5, 30_000, "once"), (10_000, 30_000, "anew"), (5, 100, "anew")])
def test_long_texts_are_read_once(problem, monkeypatch, long, most, reads):
    monkeypatch.setattr(opinions_module, "LONG", long)
    monkeypatch.setattr(opinions_module, "TEXTS", most)
    assert make_distiller(options("meta_gradient"), problem).config.opinions == reads
