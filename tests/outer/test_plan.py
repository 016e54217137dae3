"""The plan: memory is predicted as it is used, the engine fits the room, a resumed run keeps its engine."""

import copy
import dataclasses

import numpy as np
import pytest
import torch

from tests.cli.test_runs import SMALL, run
from tests.distillers.test_distillers import options, prepared
from tests.tiny import Frozen
from textdd.errors import TextddError
from textdd.outer.distil import check_checkpoint
from textdd.outer.memory import Allocations
from textdd.outer.plan import choose, outer_step, plan
from textdd.trainer import TrainerConfig, make_trainer
from textdd.training.student import FlatStudent

CPU = TrainerConfig(accelerator="cpu")


@pytest.fixture
def batch(problem, reader):
    return reader(problem.train.batch(torch.arange(32).numpy()))


@pytest.fixture
def ready(problem):
    """Makes distillers with 12 inner steps that are ready for their first outer step."""

    def make(**changes):
        config = options("meta_gradient", **{"inner_steps": 12, "plain_share": 0.0, "targets": "labels", **changes})
        return prepared(config, problem)

    return make


@pytest.mark.parametrize(
    "changes",
    [
        {"engine": "unroll"},
        {"engine": "unroll", "students": 2},
        {"engine": "recompute"},
        {"engine": "recompute", "keep_every": 4},
        {"engine": "recompute", "labels": "teacher"},
    ],
    ids=str,
)
def test_memory_is_predicted_within_a_factor_of_two(changes, ready, batch):
    distiller = ready(**changes)
    predicted = choose([distiller], batch, 1e12, alone=True)[1]
    with Allocations() as allocated:
        outer_step(distiller, batch, 0)
    assert allocated.peak / 2 < predicted < 2 * allocated.peak


@pytest.mark.parametrize("engine", ["unroll", "recompute"])
@pytest.mark.parametrize("once", [True, False])
def test_memory_of_what_lies_below_is_counted(once, engine, problem, tmp_path):
    student = FlatStudent(Frozen(16, problem.classes, once=once))
    problem = dataclasses.replace(problem, student=student, cache=tmp_path)
    config = options("meta_gradient", inner_steps=12, plain_share=0.0, targets="labels", engine=engine)
    distiller, batch = prepared(config, problem), problem.reader()(problem.train.batch(np.arange(32)))
    predicted = choose([distiller], batch, 1e12, alone=True)[1]
    with Allocations() as allocated:
        outer_step(distiller, batch, 0)
    assert allocated.peak / 2 < predicted < 2 * allocated.peak


def test_memory_is_counted_as_long_as_it_is_held():
    with Allocations() as allocated:
        x = torch.ones(1000, 1000)
        y = (x + 1).view(-1)[:10]
        del x
        assert allocated.held == 4e6  # a view holds all that it looks at
        z = torch.ones(10) * 2
    assert allocated.peak == 8e6
    assert y.sum() + z.sum() == 40
    del y
    assert allocated.held == 40


def test_engine_is_the_fastest_that_fits(ready, batch):
    distiller = ready(inner_steps=300)
    _, unrolled = choose([distiller], batch, 1e12, alone=True)
    name, recomputed = choose([distiller], batch, 1.1 * unrolled, alone=True)
    assert name == "recompute"
    assert recomputed < unrolled / 2
    assert choose([distiller], batch, 1.3 * unrolled, alone=True) == ("unroll", unrolled)
    assert choose([distiller], batch, 1e12, alone=False) == ("recompute", recomputed)


@pytest.mark.parametrize(
    ("changes", "room", "remedy"),
    [
        ({"engine": "unroll"}, 0.9, r"distiller.engine=recompute"),
        ({"engine": "recompute"}, 0.3, r"distiller.engine=recompute distiller.keep_every=18"),
        ({}, 0.001, r".* distiller.outer_batch=\d+ distiller.length=\d+ distiller.pieces=1"),
        ({"length": 12, "pieces": 4}, 0.001, r".* distiller.outer_batch=\d+ distiller.length=4 distiller.pieces=4"),
    ],
)
def test_what_cannot_fit_is_refused_with_what_would(changes, room, remedy, ready, batch):
    distiller = ready(inner_steps=300, **changes)
    _, needed = choose([distiller], batch, 1e12, alone=True)
    with pytest.raises(TextddError, match=rf"needs about .* are available. Type: {remedy}$"):
        choose([distiller], batch, room * needed, alone=True)


def test_planning_changes_nothing_but_the_engine(ready, problem):
    distiller = ready(truncation="pool", window=2, pool=2)
    before = copy.deepcopy(distiller.state_dict())
    planned = plan(distiller, make_trainer(CPU), problem)
    assert (planned.engine, distiller.config.engine) == ("unroll", "unroll")
    assert planned.outer_steps == distiller.config.outer_steps
    assert planned.checks == 2
    checking = planned.checks * planned.seconds_per_check
    assert 0 < checking < planned.seconds
    assert planned.seconds - checking == pytest.approx(planned.outer_steps * planned.seconds_per_step)
    assert distiller.pool is None
    assert all(torch.equal(a, b) for a, b in zip(before.values(), distiller.state_dict().values(), strict=True))


@pytest.mark.parametrize("name", ["several_labels", "pairs"])
def test_every_kind_of_target_has_a_plan(name, request):
    problem = request.getfixturevalue(name)
    planned = plan(prepared(options("meta_gradient"), problem), make_trainer(CPU), problem)
    assert planned.engine == "unroll"
    assert 1e7 < planned.peak_memory_bytes < 1e10


@pytest.mark.parametrize("name", ["kernel_ridge", "trajectory_matching"])
def test_every_kind_of_method_has_a_plan(name, problem):
    planned = plan(prepared(options(name), problem), make_trainer(CPU), problem)
    assert planned.engine == ("" if name == "kernel_ridge" else "unroll")
    assert 1e7 < planned.peak_memory_bytes < 1e10


def test_a_resumed_run_keeps_its_engine(tmp_path):
    config = options("meta_gradient")
    begun = dataclasses.asdict(dataclasses.replace(config, engine="recompute"))
    torch.save({"config": begun}, tmp_path / "last.ckpt")
    assert check_checkpoint(tmp_path / "last.ckpt", config).engine == "recompute"
    with pytest.raises(TextddError, match="other values of engine"):
        check_checkpoint(tmp_path / "last.ckpt", dataclasses.replace(config, engine="unroll"))


def test_plan_is_printed_and_nothing_is_run(tmp_path):
    output, _ = run(*SMALL, "cache_dir=cache", "logger=none", "plan=true", folder=tmp_path)
    for word in ("engine", "unroll", "peak memory", "seconds per outer step", "outer steps", "time of distilling"):
        assert word in output
    assert not (tmp_path / "runs").exists()
