"""The options of loggers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from textdd.allowed import Name, Text

Project = Annotated[str, Text(r"a name without any of / \ # ? % :", 128, r"[^/\\#?%:\0]+")]
"""What W&B takes for the name of a project."""


@dataclass
class LoggerConfig:
    """Mirrors of the record; several at once as in logger=[csv,wandb].

    Attributes:
        csv: write metrics.csv beside metrics.jsonl, and the table of results as results.csv.
        tensorboard: write for TensorBoard, a line per method.
        wandb: log to Weights & Biases, offline where no key is set.
        project: the W&B project.
        entity: the W&B user or team; null takes the key's own.
    """

    csv: bool = False
    tensorboard: bool = False
    wandb: bool = False
    project: Project = "textdd"
    entity: Name | None = None
