"""Students side by side against students one by one (in float64): the same states and the same hypergradients."""

from dataclasses import replace
from functools import partial
from itertools import chain

import pytest
import torch
from torch.nn import functional as F

from tests.training.test_hypergradient import NAMES, relative_difference, small_student
from textdd.training import OPTIMISERS, Lesson, Recipe, State, make_optimiser, recompute, train, unroll
from textdd.training.side_by_side import answers, join, stack, train_all, unstack, worthwhile

D, L, C, M, T, K = 5, 6, 3, 9, 4, 3
ENGINES = {"unroll": unroll, "recompute": recompute, "every third": partial(recompute, keep_every=3, on_host=True)}


class Problem:
    """K students and a lesson for each; leaves are the texts and label logits of all sets, step sizes and starts."""

    def __init__(self, student="textcnn", optimiser="adam", *, masked=False, order="shuffled", sets=1):
        generator = torch.Generator().manual_seed(3)
        self.student = small_student(student)
        self.optimiser = make_optimiser(optimiser)
        x = torch.randn(sets, M, L, D, dtype=torch.float64, generator=generator)
        logits = torch.randn(sets, M, C, dtype=torch.float64, generator=generator)
        shape = (T,) if len(self.student.groups) == 1 else (T, len(self.student.groups))
        sizes = 0.05 + 0.05 * torch.rand(shape, dtype=torch.float64, generator=generator)
        theta = torch.stack([self.student.fresh(k, dtype=torch.float64) for k in range(K)])
        self.leaves = [tensor.requires_grad_() for tensor in (x, logits, sizes, theta)]
        mask = torch.arange(L) < torch.randint(2, L + 1, (M, 1), generator=generator) if masked else None
        self.rows = [Recipe(optimiser, T, 4, order).schedule(M, seed) for seed in range(K)]
        self.mask = mask
        self.real, _ = self.student.below(torch.randn(8, L, D, dtype=torch.float64, generator=generator))
        self.labels = torch.randint(C, (8,), generator=generator)

    def lessons(self):
        x, logits, sizes, _ = self.leaves
        read = [self.student.below(one, self.mask) for one in x]
        sets = [
            partial(Lesson, one, y, sizes, mask=mask) for (one, mask), y in zip(read, logits.softmax(-1), strict=True)
        ]
        return [sets[k % len(sets)](self.rows[k]) for k in range(K)]

    def trained(self, engine, choice, marks=(T,)):
        states = [State.fresh(theta, self.optimiser) for theta in self.leaves[3]]
        return train_all(engine, self.student, self.optimiser, states, self.lessons(), marks, choice)

    def gradients(self, engine, choice, marks=(T,)):
        """Of the losses of all students, which count unequally, so that a student taken for another is noticed."""
        loss = 0
        for k, states in enumerate(self.trained(engine, choice, marks)):
            loss += (k + 1) * sum(F.cross_entropy(self.student(s.theta, self.real), self.labels) for s in states)
        return torch.autograd.grad(loss, self.leaves)


@pytest.mark.parametrize("student", NAMES)
@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_states_and_hypergradients_are_those_of_students_one_by_one(student, optimiser):
    """In different mini-batches, with a mask, learned labels and step sizes, and losses at several steps."""
    problem = Problem(student, optimiser, masked=True)
    alone, together = (problem.trained(train, choice, marks=(2, T)) for choice in ("never", "always"))
    for expected, got in zip(chain(*alone), chain(*together), strict=True):
        assert got.t == expected.t
        assert relative_difference([got.theta, *got.slots], [expected.theta, *expected.slots]) < 1e-10
    expected = problem.gradients(unroll, "never", marks=(2, T))
    assert all(gradient.abs().max() > 0 for gradient in expected)
    for engine in ENGINES.values():
        assert relative_difference(problem.gradients(engine, "always", marks=(2, T)), expected) < 1e-10


@pytest.mark.parametrize("options", [{"order": "fixed"}, {"sets": K}, {"sets": 2, "masked": True}], ids=str)
@pytest.mark.parametrize("engine", ENGINES)
def test_texts_may_be_shared_or_of_each_student_its_own(options, engine):
    problem = Problem(**options)
    rows = join(problem.lessons()).rows
    assert rows.shape == ((T, 4) if "order" in options else (T, K, 4))
    expected = problem.gradients(unroll, "never")
    assert relative_difference(problem.gradients(ENGINES[engine], "always"), expected) < 1e-10


@pytest.mark.parametrize("student", NAMES)
@pytest.mark.parametrize("engine", ENGINES)
def test_no_student_hears_of_another(student, engine):
    problem = Problem(student, sets=K)
    for k, (state,) in enumerate(problem.trained(ENGINES[engine], "always")):
        by_x, by_logits, _, by_theta = torch.autograd.grad(
            state.theta.square().sum(), problem.leaves, retain_graph=True
        )
        for gradient in (by_x, by_logits, by_theta):
            reached = [bool(part.any()) for part in gradient]
            assert reached == [j == k for j in range(K)]


def test_sets_of_different_lengths_are_padded():
    problem = Problem(sets=2)
    first, second, _ = problem.lessons()
    shorter = replace(second, x=second.x[:, : L - 2])
    joined = join([first, shorter])
    assert joined.x.shape == (2 * M, L, D)
    assert joined.mask.sum(1).tolist() == [L] * M + [L - 2] * M
    theta, portion = problem.leaves[3], joined.portion(0)
    both = problem.student(theta[:2], portion.x, portion.mask)
    alone = [problem.student(theta[k], one.portion(0).x) for k, one in enumerate((first, shorter))]
    assert torch.allclose(both, torch.stack(alone), rtol=1e-10)


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_a_stack_comes_apart_as_it_was_put_together(optimiser):
    states = [State.fresh(torch.full((4,), float(k)), make_optimiser(optimiser)) for k in range(K)]
    for before, after in zip(states, unstack(stack(states)), strict=True):
        assert all(
            torch.equal(a, b) for a, b in zip((before.theta, *before.slots), (after.theta, *after.slots), strict=True)
        )
        assert after.t == before.t


@pytest.mark.parametrize("student", ["textcnn", "fasttext", "lstm"])  # in deeper ones Adam makes much of rounding
def test_bf16_autocast_is_the_same_side_by_side(student):
    if student == "lstm" and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        pytest.skip("torch has no LSTM in bfloat16 for this processor")
    problem = Problem(student)
    problem.leaves = [leaf.detach().float().requires_grad_() for leaf in problem.leaves]
    problem.real = problem.real.float()
    found = {}
    for name, engine in ENGINES.items():
        for choice in ("never", "always"):
            with torch.autocast("cpu", torch.bfloat16):
                found[name, choice] = problem.gradients(engine, choice)
    for name in ENGINES:
        assert relative_difference(found[name, "always"], found[name, "never"]) < 5e-2
        assert all(gradient.dtype == torch.float32 for gradient in found[name, "always"])


@pytest.mark.parametrize("student", NAMES)
def test_answers_are_those_of_each_student(student):
    problem = Problem(student)
    thetas = list(problem.leaves[3])
    one_by_one, together = (
        answers(problem.student, thetas, problem.real, None, choice) for choice in ("never", "always")
    )
    assert torch.allclose(one_by_one, together, rtol=1e-10)


def test_auto_is_side_by_side_on_a_gpu_and_where_a_cpu_has_little_to_compute():
    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    assert worthwhile("auto", gpu, tokens=10**6)
    assert worthwhile("auto", cpu, tokens=4 * 12)
    assert not worthwhile("auto", cpu, tokens=10**6)
    assert not worthwhile("never", gpu, tokens=1)
    assert worthwhile("always", cpu, tokens=10**6)
