"""What a task is: everything that depends on what a text's target is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import Tensor
from torchmetrics import Metric

Scores = Mapping[str, Tensor]
"""Measure -> one number per student (K,)."""


@dataclass(frozen=True)
class Task(ABC):
    """A kind of target, over C classes or labels.

    Targets as a corpus holds them are class numbers (N,) or 0 and 1 for each label (N, C). What a set teaches are
    always numbers in [0, 1] for each class or label, y (N, C).

    Attributes:
        classes: C.
        name: what the kind is called.
        measures: names of what students are measured by; the first is the headline.
        higher_is_better: of the headline.
    """

    classes: int
    name: ClassVar[str]
    measures: ClassVar[tuple[str, ...]]
    higher_is_better: ClassVar[bool] = True

    @abstractmethod
    def as_labels(self, targets: Tensor) -> Tensor:
        """Targets of a corpus as y (N, C), int64."""

    @abstractmethod
    def hardened(self, y: Tensor) -> Tensor:
        """Labels y (N, C) without shades: what a person would have written beside the text."""

    @abstractmethod
    def members(self, targets: Tensor) -> Tensor:
        """Which classes a target names (N, C), bool."""

    def wanted(self, labels: Tensor, ids: Tensor, second: Tensor | None) -> Tensor:
        """What texts that were read are to be answered with: their targets, or what they hold of it themselves.

        Args:
            labels: targets (N,) or (N, C).
            ids: token numbers (N, L).
            second: where the second segment is (N, L); None where there is none.
        """
        del ids, second
        return labels

    def taught(self, y: Tensor, targets: Tensor, like: Tensor) -> Tensor:
        """What students are taught of a set that was read, in the precision and at the place of `like`.

        Args:
            y: labels (M, C) of the set.
            targets: what `wanted` found in its texts.
            like: their embeddings.
        """
        del targets
        return y.to(like)

    def label_bytes(self, targets: np.ndarray) -> int:
        """Bytes of the targets (N,) or (N, C) of real texts, one for each class or label."""
        return len(targets) if targets.ndim == 1 else int(targets.sum())

    @abstractmethod
    def loss(self, logits: Tensor, wanted: Tensor) -> Tensor:
        """Mean loss of logits (N, C) where `wanted` are targets of the corpus or y (N, C)."""

    @abstractmethod
    def inner_loss(self, logits: Tensor, y: Tensor) -> Tensor:
        """Mean loss of logits (N, C) under labels y (N, C); of K students, (K, N, C), the sum of their means."""

    @abstractmethod
    def probabilities(self, logits: Tensor) -> Tensor:
        """What logits (..., C) say: numbers in [0, 1]."""

    @abstractmethod
    def start_logits(self, y: Tensor, confidence: float) -> Tensor:
        """Label logits whose probabilities are hard labels y (M, C), held with so much confidence."""

    @abstractmethod
    def logits_of(self, y: Tensor) -> Tensor:
        """Logits whose probabilities are y (M, C); not finite where y is hard."""

    @abstractmethod
    def check_metric(self) -> Metric:
        """The headline while a set is learned; takes probabilities or logits (N, C) and targets, over all processes."""

    @abstractmethod
    def scores(self, logits: Tensor, targets: Tensor, rule: Tensor | None = None) -> dict[str, float]:
        """All measures of one student's logits (N, C).

        Args:
            logits: of the texts (N, C).
            targets: of the corpus.
            rule: what `rule_from` made of validation texts; None where there is none to be made.
        """

    def rule_from(self, logits: Tensor, targets: Tensor) -> Tensor | None:
        """What has to be chosen on validation texts before logits become a prediction; None if nothing."""
        del logits, targets
        return None
