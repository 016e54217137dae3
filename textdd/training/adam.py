"""Adam and its adjoint, written out: half of a training step's time would go into the graph of its square roots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from textdd.training.optimiser import Optimiser, Slots

FLOOR = 1e-30
"""Least second moment. A unit that never fired has exactly zero, where the root's derivative is infinite; the floor is
so far below epsilon squared that it changes no step."""


@dataclass(frozen=True)
class Adam(Optimiser):
    """Adam (Kingma & Ba, 2015).

    Attributes:
        beta1: decay of the mean of the gradients.
        beta2: decay of the mean of their squares.
        epsilon: added to the root of the second mean.
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def start(self, theta: Tensor) -> Slots:
        """Two means (P,), at zero."""
        return torch.zeros_like(theta), torch.zeros_like(theta)

    def update(self, theta: Tensor, gradient: Tensor, slots: Slots, step_size: Tensor, t: int) -> tuple[Tensor, Slots]:
        """M' and v' are running means; theta' = theta - step size * m^ / (sqrt(v^) + epsilon)."""
        theta, mean, square = _Step.apply(self, t, theta, gradient, *slots, step_size)
        return theta, (mean, square)


@dataclass(frozen=True)
class SmoothAdam(Adam):
    """Adam with an epsilon near the gradients of small networks, so that small ones make small steps.

    With the usual epsilon a parameter moves as far for a tiny gradient as for a large one, and turns round with its
    sign: such a training hangs on its first step by a hair, and of the gradients through it some are ten times as long
    as most and point anywhere. The larger epsilon takes that away and wants larger step sizes.
    """

    step_scale: ClassVar[float] = 3.0
    epsilon: float = 1e-3


class _Step(torch.autograd.Function):
    """One step of Adam with few passes over the parameters, and the product of an adjoint with its Jacobian.

    With c1 = 1 - beta1^t and c2 = 1 - beta2^t (t counted from one), r = sqrt(v' / c2) and i = 1 / (r + epsilon), the
    direction is d = m' i and theta' = theta - (alpha / c1) d. Bars denote adjoints:

        alpha_bar = -<theta_bar, d> / c1                      m'_bar += -(alpha / c1) theta_bar i
        v'_bar   +=  (alpha / c1) theta_bar i d / (2 c2 r)    g_bar = (1 - beta1) m'_bar + 2 (1 - beta2) g v'_bar
    """

    @staticmethod
    def forward(
        ctx: Any, adam: Adam, t: int, theta: Tensor, gradient: Tensor, mean: Tensor, square: Tensor, step_size: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        ctx.adam, ctx.c1, ctx.c2 = adam, 1 - adam.beta1 ** (t + 1), 1 - adam.beta2 ** (t + 1)
        mean = torch.lerp(mean, gradient, 1 - adam.beta1)
        square = (square * adam.beta2).addcmul_(gradient, gradient, value=1 - adam.beta2)
        root = (square / ctx.c2).clamp_min_(FLOOR).sqrt_()
        inverse = (root + adam.epsilon).reciprocal_()
        direction = mean * inverse
        ctx.save_for_backward(gradient, root, inverse, direction, step_size)
        return torch.addcmul(theta, direction, step_size, value=-1 / ctx.c1), mean, square

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, by_theta: Tensor, by_mean: Tensor, by_square: Tensor) -> tuple[Tensor | None, ...]:
        gradient, root, inverse, direction, step_size = ctx.saved_tensors
        adam: Adam = ctx.adam
        if step_size.dim():
            by_step_size = (by_theta * direction).sum_to_size(step_size.shape).div_(-ctx.c1)
        else:
            by_step_size = -torch.dot(by_theta.view(-1), direction.view(-1)) / ctx.c1
        scaled = by_theta * inverse * (step_size / ctx.c1)
        by_mean = by_mean - scaled
        by_square = torch.addcdiv(by_square, scaled.mul_(direction), root, value=1 / (2 * ctx.c2))
        by_gradient = (by_mean * (1 - adam.beta1)).addcmul_(gradient, by_square, value=2 * (1 - adam.beta2))
        return None, None, by_theta, by_gradient, by_mean * adam.beta1, by_square * adam.beta2, by_step_size
