"""Clipped and noisy sums of the texts' gradients of a linear head, as in GRADMM (Nguyen et al. 2025) and DP-SGD.

The gradient of a text with respect to the weights of a head is the outer product of what it gets wrong, r = p - y, and
its features φ. So its norm is |r| |φ|, and a sum of clipped gradients is a product of two matrices: no gradient of a
text is ever stored (Goodfellow 2015, "Efficient per-example gradient computations").
"""

from __future__ import annotations

import secrets

import torch
from torch import Tensor

from textdd.seeds import torch_generator


def fresh_secret() -> int:
    """A seed of the operating system's, 63 bits: who knew it could draw the same noise and take it off again."""
    return secrets.randbits(63)


def clipped_sum(residuals: Tensor, features: Tensor, clip: float) -> Tensor:
    """The sum of gradients (outputs, width) of N texts, each scaled down to the norm `clip` if it is longer.

    It is computed in double precision, so that rounding does not lengthen a gradient; a text whose gradient is not
    finite counts for nothing.

    Args:
        residuals: p - y (N, outputs).
        features: φ (N, width).
        clip: c, the longest.
    """
    r, phi = residuals.double(), features.double()
    norms = r.norm(dim=1) * phi.norm(dim=1)
    counted = norms.isfinite()
    scale = (clip / norms.clamp_min(clip)).unsqueeze(1)
    return (r * scale)[counted].t() @ phi[counted]


def noisy(total: Tensor, deviation: float, secret: int, *names: str | int) -> Tensor:
    """A sum with Gaussian noise of a standard deviation in every number.

    Args:
        total: the sum.
        deviation: σ c.
        secret: of `fresh_secret`, the same in all sittings of a run.
        names: of this draw, such as `("noise", step, c)`; each of them gives noise of its own.
    """
    generator = torch_generator(secret, *names)  # on the CPU, so that all devices have the same
    return total + deviation * torch.randn(total.shape, generator=generator, dtype=torch.float64).to(total)
