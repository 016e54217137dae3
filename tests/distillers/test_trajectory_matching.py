"""Trajectory matching: experts against torch.optim, the mismatch against its definition, its gradient in float64."""

import copy
import dataclasses

import pytest
import torch
from torch.nn import functional as F
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from tests.distillers.test_distillers import options, prepared
from tests.tiny import Parts
from textdd.outer import experts as experts_file
from textdd.outer.experts import expert_trajectories, train_expert
from textdd.outer.materials import Materials
from textdd.trainer import TrainerConfig, make_trainer
from textdd.training import Recipe, State, train
from textdd.training.student import FlatStudent

RECIPE = Recipe("sgd", 6, 16, "shuffled", 0.2)


def make_cpu(**options):
    return make_trainer(TrainerConfig(accelerator="cpu"), alone=True, **options)


class TestExperts:
    def test_are_trained_as_torch_would(self, problem, student, reader):
        found = train_expert(RECIPE, 3, problem.train, reader, seed=4)
        module = copy.deepcopy(student.module)
        vector_to_parameters(student.fresh(4), module.parameters())
        optimiser = torch.optim.SGD(module.parameters(), 0.2)
        expected = [student.fresh(4)]
        for t, rows in enumerate(RECIPE.schedule(len(problem.train), 4)):
            x, mask, labels = reader(problem.train.batch(rows.numpy()))
            optimiser.zero_grad()
            F.cross_entropy(module(x, mask), labels).backward()
            optimiser.step()
            if t in (2, 5):
                expected.append(parameters_to_vector(module.parameters()).detach().clone())
        assert torch.allclose(found, torch.stack(expected), atol=1e-6)

    def test_have_a_step_size_for_each_part(self, problem, reader):
        student = FlatStudent(Parts(16, problem.classes))
        found = train_expert(RECIPE, 3, problem.train, dataclasses.replace(reader, student=student), seed=4)
        vector_to_parameters(student.fresh(4), student.learned())
        optimiser = torch.optim.SGD(
            [{"params": part, "lr": size} for part, size in zip(student.parts(), (0.2, 0.06), strict=True)]
        )
        for rows in RECIPE.schedule(len(problem.train), 4):
            x, mask, labels = reader(problem.train.batch(rows.numpy()))
            optimiser.zero_grad()
            F.cross_entropy(student.module(x, mask), labels).backward()
            optimiser.step()
        assert torch.allclose(found[-1], parameters_to_vector(student.learned()), atol=1e-6)

    def test_are_trained_once_and_as_many_as_are_missing(self, problem, student, tmp_path, monkeypatch):
        trained = []

        def count(*arguments):
            trained.append(arguments)
            return train_expert(*arguments)

        monkeypatch.setattr(experts_file, "train_expert", count)
        materials = Materials(problem, tmp_path, make_cpu)
        first, seconds = expert_trajectories(RECIPE, 2, 2, materials, seed=0)
        again, same_seconds = expert_trajectories(RECIPE, 2, 2, materials, seed=0)
        assert len(trained) == 2
        assert seconds == same_seconds > 0
        assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
        assert first[0].shape == (4, student.size)
        assert not torch.equal(first[0][0], first[1][0])  # each from an initialisation of its own
        expert_trajectories(RECIPE, 2, 3, materials, seed=0)
        assert len(trained) == 3
        expert_trajectories(dataclasses.replace(RECIPE, step_size=0.1), 2, 1, materials, seed=0)
        assert len(trained) == 4
        assert len(list((tmp_path / "experts").glob("*.safetensors"))) == 4


@pytest.fixture(params=["sgd", "momentum", "adam"])
def distiller(request, problem):
    """In float64, with experts of 3 distilled steps, of which 2 are matched."""
    changes = {"inner_optimiser": request.param, "inner_steps": 3, "step_size": 0.05, "order": "shuffled"}
    return prepared(options("trajectory_matching", **changes), problem).double()


def mismatch(distiller, seed, engine="unroll"):
    distiller.config = dataclasses.replace(distiller.config, engine=engine)
    return distiller.mismatch(seed)


def gradients(distiller, loss):
    return torch.autograd.grad(loss, list(distiller.synthetic.parameters()))


def test_is_zero_where_the_set_moves_students_as_the_experts_were_moved(distiller):
    """Experts trained on the distilled set itself, snapshots where each segment starts and ends."""
    lesson, optimiser = distiller.synthetic.lesson(3), distiller.optimiser
    start = State.fresh(distiller.experts[0][0].double(), optimiser)
    first = distiller.segment(3)[1]
    shifted = dataclasses.replace(lesson, rows=lesson.rows[first:], step_sizes=lesson.step_sizes[first:].detach())
    end = train(distiller.student, optimiser, start, shifted, [2])[0].theta
    snapshots = torch.stack([start.theta, start.theta, end, end] if first else [start.theta, end, end, end])
    snapshots[first], snapshots[first + 2] = start.theta, end
    distiller.experts = [snapshots]
    assert mismatch(distiller, 3).item() == pytest.approx(0, abs=1e-20)
    distiller.experts = [2 * snapshots]
    assert mismatch(distiller, 3) > 0.1


def test_is_the_distance_left_over_the_distance_to_go(distiller):
    """Against torch.optim on a torch module."""
    synthetic, config = distiller.synthetic, distiller.config
    expert, first = distiller.segment(11)
    module = copy.deepcopy(distiller.student.module).double()
    vector_to_parameters(expert[first].double(), module.parameters())
    kinds = {"sgd": torch.optim.SGD, "momentum": torch.optim.SGD, "adam": torch.optim.Adam}
    more = {"momentum": 0.9} if config.inner_optimiser == "momentum" else {}
    optimiser = kinds[config.inner_optimiser](module.parameters(), lr=1.0, **more)
    rows = synthetic.recipe.schedule(len(synthetic.x), 11)
    for t in range(first, first + config.window):
        optimiser.param_groups[0]["lr"] = synthetic.step_sizes()[t].item()
        optimiser.zero_grad()
        F.cross_entropy(module(synthetic.x[rows[t]].detach()), synthetic.labels()[rows[t]].detach()).backward()
        optimiser.step()
    target, end = expert[first + config.window].double(), parameters_to_vector(module.parameters())
    expected = ((end - target) ** 2).sum() / ((expert[first].double() - target) ** 2).sum()
    assert mismatch(distiller, 11).item() == pytest.approx(expected.item(), rel=1e-9)


def test_engines_agree(distiller):
    kept, rebuilt = (gradients(distiller, mismatch(distiller, 5, engine)) for engine in ("unroll", "recompute"))
    for a, b in zip(kept, rebuilt, strict=True):
        assert a.abs().max() > 0
        assert ((a - b).abs().max() / a.abs().max()).item() < 1e-10


def test_gradient_agrees_with_finite_differences(distiller):
    found = gradients(distiller, mismatch(distiller, 5, "recompute"))
    generator = torch.Generator().manual_seed(0)
    for parameter, gradient in zip(distiller.synthetic.parameters(), found, strict=True):
        direction = torch.randn(parameter.shape, dtype=torch.float64, generator=generator)
        values = []
        for sign in (1, -1):
            parameter.data.add_(direction, alpha=sign * 1e-6)
            values.append(mismatch(distiller, 5).item())
            parameter.data.sub_(direction, alpha=sign * 1e-6)
        quotient = (values[0] - values[1]) / 2e-6
        assert (gradient * direction).sum().item() == pytest.approx(quotient, rel=1e-4, abs=1e-8)


@pytest.mark.parametrize(("window", "exact"), [(1, True), (2, False)])
def test_tesla_leaves_out_how_steps_depend_on_earlier_ones(window, exact, problem, student):
    """TESLA's gradient, 2 (theta_N - theta*) . d(-alpha g_i) / d x with every theta_i held fixed."""
    changes = {"inner_optimiser": "sgd", "inner_steps": 3, "step_size": 0.5, "window": window, "inner_batch": 4}
    distiller = prepared(options("trajectory_matching", **changes), problem).double()
    synthetic = distiller.synthetic
    (full,) = torch.autograd.grad(mismatch(distiller, 5), synthetic.x)
    expert, first = distiller.segment(5)
    lesson, theta, held = synthetic.lesson(5), expert[first].double(), []
    for t in range(first, first + window):
        x, y, alpha = lesson.portion(t)[:3]
        theta = theta.detach().requires_grad_()
        loss = -(y * student(theta, x).log_softmax(1)).sum(1).mean()
        (gradient,) = torch.autograd.grad(loss, theta, create_graph=True)
        held.append(alpha.detach() * gradient)
        theta = theta - held[-1]
    target = expert[first + window].double()
    rest = 2 * (theta.detach() - target) / (expert[first].double() - target).square().sum()
    (tesla,) = torch.autograd.grad(-sum(held) @ rest, synthetic.x)
    difference = ((tesla - full).abs().max() / full.abs().max()).item()
    assert (difference < 1e-10) == exact
