"""What every distiller must do, whichever it is: one table of configurations, so a new one cannot dodge it."""

import dataclasses
from functools import partial

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from torch.nn import functional as F

from tests.conftest import STILL
from tests.tiny import Parts
from textdd.config import register
from textdd.distillers import DISTILLERS
from textdd.distillers.meta_gradient import MetaGradientConfig
from textdd.errors import TextddError
from textdd.groups import CONF
from textdd.outer.batches import OuterData
from textdd.outer.distil import make_distiller
from textdd.outer.materials import Materials
from textdd.outer.plain import plain_lesson
from textdd.trainer import TrainerConfig, make_trainer
from textdd.training import ENGINES, OPTIMISERS, train
from textdd.training.student import FlatStudent

SMALL = {"outer_steps": 4, "outer_batch": 32, "check_every": 2, "check_texts": 50, "inner_steps": 4, "length": 6}
FEW_EXPERTS = {"experts": 2, "pace": 2, "window": 2}
VARIANTS = [
    ("meta_gradient", {"engine": "recompute"}),
    ("meta_gradient", {"truncation": "random", "window": 2}),
    ("meta_gradient", {"truncation": "pool", "window": 2, "pool": 2}),
    ("meta_gradient", {"students": 3, "side_by_side": "always", "engine": "recompute", "order": "shuffled"}),
    ("meta_gradient", {"start": "kmeans", "order": "shuffled", "inner_optimiser": "momentum"}),
    ("meta_gradient", {"parametrisation": "low_rank", "rank": 2}),
    ("meta_gradient", {"parametrisation": "mixture", "rank": 4}),
    ("meta_gradient", {"parametrisation": "real", "engine": "recompute"}),
    ("meta_gradient", {"labels": "teacher"}),
    ("meta_gradient", {"pieces": 2}),
    ("meta_gradient", {"pieces": 3, "nested": [1], "engine": "recompute", "parametrisation": "low_rank", "rank": 2}),
    ("meta_gradient", {"nested": [1], "truncation": "pool", "window": 2, "pool": 2}),
    ("kernel_ridge", {"labels": "hard", "pool": 2, "online_steps": 2}),
    ("gradient_matching", {"gradient": "head"}),
    ("gradient_matching", {"labels": "soft", "inner_optimiser": "sgd"}),
    ("trajectory_matching", {"engine": "recompute", "students": 2, "window": 0}),
]
SLOW = [
    ("meta_gradient", {"truncation": "pool", "window": 2, "pool": 2, "losses": 2}),
    ("meta_gradient", {"losses": 3, "engine": "recompute"}),
    ("meta_gradient", {"students": 2}),
    ("meta_gradient", {"students": 3, "side_by_side": "always", "truncation": "random", "window": 3}),
    ("meta_gradient", {"fresh_students": False}),
    ("meta_gradient", {"start": "telling", "inner_optimiser": "smooth_adam"}),
    ("meta_gradient", {"parametrisation": "basis", "rank": 3, "start": "noise"}),
    ("meta_gradient", {"labels": "teacher", "parametrisation": "mixture", "engine": "recompute"}),
    ("meta_gradient", {"pieces": 2, "labels": "teacher", "parametrisation": "mixture", "rank": 4}),
    ("meta_gradient", {"nested": [1]}),
    ("kernel_ridge", {"pieces": 2}),
    ("distribution_matching", {"pieces": 2}),
]
TABLE = [
    *(("problem", name, {}) for name in DISTILLERS),
    *(("problem", name, changes) for name, changes in VARIANTS),
    *(pytest.param(("problem", name, changes), marks=pytest.mark.slow) for name, changes in SLOW),
    *(("several_labels", name, {}) for name in DISTILLERS if name != "paper"),
    *(("pairs", name, {"length": 0} if name == "label_distillation" else {}) for name in DISTILLERS if name != "paper"),
]
"""The fixture that is the problem, the method, and its options."""


def options(name, **changes):
    """The options that `distiller=name` has, as conf/ gives them, made small."""
    register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        chosen = OmegaConf.to_object(compose("config", [f"distiller={name}"]).distiller)
    small = {**SMALL, **(FEW_EXPERTS if name == "trajectory_matching" else {})}
    return dataclasses.replace(chosen, **{**small, **changes})


def prepared(config, problem):
    """A distiller before its first outer step; what it prepares is kept with the corpus of the session."""
    distiller = make_distiller(config, problem)
    make = partial(make_trainer, TrainerConfig(accelerator="cpu"), alone=True)
    distiller.prepare(Materials(problem, problem.corpus.folder / f"materials-{problem.seed}", make))
    return distiller


def fitted(config, problem, steps=None, callbacks=(), resume=None):
    """A distiller after its outer steps, or so many of them, from a checkpoint on if there is one; and its trainer."""
    distiller = prepared(config, problem)
    data = OuterData(problem, config.outer_batch, config.outer_steps, config.check_texts)
    trainer = pl.Trainer(
        max_steps=steps or config.outer_steps,
        max_epochs=-1,
        val_check_interval=config.check_every,
        check_val_every_n_epoch=None,
        enable_checkpointing=False,
        **STILL,
        inference_mode=False,
        callbacks=list(callbacks),
    )
    trainer.fit(distiller, datamodule=data, ckpt_path=resume, weights_only=True)
    return distiller, trainer


def tensors(synthetic):
    return [synthetic.x, synthetic.labels(), synthetic.step_sizes()]


@pytest.fixture(params=TABLE, ids=lambda row: " ".join([*row[:2], *(f"{k}={v}" for k, v in row[2].items())]))
def row(request):
    return request.param


@pytest.fixture
def config(row):
    _, name, changes = row
    return options(name, **changes)


@pytest.fixture
def any_problem(row, request):
    return request.getfixturevalue(row[0])


def test_learns_and_keeps_what_did_best(config, any_problem):
    start = prepared(config, any_problem)
    distiller, _ = fitted(config, any_problem)
    before, after = tensors(start.synthetic), tensors(distiller.synthetic)
    moved = [not torch.equal(a, b) for a, b in zip(before, after, strict=True)]
    assert moved == [config.parametrisation != "real", config.labels != "hard", config.learn_step_sizes]
    for tensor in tensors(distiller.best.mean):
        assert tensor.isfinite().all()
        assert not tensor.requires_grad or tensor.is_leaf is False
    assert 0 < distiller.best_accuracy <= 1
    assert distiller.seconds > 0
    count, length = 2 * any_problem.classes, config.length or any_problem.space.length
    assert distiller.best.mean.texts().shape == (count, length, 16)
    pieces = config.pieces or 1  # six tokens are too few for the rule to cut
    assert distiller.best.mean.x.shape == (pieces * count, length // pieces, 16)


def test_one_seed_gives_one_result(config, any_problem):
    problems = (dataclasses.replace(any_problem, seed=seed) for seed in (0, 0, 1))
    first, again, other = (fitted(config, problem)[0] for problem in problems)
    assert all(torch.equal(a, b) for a, b in zip(tensors(first.synthetic), tensors(again.synthetic), strict=True))
    assert not torch.equal(first.synthetic.x, other.synthetic.x)


def test_labels_and_step_sizes_stay_valid(config, any_problem):
    distiller, _ = fitted(config, any_problem)
    labels, one_class = distiller.synthetic.labels(), any_problem.task.name == "one_class"
    if one_class:
        assert torch.allclose(labels.sum(1), torch.ones(len(labels)))
    assert ((labels >= 0) & (labels <= 1)).all()
    assert (distiller.synthetic.step_sizes() > 0).all()
    if config.labels != "teacher":  # who may think otherwise
        own = [m % any_problem.classes for m in range(len(labels))]
        assert labels.argmax(1).tolist() == own if one_class else (labels[range(len(labels)), own] > 0.5).all()


def differentiated(config, problem):
    """A distiller with the gradient of its first objective."""
    distiller = prepared(config, problem)
    data = OuterData(problem, 32, 1, 50)
    data.trainer = distiller.trainer = pl.Trainer(accelerator="cpu", logger=False)
    batch = data.on_after_batch_transfer(next(iter(data.train_dataloader())), 0)
    distiller.objective(batch, step=0).backward()
    return distiller


def test_gradient_reaches_what_is_learned_and_nothing_else(config, any_problem):
    if isinstance(config, MetaGradientConfig):
        config = dataclasses.replace(config, plain_share=0.0)
    distiller = differentiated(config, any_problem)
    learned = {name for name, parameter in distiller.named_parameters() if parameter.grad is not None}
    expected = {f"synthetic.texts.{name}" for name, _ in distiller.synthetic.texts.named_parameters()}
    expected |= {"synthetic.label_logits"} if config.labels == "soft" else set()
    expected |= {"synthetic.raw_step_sizes"} if config.learn_step_sizes else set()
    assert learned == expected
    assert all(distiller.get_parameter(name).grad.abs().max() > 0 for name in learned)


@pytest.mark.parametrize("engine", ENGINES)
def test_plain_lessons_teach_all_but_step_sizes(engine, problem):
    config = options("meta_gradient", plain_share=1.0, engine=engine)
    distiller = differentiated(config, problem)
    gradients = {name: parameter.grad for name, parameter in distiller.synthetic.named_parameters()}
    assert gradients["texts.x"].abs().max() > 0
    assert gradients["label_logits"].abs().max() > 0
    assert gradients["raw_step_sizes"].abs().max() == 0  # there, though: processes average what all of them have


def test_a_plain_lesson_is_longer_shuffled_and_of_one_step_size(problem):
    synthetic = prepared(options("meta_gradient"), problem).synthetic
    lessons = [plain_lesson(synthetic, seed) for seed in range(50)]
    steps = [len(lesson.rows) for lesson in lessons]
    assert min(steps) == 2
    assert max(steps) == 12
    for lesson in lessons:
        assert len(set(lesson.step_sizes.tolist())) == 1
        assert 1e-3 <= lesson.step_sizes[0] <= 5e-3
        assert sorted(lesson.rows.flatten()[: len(lesson.x)].tolist()) == list(range(len(lesson.x)))
    assert lessons[0].rows[0].tolist() != lessons[1].rows[0].tolist()


def test_targets_of_the_teacher_are_what_it_thinks_of_the_batch(problem, reader):
    config = options("meta_gradient", plain_share=0.0)
    distiller = prepared(config, problem)
    distiller.trainer = pl.Trainer(accelerator="cpu", logger=False)
    batch = reader(problem.train.batch(np.arange(16)))
    (theta,) = distiller.trained_students(0, [0])
    student = problem.student
    wanted = student(distiller.teacher.theta, batch.x, batch.mask).softmax(1)
    by_hand = -(wanted * student(theta, batch.x, batch.mask).log_softmax(1)).sum(1).mean()
    assert torch.allclose(distiller.objective(batch, step=0), by_hand)


@pytest.fixture
def problem_of_parts(problem):
    """A student whose lower layers have 0.3 of the head's step size."""
    return dataclasses.replace(problem, student=FlatStudent(Parts(16, problem.classes)))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_step_sizes_are_learned_for_each_part(optimiser, engine, problem_of_parts):
    """By the true gradient: that of finite differences, in every step and part."""
    changes = {"engine": engine, "inner_optimiser": optimiser, "plain_share": 0.0, "targets": "labels"}
    config = options("meta_gradient", step_size=0.02, **changes)
    distiller = prepared(config, problem_of_parts).double()
    started = OPTIMISERS[optimiser].step_scale * torch.tensor([[0.02, 0.006]] * 4).double()
    assert torch.allclose(distiller.synthetic.step_sizes(), started, atol=1e-6)
    batch = problem_of_parts.reader(dtype=torch.float64)(problem_of_parts.train.batch(np.arange(16)))
    raw = distiller.synthetic.raw_step_sizes
    (gradient,) = torch.autograd.grad(distiller.objective(batch, step=0), raw)
    assert gradient.shape == (4, 2)
    for t, part in np.ndindex(4, 2):
        values = []
        for sign in (1, -1):
            raw.data[t, part] += sign * 1e-5
            values.append(distiller.objective(batch, step=0).item())
            raw.data[t, part] -= sign * 1e-5
        assert gradient[t, part].item() == pytest.approx((values[0] - values[1]) / 2e-5, rel=1e-4, abs=1e-10)


@pytest.mark.parametrize("name", ["meta_gradient", "label_distillation", "trajectory_matching"])
def test_step_sizes_of_parts_are_used_wherever_students_are_taught(name, problem_of_parts, tmp_path):
    config = options(name, plain_share=0.5) if name == "meta_gradient" else options(name)
    problem = dataclasses.replace(
        problem_of_parts, corpus=dataclasses.replace(problem_of_parts.corpus, folder=tmp_path)
    )
    distiller, _ = fitted(config, problem)
    learned = distiller.best.mean.step_sizes()
    assert learned.shape == (4, 2)
    assert (learned != prepared(config, problem).synthetic.step_sizes()).any(0).all()
    plain = plain_lesson(distiller.synthetic, 0, scales=problem.student.scales).step_sizes
    assert torch.allclose(plain[:, 1], 0.3 * plain[:, 0])


@pytest.mark.parametrize("engine", ENGINES)
def test_students_side_by_side_give_the_gradient_of_students_one_by_one(engine, problem):
    """Some taught plainly, some a beginning of the set, by windows that end at random."""
    changes = {"students": 6, "plain_share": 0.3, "nested": [1], "targets": "labels", "engine": engine}
    changes |= {"truncation": "random", "window": 3, "losses": 2, "order": "shuffled"}
    found = {}
    for choice in ("never", "always"):
        distiller = prepared(options("meta_gradient", side_by_side=choice, **changes), problem)
        distiller.double().trainer = pl.Trainer(accelerator="cpu", logger=False)
        batch = problem.reader(dtype=torch.float64)(problem.train.batch(np.arange(16)))
        drawn = [distiller.draw(0, k) for k in range(6)]
        assert len({(one.plain, one.lesson.rows.shape, one.end) for one in drawn}) < 6  # some go together
        learned = [parameter for parameter in distiller.synthetic.parameters() if parameter.requires_grad]
        loss = distiller.objective(batch, step=0)
        found[choice] = [loss, *torch.autograd.grad(loss, learned)]
    for alone, together in zip(*found.values(), strict=True):
        assert torch.allclose(together, alone, rtol=1e-10, atol=1e-10 * float(alone.detach().abs().max()))


@pytest.mark.parametrize(("truncation", "ages"), [("none", [1, 2, 4]), ("pool", [1, 2, 3])])
def test_the_loss_at_several_steps_is_the_mean_of_the_losses_there(truncation, ages, problem, student, reader):
    changes = {"truncation": truncation, "window": 3, "pool": 1, "losses": 3, "plain_share": 0.0, "targets": "labels"}
    distiller = prepared(options("meta_gradient", **changes), problem)
    distiller.trainer = pl.Trainer(accelerator="cpu", logger=False)
    batch = reader(problem.train.batch(np.arange(16)))
    seed = distiller.draw_seed("pool", 0) if truncation == "pool" else distiller.draw_seed("student", 0, 0)
    start, lesson = distiller.fresh_student(seed), distiller.synthetic.lesson(seed)
    states = train(student, distiller.optimiser, start, lesson, ages)
    by_hand = [F.cross_entropy(student(state.theta, batch.x, batch.mask), batch.labels) for state in states]
    assert torch.allclose(distiller.objective(batch, step=0), torch.stack(by_hand).mean())


class Diverge(pl.Callback):
    """Make the inner training diverge from one outer step on."""

    def __init__(self, step):
        self.step = step

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        if trainer.global_step >= self.step:
            pl_module.synthetic.x.data.fill_(torch.nan)


def test_a_diverging_run_keeps_its_best_set(problem):
    config = options("meta_gradient", outer_steps=100)
    distiller, trainer = fitted(config, problem, callbacks=[Diverge(step=5)])
    assert trainer.global_step < 100
    assert distiller.best_accuracy > 0
    assert all(tensor.isfinite().all() for tensor in tensors(distiller.best.mean))


def test_a_run_that_diverges_at_once_says_what_to_type(problem):
    config = options("meta_gradient", outer_steps=100, check_every=100)
    with pytest.raises(TextddError, match=r"not finite in 20 outer steps.*distiller\.step_size=0\.001"):
        fitted(config, problem, callbacks=[Diverge(step=0)])
