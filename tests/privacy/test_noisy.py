"""Clipped sums beside a loop over autograd's gradients, and noise of the deviation that it is said to have."""

import pytest
import torch
from torch.nn import functional as F

from textdd.privacy.noisy import clipped_sum, fresh_secret, noisy

N, C, WIDTH = 9, 3, 5


@pytest.fixture
def texts():
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(N, WIDTH, dtype=torch.float64, generator=generator) * torch.arange(1, N + 1).unsqueeze(1)
    weight = torch.randn(C, WIDTH, dtype=torch.float64, generator=generator)
    y = F.one_hot(torch.arange(N) % C, C).double()
    return features, weight, y


@pytest.mark.parametrize("clip", [0.1, 3.0, 1e5])
def test_is_the_sum_of_autograds_gradients_each_clipped(texts, clip):
    features, weight, y = texts
    expected, longer = torch.zeros_like(weight), 0
    for one, label in zip(features, y, strict=True):
        leaf = weight.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(F.cross_entropy(leaf @ one, label), leaf)
        longer += bool(gradient.norm() > clip)
        expected += gradient * min(1.0, clip / gradient.norm().item())
    got = clipped_sum((features @ weight.t()).softmax(1) - y, features, clip)
    assert (longer > 0) == (clip < 1e5)
    assert torch.allclose(got, expected, atol=1e-10)


def test_one_text_more_moves_the_sum_by_no_more_than_the_clip(texts):
    features, weight, y = texts
    features[0] *= 1e6
    residuals = (features @ weight.t()).softmax(1) - y
    moved = clipped_sum(residuals, features, 0.5) - clipped_sum(residuals[1:], features[1:], 0.5)
    assert moved.norm() <= 0.5 * (1 + 1e-9)


def test_a_text_that_is_not_finite_counts_for_nothing(texts):
    features, weight, y = texts
    residuals = (features @ weight.t()).softmax(1) - y
    expected = clipped_sum(residuals[1:], features[1:], 0.5)
    for wrong in (torch.inf, torch.nan):
        features[0] = wrong
        assert torch.equal(clipped_sum(residuals, features, 0.5), expected)


def test_without_texts_the_sum_is_zero():
    assert torch.equal(clipped_sum(torch.zeros(0, C), torch.zeros(0, WIDTH), 1.0), torch.zeros(C, WIDTH).double())


def test_the_noise_has_the_deviation_that_is_said():
    total = torch.full((300, 400), 7.0, dtype=torch.float64)
    noise = noisy(total, 2.5, 11, "noise", 0, 0) - total
    assert noise.std().item() == pytest.approx(2.5, rel=0.01)  # four times its standard error
    assert noise.mean().abs() < 0.03
    assert noise.mean(0).std().item() == pytest.approx(2.5 / 300**0.5, rel=0.15)  # independent from number to number


def test_the_same_draw_again_is_the_same_and_others_are_independent():
    total = torch.zeros(50, 50)
    first, other, stranger = (noisy(total, 1.0, secret, "noise", step, 0) for secret, step in ((5, 0), (5, 1), (6, 0)))
    assert torch.equal(first, noisy(total, 1.0, 5, "noise", 0, 0))
    for one in (other, stranger):
        assert abs((first * one).mean()) < 0.1


def test_secrets_are_the_operating_systems():
    assert len({fresh_secret() for _ in range(20)}) == 20
