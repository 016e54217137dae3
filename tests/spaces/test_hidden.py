"""Frozen lower layers: read once, kept, and the same numbers as those of a body that is read in one."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from tests.students.test_pretrained import WORDS, folder_of, problem_of
from tests.tiny import tiny_bert
from textdd.spaces import hidden
from textdd.spaces.checkpoint import load_checkpoint
from textdd.spaces.hidden import Hidden
from textdd.spaces.reading import Reading
from textdd.students import make_student
from textdd.students.lower import can_be_divided
from textdd.students.pretrained import PretrainedConfig
from textdd.tasks import OneClass

pytest.importorskip("transformers", reason="needs transformers")


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    return str(tiny_bert(tmp_path_factory.mktemp("bert"), 8))


@pytest.fixture
def problem(bert, tmp_path):
    texts = [" ".join(WORDS[i : i + 2 + i % 5]) for i in range(12)]
    return problem_of(tmp_path, bert, texts, **{"model.tuning": "top:1", "dataset.length": 6})


def whole(student):
    """The same student with a body in one, which reads embeddings."""
    undivided = make_student(replace(student.module.config, tuning="full"), 8, student.task)
    return undivided.module


def texts():
    mask = torch.arange(6) < torch.tensor([[6], [3], [1]])
    return torch.randn(3, 6, 8, generator=torch.Generator().manual_seed(1)), mask


@pytest.mark.parametrize("kind", ["bert", "roberta", "distilbert"])
def test_a_body_in_two_parts_is_the_body_in_one(kind, bert, tmp_path):
    """Features, attention, and the derivatives of both by texts and by what is learned, a second one too."""
    path = bert if kind == "bert" else folder_of(kind, tmp_path)
    student = make_student(PretrainedConfig(path=path, tuning="top:1"), 8, OneClass(3))
    theta, one, (x, mask) = student.fresh(0).requires_grad_(), whole(student), texts()
    named = student.unflatten(theta)
    assert student.module.keeps == "below layer 1"
    found, wanted = [], []
    for results, read in (
        (found, lambda x: student.attended(theta, *student.below(x, mask))),
        (wanted, lambda x: torch.func.functional_call(one, named, (x, mask))),
    ):
        leaf = x.clone().requires_grad_()
        made = read(leaf)
        logits = made[0] if isinstance(made, tuple) else made
        (gradient,) = torch.autograd.grad(F.cross_entropy(logits, torch.arange(3)), theta, create_graph=True)
        results += [logits, gradient, torch.autograd.grad(gradient.square().sum(), leaf)[0]]
    for a, b in zip(found, wanted, strict=True):
        assert a.abs().max() > 0
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6 * float(b.detach().abs().max()))
    _, attention = student.attended(theta, *student.below(x, mask))
    assert torch.equal(attention[:, 0], one.attended(x, mask)[1][:, 1])


def test_what_is_kept_is_what_lower_layers_make_of_the_texts(problem):
    """Exactly, whatever texts are read together and however far they are padded."""
    split, reader = problem.corpus.train, problem.reader()
    assert isinstance(problem.train, Hidden)
    read = Reading(split, problem.stores[split.store.path], problem.space)
    for rows in (np.arange(9), np.array([4]), np.array([7, 3, 3])):
        kept, direct = reader(problem.train.batch(rows)), reader(read.batch(rows))
        assert torch.equal(kept.mask, direct.mask)
        assert torch.equal(kept.labels, direct.labels)
        assert torch.equal(kept.x[kept.mask], direct.x[direct.mask])
        theta = problem.student.fresh(0)
        torch.testing.assert_close(
            problem.student(theta, kept.x, kept.mask), problem.student(theta, direct.x, direct.mask)
        )


def test_parts_of_a_split_read_the_same(problem):
    train = problem.train
    part = train.at(np.array([5, 2]))
    assert torch.equal(part.batch(np.arange(2)).x, train.batch(np.array([5, 2])).x)
    assert len(train.sample(7)) == 7
    assert isinstance(train.sample(7), Hidden)


def test_a_killed_reading_goes_on_where_it_was(problem, monkeypatch):
    monkeypatch.setattr(hidden, "CHUNK", 50)
    split = problem.corpus.train
    reading = Reading(split, problem.stores[split.store.path], problem.space)
    made, count = hidden.of_chunk, []

    def killed(reading, rows, reader, bar):
        count.append(rows[0])
        if len(count) == 2:
            raise KeyboardInterrupt
        return made(reading, rows, reader, bar)

    monkeypatch.setattr(hidden, "of_chunk", killed)
    cache = problem.cache / "other"
    with pytest.raises(KeyboardInterrupt):
        hidden.hidden(reading, problem.reader(), "below", cache)
    found = hidden.hidden(reading, problem.reader(), "below", cache)
    assert count == [0, 50, 50, 100]
    assert torch.equal(found.batch(np.arange(97)).x, problem.train.batch(np.arange(97)).x)
    assert sorted(path.name for path in (cache / "hidden").iterdir() if path.is_dir()) == [found.folder.name]


def test_what_is_too_large_is_not_kept_and_this_is_said(problem, monkeypatch, capsys):
    kept = problem.train.batch(np.arange(9))
    monkeypatch.setattr(hidden, "MOST_BYTES", 1000)
    reading = problem.reading(problem.corpus.train)
    assert not isinstance(reading, Hidden)
    assert "is made anew for every use" in capsys.readouterr().err
    direct = problem.reader()(reading.batch(np.arange(9)))
    assert torch.equal(kept.x[kept.mask], direct.x[direct.mask])


def test_a_model_whose_layers_do_otherwise_is_not_divided(bert):
    model = load_checkpoint(bert).model
    assert can_be_divided(model, "encoder.layer", 1, 8)
    assert not can_be_divided(model, "encoder.layer", 1, 9)  # as one would be that fails within
    assert not can_be_divided(OddLayers(model), "model.encoder.layer", 1, 8)


class OddLayers(torch.nn.Module):
    """A model that adds what it was given to what its layers made of it, behind the back of the list."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, **given):
        return (self.model(**given)[0] + given["inputs_embeds"],)
