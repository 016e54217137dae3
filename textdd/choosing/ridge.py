"""A student in closed form: kernel ridge regression on M texts, and what it would say if one of them were another.

With unit features φ of an encoder and a constant one for the bias, k(a, b) = ⟨φ(a), φ(b)⟩ + 1, and with centred labels
Y (M, C), the student that is trained on the texts S to the end answers any text x with

    f(x) = k(x, S) (K + λ I)⁻¹ Y.

A swap takes text i out and puts text j in its place. Without i the inverse A of what is left is known; with j the
answers change by a multiple of what k(x, j) has that the others do not explain (a rank-one update):

    f_j(x) = f(x) + (k(x, j) − k(x, S) A k(S, j)) (y_j − f(j)) / (k(j, j) + λ − k(j, S) A k(S, j)).

So B candidates for one place cost one product of matrices, not B trainings.
"""

from __future__ import annotations

import torch
from torch import Tensor


def unit(features: Tensor, middle: Tensor) -> Tensor:
    """Features (n, F) from their middle (F,) on, each of length one."""
    moved = features - middle
    return moved / moved.norm(dim=1, keepdim=True).clamp_min(1e-12)


def kernel(a: Tensor, b: Tensor) -> Tensor:
    """K between unit features (n, F) and (m, F): (n, m), float64, so that rounding decides nothing."""
    return a.double() @ b.double().t() + 1


def weights(within: Tensor, targets: Tensor, ridge: float) -> Tensor:
    """(K + λ I)⁻¹ Y (M, C), by which answers are made of kernels with the set.

    Args:
        within: K (M, M).
        targets: Y (M, C), centred.
        ridge: λ.
    """
    return torch.linalg.solve(within + ridge * torch.eye(len(within)).to(within), targets)


def answers_if_swapped(
    asked: Tensor, asked_new: Tensor, within: Tensor, new: Tensor, own: Tensor, targets: Tensor, wanted: Tensor,
    place: int, ridge: float,
) -> Tensor:  # fmt: skip
    """What the student would answer N texts for each of B candidates that might take one place (N, B, C).

    Args:
        asked: kernel of the N texts with the set (N, M).
        asked_new: kernel of the N texts with the candidates (N, B).
        within: kernel of the set (M, M).
        new: kernel of the candidates with the set (B, M).
        own: kernel of each candidate with itself (B,).
        targets: labels of the set (M, C), centred.
        wanted: labels of the candidates (B, C), centred.
        place: which of the set's texts is taken out.
        ridge: λ.
    """
    others = torch.arange(len(within)) != place
    asked, new, targets = asked[:, others], new[:, others], targets[others]
    left = within[others][:, others]
    inverse = torch.linalg.inv(left + ridge * torch.eye(len(left)).to(left))
    explained = inverse @ new.t()  # (M - 1, B)
    missing = own + ridge - (new.t() * explained).sum(0)  # (B,)
    errors = (wanted - new @ (inverse @ targets)) / missing.unsqueeze(1)  # (B, C)
    fresh = asked_new - asked @ explained  # (N, B)
    return (asked @ (inverse @ targets)).unsqueeze(1) + fresh.unsqueeze(2) * errors
