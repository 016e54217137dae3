"""A classifier: a student that was trained on a set, with what it needs to read plain text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from textdd.errors import TextddError, cut
from textdd.progress import track
from textdd.spaces.reading import Reader

BATCH = 128
"""Texts read at a time when many are scored."""


class Classifier:
    """A trained student with what it needs to read plain text.

    Args:
        classes: the C class names.
        reader: how texts become what the student reads.
        theta: its parameters (P,).
        rule: of several labels, the threshold of each (C,); None takes one half.
    """

    def __init__(self, classes: list[str], reader: Reader, theta: Tensor, rule: Tensor | None = None) -> None:
        self.classes, self.reader, self.theta = classes, reader, theta
        self.rule = torch.full((len(classes),), 0.5) if rule is None else rule

    @torch.no_grad()
    def __call__(self, texts: list[str] | list[tuple[str, str]]) -> list[Any]:
        """Name the class of every text, or its labels where it may have several; of pairs, both segments are given.

        Raises:
            TextddError: a text has no word.
        """
        probabilities = self.probabilities(texts)
        if self.reader.student.task.name == "one_class":
            return [self.classes[i] for i in probabilities.argmax(1).tolist()]
        given = (probabilities >= self.rule.to(probabilities)).tolist()
        return [[name for name, yes in zip(self.classes, row, strict=True) if yes] for row in given]

    @torch.no_grad()
    def probabilities(self, texts: list[str] | list[tuple[str, str]]) -> Tensor:
        """What the student thinks of every text (N, C); errors as above."""
        return self.reader.student.task.probabilities(self._logits(texts))

    @torch.no_grad()
    def score(self, texts: Sequence[str] | Sequence[tuple[str, str]], labels: Sequence[Any]) -> dict[str, float]:
        """How well it classifies texts whose classes are known: every measure of the task, the headline first.

        Args:
            texts: as for a call.
            labels: the class of each text, or the list of its labels where it may have several.

        Raises:
            TextddError: a text has no word, there are not as many labels as texts or none, or one is not known.
        """
        if len(texts) != len(labels) or not len(texts):
            raise TextddError(
                f"Got {len(texts)} texts and {len(labels)} labels. Give as many of both: score(texts, labels)"
            )
        task = self.reader.student.task
        targets = self._targets(labels, one_class=task.name == "one_class")
        order = sorted(range(len(texts)), key=lambda row: len("".join(texts[row])))  # of like length: little padding
        logits = torch.empty(len(texts), len(self.classes))
        for start in track(range(0, len(order), BATCH), "scoring texts"):
            rows = order[start : start + BATCH]
            logits[rows] = self._logits([texts[row] for row in rows]).float().cpu()
        return task.scores(logits, targets, self.rule)

    def _logits(self, texts: Sequence[Any]) -> Tensor:
        segments = [(text,) if isinstance(text, str) else tuple(text) for text in texts]
        batch = self.reader(self.reader.space.tokens(segments))
        return self.reader.student(self.theta, batch.x, batch.mask)

    def _targets(self, labels: Sequence[Any], *, one_class: bool) -> Tensor:
        """Class numbers (N,), or 0 and 1 for each label (N, C)."""
        places, flags = {name: place for place, name in enumerate(self.classes)}, []
        for row, own in enumerate(labels):
            names = [str(name) for name in ([own] if one_class else own)]
            if unknown := [name for name in names if name not in places]:
                raise TextddError(
                    f"Text {row} has the label {cut(unknown[0])!r}; the classes are "
                    f"{', '.join(map(cut, self.classes[:5]))} ... Give labels by these names: score(texts, labels)"
                )
            flags.append([name in names for name in self.classes])
        members = torch.tensor(flags)
        return members.int().argmax(1) if one_class else members
