"""The account of privacy, beside published values, numerical integration and what is known in closed form."""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import logsumexp
from scipy.stats import norm

from textdd.privacy.accounting import ORDERS, divergence, epsilon, noise_for

MNIST = (256 / 60_000, 1.1, 14_063, 1e-5)
"""Sampling rate, noise, steps and δ of the example of TensorFlow Privacy."""


def test_the_example_of_tensorflow_privacy():
    """Its README says 3.01, by the older way from Rényi divergences to ε; the newer one is less wasteful."""
    rate, noise, steps, delta = MNIST
    older = min(steps * divergence(rate, noise, order) - math.log(delta) / (order - 1) for order in ORDERS)
    assert older == pytest.approx(3.01, abs=0.005)
    assert epsilon(*MNIST) < older


@pytest.mark.parametrize(("rate", "noise"), [(0.01, 1.0), (0.3, 2.0), (0.9, 0.7), (1.0, 1.5)])
@pytest.mark.parametrize("order", [2, 5, 16])
def test_divergences_are_integrals(rate, noise, order):
    """Both directions by quadrature: a text more, for which the closed form is, and a text less, which costs less."""

    def density(x, there):
        with np.errstate(divide="ignore"):
            return logsumexp([norm.logpdf(x, 0, noise), norm.logpdf(x, 1, noise)], b=[1 - there, there])

    def integral(one, other):
        ends = (-12 * noise - order, 12 * noise + order)
        return quad(lambda x: np.exp(order * density(x, one) + (1 - order) * density(x, other)), *ends, limit=500)[0]

    more, less = (math.log(integral(*there)) / (order - 1) for there in ((rate, 0), (0, rate)))
    assert divergence(rate, noise, order) == pytest.approx(more, rel=1e-6, abs=1e-9)
    assert less <= more * (1 + 1e-9) + 1e-9


def loss_of_privacy(rate, noise, steps, delta):
    """ε by composing the distribution of the privacy loss of a text more, on a fine grid."""
    step, x = 1e-3, np.linspace(-14 * noise, 14 * noise + 1, 400_001)
    cells = np.diff(norm.cdf(x, 0, noise)) * (1 - rate) + np.diff(norm.cdf(x, 1, noise)) * rate
    middle = (x[1:] + x[:-1]) / 2
    losses = np.log1p(rate * np.expm1((2 * middle - 1) / (2 * noise**2)))
    size = 1 << 17
    places = np.floor(losses / step).astype(int) % size
    composed = np.fft.irfft(np.fft.rfft(np.bincount(places, cells, size)) ** steps, size)
    values = step * np.where(np.arange(size) < size // 2, np.arange(size), np.arange(size) - size)
    low, high = 0.0, 60.0
    while high - low > 1e-4:
        middle_epsilon = (low + high) / 2
        spent = (composed * np.maximum(0, -np.expm1(middle_epsilon - values))).sum()
        low, high = (middle_epsilon, high) if spent > delta else (low, middle_epsilon)
    return high


@pytest.mark.parametrize(("rate", "noise", "steps", "delta"), [(0.02, 1.0, 100, 1e-5), (0.1, 2.0, 200, 1e-4)])
def test_epsilon_is_an_upper_bound_and_not_far_from_the_truth(rate, noise, steps, delta):
    truth = loss_of_privacy(rate, noise, steps, delta)
    assert truth <= epsilon(rate, noise, steps, delta) <= 1.4 * truth  # few steps are what it is worst at


def test_a_single_look_at_all_texts_is_the_gaussian_mechanism():
    """Balle & Wang 2018, theorem 8: δ of the Gaussian mechanism, exactly."""
    noise, delta = 2.0, 1e-5
    found = epsilon(1.0, noise, 1, delta)

    def exact(wanted):
        half, shift = 1 / (2 * noise), wanted * noise
        return norm.cdf(half - shift) - math.exp(wanted) * norm.cdf(-half - shift)

    assert exact(found) <= delta
    assert exact(0.8 * found) > delta


@pytest.mark.parametrize("wanted", [0.05, 1.0, 8.0, 200.0])
def test_the_noise_is_the_least_that_will_do(wanted):
    noise = noise_for(wanted, 1e-5, 0.05, 300)
    assert epsilon(0.05, noise, 300, 1e-5) <= wanted < epsilon(0.05, noise * 0.999, 300, 1e-5)


def test_more_steps_or_more_texts_want_more_noise():
    least = noise_for(2.0, 1e-5, 0.05, 100)
    assert noise_for(2.0, 1e-5, 0.05, 200) > least
    assert noise_for(2.0, 1e-5, 0.1, 100) > least
    assert noise_for(1.0, 1e-5, 0.05, 100) > least


def test_what_no_noise_can_do_is_said():
    with pytest.raises(ValueError, match="no noise makes epsilon 1e-06"):
        noise_for(1e-6, 1e-12, 0.05, 100)
