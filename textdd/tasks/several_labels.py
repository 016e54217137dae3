"""Several labels a text, or none: sigmoid, binary cross-entropy, F1 and average precision.

A sigmoid says how likely a label is, not whether to give it: rare labels are worth giving below one half. So each label
has a threshold, chosen on validation texts for the best F1 of that label (Lipton et al. 2014, "Optimal thresholding of
classifiers to maximize F1 measure"), and test texts are read with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F
from torchmetrics import Metric
from torchmetrics.functional.classification import binary_average_precision

from textdd.tasks.task import Task

GRID = 50
"""Thresholds that are looked at, evenly spread over the probabilities between 0 and 1."""


@dataclass(frozen=True)
class SeveralLabels(Task):
    """Every text has any number of C labels; targets are 0 or 1 for each (N, C)."""

    name: ClassVar[str] = "several_labels"
    measures: ClassVar[tuple[str, ...]] = ("micro_f1", "macro_f1", "mean_average_precision")

    def as_labels(self, targets: Tensor) -> Tensor:
        """The targets themselves (N, C)."""
        return targets.long()

    def hardened(self, y: Tensor) -> Tensor:
        """What is likelier than not (N, C)."""
        return (y > 0.5).to(y)

    def members(self, targets: Tensor) -> Tensor:
        """The labels of each text (N, C), bool."""
        return targets.bool()

    def loss(self, logits: Tensor, wanted: Tensor) -> Tensor:
        """Binary cross-entropy, the mean over texts and labels."""
        return F.binary_cross_entropy_with_logits(logits, wanted.to(logits.dtype))

    def inner_loss(self, logits: Tensor, y: Tensor) -> Tensor:
        """The same; of K students the sum of their means."""
        logits = logits.float() if logits.dtype.itemsize < 4 else logits
        wanted = y.to(logits.dtype).expand_as(logits)
        return F.binary_cross_entropy_with_logits(logits, wanted, reduction="none").mean((-2, -1)).sum()

    def probabilities(self, logits: Tensor) -> Tensor:
        """How likely each label is (..., C)."""
        return logits.sigmoid()

    def start_logits(self, y: Tensor, confidence: float) -> Tensor:
        """Labels of that probability, the others of the rest (M, C)."""
        return torch.logit(y * confidence + (1 - y) * (1 - confidence))

    def logits_of(self, y: Tensor) -> Tensor:
        """The logarithms of the odds (M, C)."""
        return torch.logit(y)

    def check_metric(self) -> Metric:
        """Micro-F1 at the best thresholds for the texts at hand, which are validation texts."""
        return BestMicroF1(self.classes)

    def rule_from(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The threshold of each label (C,), as a probability."""
        return best_thresholds(counts(logits.sigmoid(), targets.bool()))

    def scores(self, logits: Tensor, targets: Tensor, rule: Tensor | None = None) -> dict[str, float]:
        """F1 over all labels together, its mean over labels, and the mean of their average precisions."""
        assert rule is not None, "thresholds are chosen on validation texts"
        given, right = logits.sigmoid() >= rule, targets.bool()
        both, either = (given & right).sum(0), given.sum(0) + right.sum(0)  # (C,)
        f1 = 2 * both / either.clamp_min(1)
        # A label that no text has is no mistake of the student.
        there = right.any(0).nonzero().flatten().tolist()
        precisions = [float(binary_average_precision(logits[:, c], targets[:, c].long())) for c in there]
        return {
            "micro_f1": float(2 * both.sum() / either.sum().clamp_min(1)),
            "macro_f1": float(f1.mean()),
            "mean_average_precision": sum(precisions) / max(1, len(precisions)),
        }


def counts(probabilities: Tensor, right: Tensor) -> Tensor:
    """Labels given rightly and labels given, at every threshold of the grid, and labels there are (C, 2 GRID + 1)."""
    cells = (probabilities.float() * GRID).long().clamp(0, GRID - 1)  # given at thresholds 0 to `cells` of the grid
    every = torch.zeros(2, right.shape[1], GRID, device=right.device)
    for place, weights in zip(every, (right.float(), torch.ones_like(right, dtype=torch.float)), strict=True):
        place.scatter_add_(1, cells.t(), weights.t())
    given_rightly, given = every.flip(-1).cumsum(-1).flip(-1)
    return torch.cat([given_rightly, given, right.sum(0).unsqueeze(1)], dim=1)


def best_thresholds(counted: Tensor) -> Tensor:
    """The threshold of each label (C,) with the best F1, from what `counts` found; the highest of equally good ones."""
    both, given, there = counted.split([GRID, GRID, 1], dim=1)
    f1 = 2 * both / (given + there).clamp_min(1)
    best = GRID - 1 - f1.flip(1).argmax(1)
    return best.float() / GRID


class BestMicroF1(Metric):
    """Micro-F1 with each label's best threshold; counts add up over batches and processes.

    Args:
        classes: C.
    """

    full_state_update = False
    counted: Tensor

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.add_state("counted", torch.zeros(classes, 2 * GRID + 1), dist_reduce_fx="sum")

    def update(self, logits: Tensor, targets: Tensor, *_: Any) -> None:
        """Count the labels of logits (N, C) and targets (N, C)."""
        self.counted += counts(logits.sigmoid(), targets.bool())

    def compute(self) -> Tensor:
        """The measure so far."""
        both, given, there = self.counted.split([GRID, GRID, 1], dim=1)
        place = (best_thresholds(self.counted) * GRID).round().long().unsqueeze(1)
        return 2 * both.gather(1, place).sum() / (given.gather(1, place) + there).sum().clamp_min(1)
