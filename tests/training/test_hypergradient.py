"""The hypergradient against finite differences, closed forms, and its own reference engine (all in float64)."""

import weakref
from functools import partial
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from tests.students import own_student
from tests.tiny import Frozen, Parts, tiny_bert, tiny_llama
from textdd.outer.memory import Allocations
from textdd.students import STUDENTS, make_student
from textdd.students.causal_lm import CausalLMConfig
from textdd.students.pretrained import PretrainedConfig
from textdd.training import ENGINES, OPTIMISERS, Lesson, Recipe, State, make_optimiser, recompute, train
from textdd.training.student import FlatStudent, Student
from textdd.training.training import as_read

D, L, C, M, T = 5, 6, 3, 9, 7
SMALL = {"textcnn": {"filters": 4, "widths": [2, 3]}, "fasttext": {"hidden": 6}, "lstm": {"hidden": 4}}
SMALL["transformer"] = {"layers": 1, "width": 4, "heads": 2, "positions": 4}
SMALL["custom"] = {"target": f"{Path(own_student.__file__)}:GatedMean", "options": {"units": 4}}


NAMES = [*SMALL, "parts", "frozen"]  # the last two: with a step size for each of two parts, and with a part below


def small_student(name):
    if name in ("parts", "frozen"):
        return FlatStudent(Parts(D, C) if name == "parts" else Frozen(D, C, once=True))
    return make_student(STUDENTS[name][1](**SMALL[name]), D, C)


def problem(student_name="textcnn", optimiser_name="adam", masked=False, order="fixed"):
    """A student at its start, an optimiser, leaves (x, y logits, step sizes, theta_0) and real texts to judge by."""
    generator = torch.Generator().manual_seed(3)
    student = small_student(student_name) if isinstance(student_name, str) else student_name
    optimiser, parts = make_optimiser(optimiser_name), len(student.groups)
    x = torch.randn(M, L, D, dtype=torch.float64, generator=generator)
    logits = torch.randn(M, C, dtype=torch.float64, generator=generator)
    shape = (T,) if parts == 1 else (T, parts)
    sizes = 0.05 + 0.05 * torch.rand(shape, dtype=torch.float64, generator=generator)
    theta = student.fresh(1, dtype=torch.float64)
    leaves = [tensor.requires_grad_() for tensor in (x, logits, sizes, theta)]
    mask = torch.arange(L) < torch.randint(2, L + 1, (M, 1), generator=generator) if masked else None
    rows = Recipe(optimiser_name, T, 4, order).schedule(M, seed=5)
    real, _ = student.below(torch.randn(8, L, D, dtype=torch.float64, generator=generator))
    labels = torch.randint(C, (8,), generator=generator)

    def outer(engine, marks=(T,), first=None):
        lesson = as_read(student, Lesson(leaves[0], leaves[1].softmax(1), leaves[2], rows, mask))
        state = State.fresh(leaves[3], optimiser) if first is None else first(lesson)
        states = engine(student, optimiser, state, lesson, marks)
        return sum(F.cross_entropy(student(s.theta, real), labels) for s in states)

    outer.student, outer.optimiser = student, optimiser
    return outer, leaves


def gradients(outer, leaves, engine, **options):
    return torch.autograd.grad(outer(ENGINES[engine], **options), leaves)


def relative_difference(got, expected):
    return max(
        ((a - b).abs().max() / b.abs().max().clamp_min(1e-30)).item() for a, b in zip(got, expected, strict=True)
    )


@pytest.mark.parametrize("student", ["fasttext", "parts", "frozen"])
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_agrees_with_finite_differences(engine, optimiser, student):
    """Of smooth students, so that a difference quotient means something."""
    outer, leaves = problem(student, optimiser)
    analytic = gradients(outer, leaves, engine)
    generator = torch.Generator().manual_seed(0)
    for leaf, gradient in zip(leaves, analytic, strict=True):
        direction = torch.randn(leaf.shape, dtype=leaf.dtype, generator=generator)
        step = 1e-6
        values = []
        for sign in (1, -1):
            with torch.no_grad():
                leaf.add_(sign * step * direction)
            values.append(outer(ENGINES["unroll"]).item())
            with torch.no_grad():
                leaf.sub_(sign * step * direction)
        quotient = (values[0] - values[1]) / (2 * step)
        assert (gradient * direction).sum().item() == pytest.approx(quotient, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_step_sizes_by_part_are_those_of_torchs_parameter_groups(optimiser):
    student, generator = small_student("parts"), torch.Generator().manual_seed(6)
    x, y = torch.randn(M, L, D, generator=generator), torch.randn(M, C, generator=generator).softmax(1)
    rows = Recipe(optimiser, T, 4, "shuffled").schedule(M, 0)
    sizes = 0.05 + 0.05 * torch.rand(T, 2, generator=generator)
    start = State.fresh(student.fresh(1), make_optimiser(optimiser))
    (found,) = train(student, make_optimiser(optimiser), start, Lesson(x, y, sizes, rows), [T])
    module = student.module
    vector_to_parameters(start.theta.clone(), student.learned())
    kind = torch.optim.Adam if optimiser.endswith("adam") else torch.optim.SGD
    more = {"momentum": {"momentum": 0.9}, "smooth_adam": {"eps": 1e-3}}.get(optimiser, {})
    theirs = kind([{"params": part} for part in student.parts()], lr=1.0, **more)
    for t in range(T):
        for group, size in zip(theirs.param_groups, sizes[t].tolist(), strict=True):
            group["lr"] = size
        theirs.zero_grad()
        F.cross_entropy(module(x[rows[t]]), y[rows[t]]).backward()
        theirs.step()
    assert torch.allclose(found.theta, parameters_to_vector(student.learned()), atol=1e-5)
    assert [len(part) for part in student.parts()] == [4, 4]


KEEPING = [{}, {"keep_every": 3, "on_host": True}]


@pytest.mark.parametrize("student", NAMES)
@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_engines_agree(student, optimiser):
    """With learned labels and step sizes, in mini-batches, with losses at several steps, whichever states are kept."""
    outer, leaves = problem(student, optimiser)
    marks = (2, 5, T)
    expected = gradients(outer, leaves, "unroll", marks=marks)
    assert all(gradient.abs().max() > 0 for gradient in expected)
    assert expected[2].abs().min() > 0  # every step size counts, of every part
    for options in KEEPING:
        engine = partial(recompute, **options)
        assert relative_difference(torch.autograd.grad(outer(engine, marks), leaves), expected) < 1e-10


@pytest.mark.parametrize("tuning", ["head", "top:1", "full", "lora:2"])
@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_engines_agree_on_pretrained_students(tuning, optimiser, bert):
    student = make_student(PretrainedConfig(path=str(bert), tuning=tuning), D, C)
    outer, leaves = problem(student, optimiser, masked=True)
    expected = gradients(outer, leaves, "unroll", marks=(2, T))
    assert all(gradient.abs().max() > 0 for gradient in expected)
    assert expected[2].shape == ((T,) if tuning == "head" else (T, 2))
    assert relative_difference(gradients(outer, leaves, "recompute", marks=(2, T)), expected) < 1e-10


@pytest.mark.parametrize("given", [{"words": ["good", "very bad", "fair"]}, {"answer": "head"}], ids=["words", "head"])
@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_engines_agree_on_language_models_and_with_finite_differences(given, optimiser, llama, monkeypatch):
    """Of adapters, whose B starts at zero, so that A learns from the second step on."""
    student = make_student(CausalLMConfig(path=llama, tuning="lora:1", **given), D, C)
    outer, leaves = problem(student, optimiser, masked=True)
    assert leaves[2].shape == ((T,) if "words" in given else (T, 2))
    monkeypatch.setattr(torch, "float32", torch.float64)  # norms and softmax of Llamas are in 32 bits
    expected = gradients(outer, leaves, "unroll", marks=(2, T))
    assert all(gradient.abs().max() > 0 for gradient in expected)
    assert relative_difference(gradients(outer, leaves, "recompute", marks=(2, T)), expected) < 1e-9
    if optimiser == "sgd":
        direction = torch.randn(leaves[0].shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        values = []
        for sign in (1, -1):
            with torch.no_grad():
                leaves[0].add_(sign * 1e-6 * direction)
            values.append(outer(ENGINES["unroll"], (2, T)).item())
            with torch.no_grad():
                leaves[0].sub_(sign * 1e-6 * direction)
        quotient = (values[0] - values[1]) / 2e-6
        assert (expected[0] * direction).sum().item() == pytest.approx(quotient, rel=1e-4, abs=1e-9)


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    pytest.importorskip("transformers")
    return tiny_llama(tmp_path_factory.mktemp("llama"), D)


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    pytest.importorskip("transformers")
    return tiny_bert(tmp_path_factory.mktemp("bert"), hidden=D)


@pytest.mark.parametrize("keep_every", [2, T - 1, T, 100])
def test_engines_agree_whichever_states_are_kept(keep_every):
    outer, leaves = problem()
    got = torch.autograd.grad(outer(partial(recompute, keep_every=keep_every)), leaves)
    assert relative_difference(got, gradients(outer, leaves, "unroll")) < 1e-10


@pytest.mark.parametrize("options", [{"masked": True}, {"order": "shuffled"}], ids=str)
def test_engines_agree_on_masked_and_shuffled_sets(options):
    outer, leaves = problem(**options)
    assert relative_difference(gradients(outer, leaves, "recompute"), gradients(outer, leaves, "unroll")) < 1e-10


def test_losses_at_several_steps_add_up():
    outer, leaves = problem()
    several = gradients(outer, leaves, "unroll", marks=(2, 5, T))
    each = [gradients(outer, leaves, "unroll", marks=(mark,)) for mark in (2, 5, T)]
    assert relative_difference(several, [sum(parts) for parts in zip(*each, strict=True)]) < 1e-10


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_engines_agree_on_a_window_in_the_middle(optimiser):
    outer, leaves = problem(optimiser_name=optimiser)

    def after_three_steps(lesson):
        start = State.fresh(leaves[3].detach(), outer.optimiser)
        return train(outer.student, outer.optimiser, start, lesson, [3])[0]

    engines = {**ENGINES, "every third": partial(recompute, keep_every=3)}
    found = {
        name: torch.autograd.grad(outer(engine, first=after_three_steps), leaves[:3])
        for name, engine in engines.items()
    }
    assert relative_difference(found["recompute"], found["unroll"]) < 1e-10
    assert relative_difference(found["every third"], found["unroll"]) < 1e-10
    assert found["unroll"][2][:3].abs().max() == 0  # the steps before the window are not differentiated
    assert found["unroll"][2][3:].abs().min() > 0


@pytest.mark.parametrize("engine", ENGINES)
def test_gradient_flows_through_the_memory_of_the_optimiser(engine):
    """A window that starts with a velocity depends on that velocity."""
    outer, leaves = problem(optimiser_name="momentum")
    velocity = torch.ones_like(leaves[3]).requires_grad_()

    def moving(lesson):
        del lesson
        return State(leaves[3], (velocity,), 3)

    (gradient,) = torch.autograd.grad(outer(ENGINES[engine], first=moving), velocity)
    assert gradient.abs().max() > 0


@pytest.mark.parametrize("engine", ENGINES)
def test_closed_form_of_one_step_of_a_linear_student(engine):
    """One SGD step of a softmax-linear student from zero weights has a gradient that fits on a line."""

    class Linear(Student):
        """No bias, so theta (D C,) is the matrix of the head."""

        def __init__(self):
            super().__init__(D, C)
            self.head = torch.nn.Linear(D, C, bias=False)

        def features(self, x, mask=None):
            return x.mean(1)

    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, L, D, dtype=torch.float64, generator=generator, requires_grad=True)
    y = torch.tensor([[1.0, 0.0, 0.0]], dtype=torch.float64, requires_grad=True)
    alpha = torch.tensor([0.3], dtype=torch.float64, requires_grad=True)
    direction = torch.randn(D * C, dtype=torch.float64, generator=generator)
    optimiser = make_optimiser("sgd")
    lesson = Lesson(x, y, alpha, torch.zeros(1, 1, dtype=torch.int64))
    start = State.fresh(torch.zeros(D * C, dtype=torch.float64), optimiser)
    loss = ENGINES[engine](FlatStudent(Linear()), optimiser, start, lesson, [1])[0].theta @ direction

    # theta_1 = alpha * mean(x) (y - 1/C)^T when y sums to one, so loss = alpha * mean(x)^T G (y - 1/C).
    g, residual = direction.view(C, D).t(), y.detach()[0] - 1 / C
    mean = x.detach()[0].mean(0)
    assert loss.item() == pytest.approx((0.3 * mean @ g @ residual).item(), rel=1e-12)
    by_x, by_y, by_alpha = torch.autograd.grad(loss, [x, y, alpha])
    assert torch.allclose(by_alpha, (mean @ g @ residual).unsqueeze(0), rtol=1e-12)
    assert torch.allclose(by_x[0], (0.3 * g @ residual / L).expand(L, D), rtol=1e-12)
    # The residual is y - softmax * sum(y) if y need not sum to one, which adds a term that is equal for all classes.
    assert torch.allclose(by_y[0], 0.3 * (mean @ g - (mean @ g).mean()), rtol=1e-12)


def test_unused_units_do_not_poison_adam():
    """A unit that never fires has an exactly zero gradient, where the derivative of Adam's root is infinite."""
    outer, leaves = problem("textcnn", "adam")
    with torch.no_grad():
        leaves[3][: outer.student.unflatten(leaves[3])["filters.0.weight"].numel()] = 0
        outer.student.unflatten(leaves[3])["filters.0.bias"].fill_(-100.0)
    for engine in ENGINES:
        assert all(gradient.isfinite().all() for gradient in gradients(outer, leaves, engine))


def live_saved_tensors(engine, steps):
    """How many tensors the graph of a training of `steps` steps keeps alive for its backward pass."""

    class Saved:
        def __init__(self, tensor):
            self.tensor = tensor

    alive = weakref.WeakSet()

    def pack(tensor):
        saved = Saved(tensor)
        alive.add(saved)
        return saved

    student, optimiser = small_student("textcnn"), make_optimiser("sgd")
    x = torch.randn(M, L, D, requires_grad=True)
    rows = Recipe("sgd", steps, 4, "fixed").schedule(M, 0)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda saved: saved.tensor):
        lesson = Lesson(x, torch.ones(M, C) / C, torch.full((steps,), 0.1), rows)
        state = engine(student, optimiser, State.fresh(student.fresh(0), optimiser), lesson, [steps])[0]
        assert state.theta.requires_grad
        return len(alive)


@pytest.mark.parametrize("keep_every", [1, 4])
def test_memory_of_recompute_is_that_of_the_states_it_keeps(keep_every):
    student, optimiser = small_student("fasttext"), make_optimiser("adam")
    x = torch.randn(M, L, D, requires_grad=True)

    def held(steps):
        rows = Recipe("adam", steps, 4, "fixed").schedule(M, 0)
        lesson = Lesson(x, torch.ones(M, C) / C, torch.full((steps,), 0.1), rows)
        with Allocations() as allocated:
            start = State.fresh(student.fresh(0), optimiser)
            state = recompute(student, optimiser, start, lesson, [steps], keep_every=keep_every)
            assert state[0].theta.requires_grad
            return allocated.held

    state = 3 * 4 * student.size  # theta and Adam's two means, in float32
    assert (held(16) - held(8)) / state == 8 / keep_every


def test_graph_memory_of_recompute_does_not_grow_with_the_steps():
    assert live_saved_tensors(ENGINES["recompute"], 4) == live_saved_tensors(ENGINES["recompute"], 16)
    assert live_saved_tensors(ENGINES["unroll"], 16) > 3 * live_saved_tensors(ENGINES["unroll"], 4)


def test_bf16_autocast_is_the_same_in_both_sweeps():
    outer, leaves = problem()
    with torch.no_grad():
        leaves = [leaf.float().requires_grad_() for leaf in leaves]
    student, optimiser = outer.student, outer.optimiser
    rows = Recipe("adam", T, 4, "fixed").schedule(M, 5)
    found = {}
    for name, engine in ENGINES.items():
        lesson = Lesson(leaves[0], leaves[1].softmax(1), leaves[2], rows)
        with torch.autocast("cpu", torch.bfloat16):
            theta = engine(student, optimiser, State.fresh(leaves[3], optimiser), lesson, [T])[0].theta
            loss = student(theta, leaves[0]).float().logsumexp(1).mean()
        found[name] = torch.autograd.grad(loss, leaves)
    assert relative_difference(found["recompute"], found["unroll"]) < 2e-2
    assert all(gradient.dtype == torch.float32 for gradient in found["recompute"])


@pytest.mark.parametrize("engine", ENGINES)
def test_two_threads_give_the_same_derivative_every_time(engine):
    """Sums of many small parts by several threads at once, as plain indexing makes them, come in another order each."""
    student = make_student(STUDENTS["fasttext"][1](hidden=6), 100, C)
    generator = torch.Generator().manual_seed(4)
    x, y = torch.randn(4, 12, 100, generator=generator, requires_grad=True), torch.eye(C)[[0, 1, 2, 0]]
    lesson = Lesson(x, y, torch.full((20,), 0.01), torch.arange(4).repeat(20, 20))

    def derivative():
        start = State.fresh(student.fresh(0), make_optimiser("adam"))
        (end,) = ENGINES[engine](student, make_optimiser("adam"), start, lesson, [20])
        return torch.autograd.grad(end.theta.square().sum(), x)[0]

    torch.set_num_threads(2)
    first = derivative()
    assert all(torch.equal(derivative(), first) for _ in range(5))
