"""Attention labels: how a student is to attend while it reads a distilled text, taught beside the text's class.

Each head of some layers is given a distribution over the tokens for some rows of its attention, and a training step
lowers the divergence from it as well (Maekawa et al. 2023). That moves a pretrained body in a direction that does not
depend on a fresh head, which the class alone cannot say. Of the Kullback-Leibler divergence only the cross entropy
depends on the student, so that is what is added to the loss.
"""

from __future__ import annotations

import torch
from torch import Tensor

LEAST = 1e-8
"""Attention below this counts as this: its logarithm has no end."""


def shares(logits: Tensor, mask: Tensor | None, weight: float) -> Tensor:
    """What the logarithm of each attention counts in a text's loss (N, S, H, R, L): distributions, times their weight.

    Args:
        logits: of the distributions over tokens (N, S, H, R, L), of S layers, H heads and the first R rows, 1 or L.
        mask: true at tokens (N, L); others are attended by none, and their rows left out. None: all are tokens.
        weight: of the mean over layers, heads and rows beside the loss of the classes.
    """
    _, layers, heads, rows, _ = logits.shape
    counted = logits.new_ones(len(logits), rows) if mask is None else mask[:, :rows].to(logits)
    if mask is not None:
        logits = logits.masked_fill(~mask[:, None, None, None, :], -torch.inf)
    each = weight / (layers * heads) * counted / counted.sum(1, keepdim=True).clamp_min(1)
    return logits.softmax(-1) * each[:, None, None, :, None]


def divergence(wanted: Tensor, attention: Tensor) -> Tensor:
    """Mean over texts of the cross entropy between attention labels and a student's attention.

    Args:
        wanted: what `shares` gives (N, S, H, R, L).
        attention: probabilities (N, S', H, L, L) of at least S layers, of which the last S are taught.
    """
    layers, rows = wanted.shape[1], wanted.shape[3]
    taught = attention[:, -layers:, :, :rows]
    return -(wanted * taught.clamp_min(LEAST).log()).sum() / len(wanted)


def started(attention: Tensor, rows: str, layers: str) -> Tensor:
    """Logits (N, S, H, R, L) of labels that say what a student does anyway.

    Args:
        attention: probabilities (N, S', H, L, L).
        rows: `cls` for the first row of each head, or `all`.
        layers: `last`, or `all` that are learned.
    """
    chosen = attention if layers == "all" else attention[:, -1:]
    chosen = chosen[..., :1, :] if rows == "cls" else chosen
    return chosen.clamp_min(LEAST).log()
