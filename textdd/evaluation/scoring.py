"""The measures of several students at once: every text is read once, not once per student."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from textdd.evaluation.responses import losses_as_scores, response_losses
from textdd.spaces.reading import Reader, Reading
from textdd.students.writer import FlatWriter
from textdd.tasks import Scores

BATCH = 128
"""Texts read at a time. With 500, most of the time on a CPU goes into memory that the system clears for every batch."""


@torch.no_grad()
def logits_of(thetas: list[Tensor], reading: Reading, reader: Reader) -> tuple[Tensor, Tensor]:
    """What K students, given by their parameters (P,), say of all texts of a split.

    Returns:
        Logits (K, n, C) and targets, on the CPU, in the order of the texts' lengths.
    """
    logits, targets = [], []
    order = np.argsort(reading.lengths(), kind="stable")  # texts of like length share a batch: little padding
    for start in range(0, len(reading), BATCH):
        batch = reader(reading.batch(order[start : start + BATCH]))
        answers = [reader.student(theta, batch.x, batch.mask) for theta in thetas]
        logits.append(torch.stack(answers).float().cpu())
        targets.append(batch.labels.cpu())
    return torch.cat(logits, dim=1), torch.cat(targets)


def score(thetas: list[Tensor], reading: Reading, reader: Reader, chosen_on: Reading | None = None) -> Scores:
    """Score K students on all texts of a split.

    Args:
        thetas: K parameter vectors (P,).
        reading: the texts.
        reader: turns them into what the student reads, where the parameters are.
        chosen_on: validation texts, on which a task may have to choose something before logits become a prediction;
            None takes the split itself, which must be one of validation texts.
    """
    task = reader.student.task
    if isinstance(reader.student, FlatWriter):  # whose logits are as many as there are words
        return losses_as_scores(response_losses(thetas, reading, reader))
    logits, targets = logits_of(thetas, reading, reader)
    rules = [task.rule_from(own, targets) for own in logits]
    if chosen_on is not None and rules[0] is not None:
        before, wanted = logits_of(thetas, chosen_on, reader)
        rules = [task.rule_from(own, wanted) for own in before]
    found = [task.scores(own, targets, rule) for own, rule in zip(logits, rules, strict=True)]
    return {name: torch.tensor([scores[name] for scores in found]) for name in task.measures}
