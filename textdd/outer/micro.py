"""The outer loss in micro-batches: its gradient at the trained parameters first, then one product with the inner graph.

Real texts meet the set in the trained parameters alone, so the chain rule may stop there: what is kept of a micro-batch
is its part of one vector, and its activations are gone before the next one is read. The gradient is the same but for
rounding; memory no longer grows with the number of real texts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def in_parts(
    thetas: Sequence[Tensor], loss: Callable[[Sequence[Tensor], slice], Tensor], count: int, size: int
) -> Tensor:
    """A mean over `count` texts, which can be differentiated with respect to whatever made the parameters, once.

    Args:
        thetas: parameters (P,) of K trained students.
        loss: the mean over some of the texts, of students with these parameters.
        count: texts.
        size: of them read at a time.
    """
    leaves = [theta.detach().requires_grad_() for theta in thetas]
    total, gradients = thetas[0].new_zeros(()), [torch.zeros_like(leaf) for leaf in leaves]
    for start in range(0, count, size):
        part = slice(start, min(start + size, count))
        with torch.enable_grad():
            own = loss(leaves, part) * ((part.stop - part.start) / count)
        for gradient, found in zip(gradients, torch.autograd.grad(own, leaves), strict=True):
            gradient += found
        total = total + own.detach()
    for gradient, theta in zip(gradients, thetas, strict=True):
        total = total + torch.dot(gradient, theta - theta.detach())
    return total
