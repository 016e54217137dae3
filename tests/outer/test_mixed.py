"""Students of several kinds in turn: one set, a recipe for each, and a run that is resumed to the same result."""

import dataclasses
import json

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from tests.distillers.test_distillers import fitted, options, prepared
from textdd.distillers import DISTILLERS
from textdd.errors import TextddError
from textdd.outer.distil import finished
from textdd.outer.mixed import Mixed
from textdd.outer.plan import plan
from textdd.outer.start import started_set
from textdd.sets.distilled_set import DistilledSet
from textdd.students import STUDENTS, make_student
from textdd.students.mixed import MixedConfig
from textdd.trainer import TrainerConfig, make_trainer

SMALL = {"lstm": {"hidden": 4}, "fasttext": {"hidden": 5}, "transformer": {"width": 8, "heads": 2, "layers": 1}}
MIXING = [name for name, (method, _) in DISTILLERS.items() if method.mixes]


def of_kinds(problem, *names):
    """The problem of a small TextCNN, with other students beside it."""
    models = [STUDENTS[name][1](**SMALL[name]) for name in names]
    others = tuple((model, make_student(model, problem.space.dimension, problem.task)) for model in models)
    return dataclasses.replace(problem, others=others)


@pytest.fixture
def mixed(problem):
    return of_kinds(problem, "fasttext", "transformer")


def learned(distiller):
    """Texts, labels, and the step sizes of every kind."""
    first = distiller.members[0].synthetic
    return [first.x, first.labels(), *(member.synthetic.step_sizes() for member in distiller.members)]


@pytest.mark.parametrize("name", MIXING)
def test_every_method_that_draws_students_takes_them_in_turn(name, mixed):
    config = options(name, outer_steps=6)
    start, (distiller, _) = prepared(config, mixed), fitted(config, mixed)
    assert isinstance(distiller, Mixed)
    moved = [not torch.equal(a, b) for a, b in zip(learned(start), learned(distiller), strict=True)]
    own = config.learn_step_sizes
    assert moved == [config.parametrisation != "real", config.labels != "hard", own, own, own]
    for member in distiller.members[1:]:
        assert member.synthetic.x.equal(distiller.synthetic.x)
        assert member.best.mean.x.equal(distiller.best.mean.x)
    assert 0 < distiller.best_accuracy <= 1


def test_an_outer_step_is_that_of_the_kind_whose_turn_it_is(mixed, reader):
    distiller = prepared(options("meta_gradient"), mixed)
    for member in (distiller, *distiller.members):
        member.trainer = pl.Trainer(accelerator="cpu", logger=False)
    batch = reader(mixed.train.batch(np.arange(16)))
    for step in range(6):
        loss = distiller.objective(batch, step)
        assert torch.equal(loss, distiller.members[step % 3].objective(batch, step // 3))
        raw = [member.synthetic.raw_step_sizes for member in distiller.members]
        moving = [bool(gradient.any()) for gradient in torch.autograd.grad(loss, raw)]
        assert [k for k in range(3) if moving[k]] in ([step % 3], [])  # none where the lesson is a plain one


def test_one_teachers_opinions_serve_all_kinds(mixed, reader):
    distiller = prepared(options("meta_gradient", opinions="once", plain_share=0.0), mixed)
    batch = reader(distiller.judging(mixed).batch(np.arange(16)))
    assert all(member.judging(mixed).labels is not mixed.train.labels for member in distiller.members)
    teacher = distiller.members[0].teacher
    plain = reader(mixed.train.batch(np.arange(16)))
    torch.testing.assert_close(batch.labels, teacher.read(plain.x, plain.mask), rtol=1e-4, atol=1e-6)
    for member in (distiller, *distiller.members):
        member.trainer = pl.Trainer(accelerator="cpu", logger=False)
    assert all(torch.isfinite(distiller.objective(batch, step)) for step in range(3))


def test_the_students_of_a_pool_are_of_one_kind_each(mixed, reader):
    distiller = prepared(options("kernel_ridge", pool=2), mixed)
    for member in (distiller, *distiller.members):
        member.trainer = pl.Trainer(accelerator="cpu", logger=False)
    batch = reader(mixed.train.batch(np.arange(16)))
    for step in range(6):
        distiller.objective(batch, step)
    for member in distiller.members:
        assert len(member.pool) == 2
        assert {state.theta.numel() for state in member.pool.states} == {member.student.size}
        assert all(state.t > 0 for state in member.pool.states)  # both had their turn


@pytest.mark.parametrize("name", ["meta_gradient", "kernel_ridge"])
def test_a_resumed_run_ends_where_it_would_have_ended(name, mixed, tmp_path):
    config = options(name, outer_steps=6)
    whole, _ = fitted(config, mixed)
    part, trainer = fitted(config, mixed, steps=4)
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    resumed, _ = fitted(config, mixed, resume=tmp_path / "last.ckpt")
    assert not all(torch.equal(a, b) for a, b in zip(learned(part), learned(whole), strict=True))
    for a, b in zip(learned(resumed), learned(whole), strict=True):
        assert torch.equal(a, b)
    assert [one.clip.mean for one in resumed.members] == [one.clip.mean for one in whole.members]
    assert resumed.best_accuracy == whole.best_accuracy


def test_the_plan_is_of_all_kinds_and_leaves_the_set_alone(mixed):
    distiller = prepared(options("meta_gradient"), mixed)
    before = [part.detach().clone() for part in learned(distiller)]
    found = plan(distiller, make_trainer(TrainerConfig(accelerator="cpu")), mixed)
    assert found.engine == "unroll"
    assert {member.config.engine for member in (distiller, *distiller.members)} == {"unroll"}
    assert all(torch.equal(a, b) for a, b in zip(before, learned(distiller), strict=True))


@pytest.fixture(scope="module")
def small(problem):
    """A set that was made for three kinds, and what made it."""
    mixed, config = of_kinds(problem, "fasttext", "transformer"), options("meta_gradient")
    distiller, _ = fitted(config, mixed)
    manifest = {
        "dataset": mixed.corpus.name,
        "classes": mixed.corpus.classes,
        "per_class": 2,
        "length": mixed.space.length,
        "student": dataclasses.asdict(mixed.model),
        "distiller": dataclasses.asdict(config),
        "embedding": {"name": "corpus"},
        "versions": {"textdd": "0"},
        "metrics": {},
    }
    return finished(distiller, started_set(config, mixed), mixed, manifest), distiller


@pytest.mark.parametrize("loaded", [False, True])
def test_each_kind_is_trained_by_a_recipe_of_its_own(loaded, small, tmp_path):
    distilled, distiller = small
    if loaded:
        distilled.save(tmp_path / "artifact")
        distilled = DistilledSet.load(tmp_path / "artifact")
        card = (tmp_path / "artifact" / "README.md").read_text()
        assert "`textcnn`, `fasttext`, `transformer` (each has a recipe of its own) and the" in card
    assert distilled.kinds == ["textcnn", "fasttext", "transformer"]
    for kind, member in zip(distilled.kinds, distiller.members, strict=True):
        alone = distilled.of(kind)
        assert alone.kinds == [kind]
        assert torch.equal(alone.step_sizes, member.best.mean.step_sizes())
        assert distilled.train(0, student=kind).theta.numel() == member.student.size
    assert distilled.train(0).theta.numel() == distiller.student.size
    assert distilled.stored_bytes()["step_sizes"] == 3 * distilled.step_sizes.nbytes
    part = distilled.first(1)
    assert {part.of(kind).recipe.batch for kind in part.kinds} == {part.recipe.batch}
    with pytest.raises(TextddError, match=r"textcnn, fasttext, transformer, not for lstm.*student='textcnn'"):
        distilled.train(0, student="lstm")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda m: m["others"].pop(), "are .2, 4. for 1 students and 4 steps"),
        (lambda m: m.pop("others"), "of 0 others go together"),
        (lambda m: m["others"][0]["recipe"].update(steps=3), r"others.0..recipe has other steps"),
        (lambda m: m["others"][0]["student"].update(hidden=-1), "student.hidden is -1"),
        (lambda m: m["others"][0]["student"].update(name="pretrained"), "others.0..student.name is 'pretrained'"),
        (lambda m: m["others"][0].update(student=m["others"][1]["student"]), "others names a student twice"),
    ],
)
def test_what_a_stranger_says_of_further_students_is_looked_at(change, expected, small, tmp_path):
    small[0].save(tmp_path / "artifact")
    path = tmp_path / "artifact" / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))
    with pytest.raises(TextddError, match=expected):
        DistilledSet.load(tmp_path / "artifact")


def test_a_warm_start_takes_up_the_step_sizes_of_every_kind(small, problem):
    distilled, distiller = small
    mixed = of_kinds(problem, "lstm", "fasttext")
    synthetic, *others = (lambda start: (start.synthetic, *start.others))(
        started_set(options("meta_gradient", length=-1), mixed, distilled)
    )
    found = [one.step_sizes().detach() for one in (synthetic, *others)]
    wanted = [distiller.members[i].best.mean.step_sizes() for i in (0, 0, 1)]  # a newcomer has the first one's
    for one, other in zip(found, wanted, strict=True):
        assert torch.allclose(one, other, atol=1e-6)


def test_kinds_are_named_once():
    with pytest.raises(TextddError, match=r"names a student twice. Type: model=\[lstm,textcnn\]"):
        MixedConfig(kinds=["lstm", "textcnn", "lstm"]).check()
