"""Losses that match students' features or gradients: closed forms, other programs, finite differences."""

import numpy as np
import pytest
import torch
from sklearn.kernel_ridge import KernelRidge as SklearnKernelRidge
from torch.nn import functional as F

from tests.distillers.test_distillers import options
from textdd.distillers.distribution_matching import mean_discrepancy
from textdd.distillers.gradient_matching import cosine_distance, full_gradients, head_gradients
from textdd.distillers.kernel_ridge import ridge_predictions
from textdd.outer.distil import make_distiller
from textdd.spaces.reading import Batch
from textdd.students import STUDENTS, make_student

N, L, D, C, M = 10, 5, 4, 3, 6
METHODS = ["kernel_ridge", "distribution_matching", "gradient_matching"]


@pytest.fixture(params=["textcnn", "fasttext", "lstm"])
def any_student(request):
    _, options = STUDENTS[request.param]
    return make_student(options(), D, C)


@pytest.fixture
def texts():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(N, L, D, dtype=torch.float64, generator=generator)
    mask = torch.arange(L) < torch.arange(N).remainder(3).add(3).unsqueeze(1)
    return x, mask, torch.arange(N) % C


class TestKernelRidge:
    @pytest.fixture(params=[M, 3 * M])  # fewer examples than features, and more
    def regression(self, request):
        generator = torch.Generator().manual_seed(1)
        shapes = ((request.param, 8), (request.param, C), (N, 8))
        return [torch.randn(shape, dtype=torch.float64, generator=generator) for shape in shapes]

    def test_is_the_regression_of_scikit_learn(self, regression):
        features, targets, queries = regression
        with_bias = [F.pad(part, (0, 1), value=1.0) for part in (features, queries)]
        ridge = 0.3 * with_bias[0].square().sum() / len(features)  # lambda tr(K) / M
        expected = SklearnKernelRidge(alpha=ridge.item(), kernel="linear").fit(with_bias[0], targets)
        got = ridge_predictions(features, targets, queries, 0.3)
        assert got.numpy() == pytest.approx(expected.predict(with_bias[1]), rel=1e-9)

    def test_solves_the_normal_equations(self, regression):
        """The dual form equals the primal one: the weights minimise squared error plus ridge times squared norm."""
        features, targets, queries = regression
        with_bias = F.pad(features, (0, 1), value=1.0)
        ridge = 0.3 * with_bias.square().sum() / len(features)
        weights = torch.linalg.solve(with_bias.t() @ with_bias + ridge * torch.eye(9), with_bias.t() @ targets)
        expected = F.pad(queries, (0, 1), value=1.0) @ weights
        assert torch.allclose(ridge_predictions(features, targets, queries, 0.3), expected, atol=1e-9)

    def test_its_gradient(self, regression):
        features, targets, queries = (part.requires_grad_() for part in regression)
        assert torch.autograd.gradcheck(lambda *a: ridge_predictions(*a, 0.01), (features, targets, queries))

    def test_single_precision_does_not_lose_the_kernel(self, regression):
        features, targets, queries = regression
        features = features + 100  # the mean is all that single precision would see of the kernel
        expected = ridge_predictions(features, targets, queries, 1e-9)
        got = ridge_predictions(features.float(), targets.float(), queries.float(), 1e-9)
        assert torch.allclose(got, expected, rtol=0.02, atol=0.02)


class TestDistributionMatching:
    def test_closed_form(self, texts):
        """With features that are linear in the text, the loss is that of the classes' mean texts."""
        x, _, labels = texts
        weights = torch.randn(L * D, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
        ours, ours_labels = x[:M] + 0.5, torch.arange(M) % C
        means = [
            torch.stack([part[rows == c].flatten(1).mean(0) for c in range(C)])
            for part, rows in ((x, labels), (ours, ours_labels))
        ]
        expected = ((means[0] - means[1]) @ weights).square().sum()
        got = mean_discrepancy(
            x.flatten(1) @ weights, F.one_hot(labels, C), ours.flatten(1) @ weights, F.one_hot(ours_labels, C)
        )
        assert got.item() == pytest.approx(expected.item())

    def test_counts_the_classes_that_both_sets_have(self):
        real, synthetic = torch.tensor([[1.0], [3.0], [9.0]]), torch.tensor([[5.0], [7.0]])
        zero_twice_and_two = F.one_hot(torch.tensor([0, 0, 2]), 3)
        zero_and_one = F.one_hot(torch.tensor([0, 1]), 3)
        assert mean_discrepancy(real, zero_twice_and_two, synthetic, zero_and_one) == (5 - 2) ** 2


class TestGradientMatching:
    def test_head_gradient_is_autograds(self, any_student, texts):
        x, mask, _ = texts
        theta = any_student.fresh(3, dtype=torch.float64)
        y = torch.rand(N, C, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
        y = y / y.sum(1, keepdim=True)
        (got,) = head_gradients(any_student, theta, x, y, mask)
        leaf = theta.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(any_student.task.inner_loss(any_student(leaf, x, mask), y), leaf)
        expected = any_student.unflatten(gradient)["head.weight"]
        assert torch.allclose(got, expected, atol=1e-12)
        full = full_gradients(any_student, theta, x, y, mask)
        assert any(torch.allclose(part, expected) for part in full if part.shape == expected.shape)
        assert all(part.dim() == 2 for part in full)

    @pytest.mark.parametrize("gradients", [full_gradients, head_gradients])
    def test_its_gradient(self, any_student, texts, gradients):
        """The distance's derivative by texts and labels, the second-order one included, by finite differences."""
        x, mask, labels = texts
        theta = any_student.fresh(5, dtype=torch.float64)
        one_hot = F.one_hot(labels, C).double()
        real = [part.detach() for part in gradients(any_student, theta, x, one_hot, mask)]

        def loss(ours, logits):
            parts = gradients(any_student, theta, ours, logits.softmax(1))
            return sum(cosine_distance(a, b) for a, b in zip(real, parts, strict=True))

        ours = (x[:2] + 0.3).requires_grad_()
        logits = torch.zeros(2, C, dtype=torch.float64).index_fill(1, torch.tensor(1), 2.0).requires_grad_()
        assert torch.autograd.gradcheck(loss, (ours, logits), eps=1e-7, atol=1e-4, rtol=1e-3)

    def test_distance_by_hand(self):
        real = torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 3.0], [0.0, 0.0]])
        synthetic = torch.tensor([[5.0, 0.0], [1.0, 0.0], [-1.0, -1.0], [7.0, 7.0]])
        assert cosine_distance(real, synthetic).item() == pytest.approx(0 + 1 + 2)  # the last row has no direction


def made(name, problem, **changes):
    return make_distiller(options(name, **changes), problem)


VARIANTS = [(name, {}) for name in METHODS] + [("gradient_matching", {"gradient": "head"})]


@pytest.mark.parametrize(("name", "changes"), VARIANTS[1:])
def test_equal_sets_match(name, changes, problem):
    """The distilled texts are at their minimum where they are the real batch."""
    distiller = made(name, problem, **changes)
    x, one_hot = distiller.synthetic.x.detach(), distiller.synthetic.one_hot
    batch = Batch(x.clone(), torch.ones(x.shape[:2], dtype=torch.bool), one_hot.argmax(1))
    assert distiller.objective(batch, step=0).item() == pytest.approx(0, abs=1e-4)
    other = batch._replace(labels=batch.labels.roll(1))
    assert distiller.objective(other, step=0) > 0.01


@pytest.mark.parametrize(("name", "changes"), VARIANTS)
def test_a_class_may_be_absent_from_a_batch(name, changes, problem, reader):
    distiller = made(name, problem, **changes)
    batch = reader(problem.train.batch((problem.train.labels == 1).nonzero()[0][:5]))
    loss = distiller.objective(batch, step=0)
    loss.backward()
    moved = distiller.synthetic.x.grad.abs().sum((1, 2)) > 0
    assert loss.isfinite()
    assert distiller.synthetic.x.grad.isfinite().all()
    if name != "kernel_ridge":  # which fits all distilled texts at once
        assert moved.tolist() == (distiller.synthetic.one_hot[:, 1] > 0).tolist()


@pytest.mark.parametrize("name", ["kernel_ridge", "gradient_matching"])
def test_students_of_the_pool_age_and_are_renewed(name, problem, reader):
    distiller = made(name, problem, pool=2, inner_steps=9, oldest=4, online_steps=2)
    batch, ages = reader(problem.train.batch(np.arange(20))), []
    for step in range(6):
        distiller.objective(batch, step)
        ages.append([state.t for state in distiller.pool.states])
    assert ages == [[2, 2], [2, 4], [4, 4], [4, 2], [2, 2], [2, 4]]
