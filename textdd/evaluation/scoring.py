"""Accuracy and macro-F1 of several students at once: every text is embedded once, not once per student."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torchmetrics import MetricCollection
from torchmetrics.classification import MulticlassAccuracy, MulticlassF1Score

from textdd.corpora.corpus import Split
from textdd.spaces.embedded import embed
from textdd.training.student import FlatStudent

BATCH = 128
"""Texts read at a time. With 500, most of the time on a CPU goes into memory that the system clears for every batch."""


class Scores(NamedTuple):
    """One number per student.

    Attributes:
        accuracy: share of texts classified rightly (K,).
        macro_f1: mean over classes of the F1 score (K,).
    """

    accuracy: Tensor
    macro_f1: Tensor


@torch.no_grad()
def score(student: FlatStudent, thetas: list[Tensor], split: Split, table: Tensor) -> Scores:
    """Score K students, given by their parameters (P,), on all texts of a split.

    Args:
        student: the classifier.
        thetas: K parameter vectors.
        split: the texts.
        table: word vectors (V, D), on the device of the parameters.
    """
    classes = student.module.head.out_features
    metrics = [
        MetricCollection(
            {
                "accuracy": MulticlassAccuracy(classes, average="micro"),
                "macro_f1": MulticlassF1Score(classes, average="macro"),
            }
        ).to(table.device)
        for _ in thetas
    ]
    order = np.argsort(split.lengths(), kind="stable")  # texts of like length share a batch: little padding
    for start in range(0, len(split), BATCH):
        tokens = split.batch(order[start : start + BATCH])
        batch = embed(table, type(tokens)(*(tensor.to(table.device) for tensor in tokens)))
        for theta, metric in zip(thetas, metrics, strict=True):
            metric.update(student(theta, batch.x, batch.mask), batch.labels)
    results = [metric.compute() for metric in metrics]
    return Scores(*(torch.stack([result[name] for result in results]).cpu() for name in Scores._fields))
