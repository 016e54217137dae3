"""What noisy looks at private texts cost: Rényi differential privacy of the Poisson-subsampled Gaussian mechanism.

A step draws every text with probability q, independently of all others, adds up one vector of each, none longer than
c, and adds Gaussian noise of standard deviation σ c to every number. Two corpora are *neighbours* if one of them has
one text more. This relation is the right one for such samples: whether a text is there changes the sum by at most c,
and that only in the steps that have drawn it (to replace a text would change the sum by 2 c).

For whole orders α >= 2 the Rényi divergence between the outcomes of neighbours is at most (Mironov, Talwar & Zhang
2019, "Rényi differential privacy of the sampled Gaussian mechanism", equation 3 and section 3.3)

    R(α) = log( sum over k from 0 to α of  binom(α, k) (1 - q)^(α - k) q^k exp(k (k - 1) / 2 σ²) ) / (α - 1),

in both directions. T steps, each of which may depend on the outcomes before, cost T R(α); and a mechanism of R(α) is
(ε, δ)-differentially private with (Canonne, Kamath & Steinke 2020, proposition 12; Balle et al. 2020, theorem 21)

    ε = R(α) + log(1 - 1/α) - (log δ + log α) / (α - 1).

Every order gives a true ε, so the least of them is taken. The numbers are computed in double precision.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import gammaln, logsumexp

ORDERS = (*range(2, 65), *(round(64 * 2 ** (i / 4)) for i in range(1, 25)))
"""Whole orders that are tried, up to 4096: small ε are found at large ones."""

NEAR = 1e-4
"""How near the noise that is found is to the least that will do, as a fraction of it."""


def divergence(rate: float, noise: float, order: int) -> float:
    """R(α) of one step.

    Args:
        rate: q, by which every text is drawn, above 0.
        noise: σ, the noise multiplier.
        order: α, a whole number of at least 2.
    """
    if rate == 1:
        return order / (2 * noise**2)
    k = np.arange(order + 1)
    ways = gammaln(order + 1) - gammaln(k + 1) - gammaln(order - k + 1)
    terms = ways + (order - k) * math.log1p(-rate) + k * math.log(rate) + k * (k - 1) / (2 * noise**2)
    return float(logsumexp(terms)) / (order - 1)


def epsilon(rate: float, noise: float, steps: int, delta: float) -> float:
    """ε of so many steps at δ.

    Args:
        rate: q.
        noise: σ.
        steps: T.
        delta: δ.
    """
    found = (
        steps * divergence(rate, noise, order)
        + math.log1p(-1 / order)
        - (math.log(delta) + math.log(order)) / (order - 1)
        for order in ORDERS
    )
    return max(0.0, min(found))


def noise_for(wanted: float, delta: float, rate: float, steps: int) -> float:
    """The least σ, but for NEAR, with which so many steps cost no more than ε.

    Args:
        wanted: ε.
        delta: δ.
        rate: q.
        steps: T.

    Raises:
        ValueError: no noise is enough: ε is too small for this δ.
    """
    low, high = 0.0, 1.0
    while epsilon(rate, high, steps, delta) > wanted:
        low, high = high, 2 * high
        if high > 1e9:
            raise ValueError(f"no noise makes epsilon {wanted:g} at delta {delta:g}")
    while high - low > NEAR * high:
        middle = (low + high) / 2
        low, high = (low, middle) if epsilon(rate, middle, steps, delta) <= wanted else (middle, high)
    return high
