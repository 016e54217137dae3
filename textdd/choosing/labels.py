"""Labels of chosen texts: hard, learned, or a teacher's.

Of students in closed form the answers are linear in the labels of the set, f(x) = k(x, S) (K + λ I)⁻¹ Y, so that their
outer loss is convex in Y; its gradient is taken through the logits of the labels, which keep them labels.
"""

from __future__ import annotations

import torch
from torch import Tensor

from textdd.choosing.judging import Judge, Texts
from textdd.choosing.ridge import kernel

LABELS = ("hard", "soft", "teacher")

STEPS, CONFIDENCE = 60, 0.9
"""Iterations of L-BFGS, and the probability of a text's own class where its labels start."""


def learned_labels(judge: Judge, chosen: Texts, asked: Texts) -> Tensor:
    """Labels (M, C) with which the students do best on many texts.

    Args:
        judge: the students, with their temperatures.
        chosen: the texts of the set.
        asked: the texts that students are asked about.
    """
    task, maps = judge.task, []
    assert judge.temperatures is not None
    temperatures = iter(judge.temperatures)
    for ours, theirs in zip(chosen.views, asked.views, strict=True):
        within, across = kernel(ours, ours), kernel(theirs, ours)
        for ridge in judge.ridges:
            inverse = torch.linalg.inv(within + ridge * torch.eye(len(within)).to(within))
            maps.append(next(temperatures) * (across @ inverse).float())
    middle = 1 / task.classes if task.name == "one_class" else 0.5
    logits = task.start_logits(task.as_labels(chosen.targets).float(), CONFIDENCE).requires_grad_()
    optimiser = torch.optim.LBFGS([logits], max_iter=STEPS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        centred = task.probabilities(logits) - middle
        loss = torch.stack([task.loss(answers @ centred, asked.targets) for answers in maps]).mean()
        loss.backward()
        return loss

    optimiser.step(closure)
    return task.probabilities(logits).detach()
