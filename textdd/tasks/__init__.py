"""Tasks: what a target is, the loss, the prediction and the measures; one kind of target a file."""

from __future__ import annotations

from textdd.tasks.one_class import OneClass
from textdd.tasks.several_labels import SeveralLabels
from textdd.tasks.task import Scores, Task

TASKS: dict[str, type[Task]] = {"one_class": OneClass, "several_labels": SeveralLabels}
"""The kinds of targets: name -> class."""

__all__ = ["TASKS", "OneClass", "Scores", "SeveralLabels", "Task"]
