"""A classifier: a student that was trained on a set, with what it needs to read plain text."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from textdd.spaces.reading import Reader


class Classifier:
    """A trained student with what it needs to read plain text.

    Args:
        classes: the C class names.
        reader: how texts become what the student reads.
        theta: its parameters (P,).
        rule: of several labels, the threshold of each (C,); None takes one half.
    """

    def __init__(self, classes: list[str], reader: Reader, theta: Tensor, rule: Tensor | None = None) -> None:
        self.classes, self.reader, self.theta, self.rule = classes, reader, theta, rule

    @torch.no_grad()
    def __call__(self, texts: list[str] | list[tuple[str, str]]) -> list[Any]:
        """Name the class of every text, or its labels where it may have several; of pairs, both segments are given.

        Raises:
            TextddError: a text has no word.
        """
        probabilities = self.probabilities(texts)
        if self.reader.student.task.name == "one_class":
            return [self.classes[i] for i in probabilities.argmax(1).tolist()]
        rule = torch.full((len(self.classes),), 0.5) if self.rule is None else self.rule
        given = (probabilities >= rule.to(probabilities)).tolist()
        return [[name for name, yes in zip(self.classes, row, strict=True) if yes] for row in given]

    @torch.no_grad()
    def probabilities(self, texts: list[str] | list[tuple[str, str]]) -> Tensor:
        """What the student thinks of every text (N, C); errors as above."""
        segments = [(text,) if isinstance(text, str) else tuple(text) for text in texts]
        batch = self.reader(self.reader.space.tokens(segments))
        return self.reader.student.task.probabilities(self.reader.student(self.theta, batch.x, batch.mask))
