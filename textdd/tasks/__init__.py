"""Tasks: what a target is, the loss, the prediction and the measures; one kind of target a file."""

from __future__ import annotations

from textdd.tasks.generation import Generation
from textdd.tasks.one_class import OneClass
from textdd.tasks.several_labels import SeveralLabels
from textdd.tasks.task import Scores, Task

TASKS: dict[str, type[Task]] = {
    "one_class": OneClass,
    "several_labels": SeveralLabels,
    "generation": Generation,
}
"""The kinds of targets: name -> class."""

__all__ = ["TASKS", "Generation", "OneClass", "Scores", "SeveralLabels", "Task"]
