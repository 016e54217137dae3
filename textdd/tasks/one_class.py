"""One class a text: softmax, cross-entropy, accuracy and macro-F1."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor
from torch.nn import functional as F
from torchmetrics import Metric
from torchmetrics.classification import MulticlassAccuracy
from torchmetrics.functional.classification import multiclass_accuracy, multiclass_f1_score

from textdd.tasks.task import Task


@dataclass(frozen=True)
class OneClass(Task):
    """Every text has one class of C; targets are class numbers (N,)."""

    name: ClassVar[str] = "one_class"
    measures: ClassVar[tuple[str, ...]] = ("accuracy", "macro_f1")

    def as_labels(self, targets: Tensor) -> Tensor:
        """One-hot (N, C)."""
        return F.one_hot(targets, self.classes)

    def hardened(self, y: Tensor) -> Tensor:
        """The likeliest class alone (N, C)."""
        return F.one_hot(y.argmax(1), self.classes).to(y)

    def members(self, targets: Tensor) -> Tensor:
        """The class of each text (N, C), bool."""
        return F.one_hot(targets, self.classes).bool()

    def loss(self, logits: Tensor, wanted: Tensor) -> Tensor:
        """Mean cross-entropy under class numbers (N,) or distributions (N, C)."""
        return F.cross_entropy(logits, wanted)

    def inner_loss(self, logits: Tensor, y: Tensor) -> Tensor:
        """Mean cross-entropy under label distributions; of K students their sum."""
        likelihoods = F.log_softmax(logits.float() if logits.dtype.itemsize < 4 else logits, dim=-1)
        return -(y * likelihoods).sum(-1).mean(-1).sum()

    def probabilities(self, logits: Tensor) -> Tensor:
        """A distribution over the classes (..., C)."""
        return logits.softmax(dim=-1)

    def start_logits(self, y: Tensor, confidence: float) -> Tensor:
        """The margin by which a class of that probability scores more than each other (M, C)."""
        return math.log(confidence * (self.classes - 1) / (1 - confidence)) * y

    def logits_of(self, y: Tensor) -> Tensor:
        """Logarithms (M, C)."""
        return y.log()

    def check_metric(self) -> Metric:
        """Accuracy."""
        return MulticlassAccuracy(self.classes, average="micro")

    def scores(self, logits: Tensor, targets: Tensor, rule: Tensor | None = None) -> dict[str, float]:
        """The share of texts classified rightly, and the mean over classes of the F1 score."""
        del rule
        return {
            "accuracy": float(multiclass_accuracy(logits, targets, self.classes, average="micro")),
            "macro_f1": float(multiclass_f1_score(logits, targets, self.classes, average="macro")),
        }
