"""What a method may use besides the mini-batches: the problem itself, and places for what it keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytorch_lightning as pl

from textdd.loggers import Mirrors
from textdd.problem import Problem


@dataclass(frozen=True)
class Materials:
    """Handed to `Distiller.prepare` before the first outer step.

    Attributes:
        problem: methods look at its training split alone, and choose on validation.
        cache: a folder for what depends on nothing but corpus, space, student and seed (teachers, expert
            trajectories), so that other runs find it again.
        make_trainer: builds a Trainer for the machine's devices and precision.
    """

    problem: Problem
    cache: Path
    make_trainer: Callable[..., pl.Trainer]


class Place(NamedTuple):
    """Where a run works.

    Attributes:
        folder: its checkpoints are kept there.
        shared: where methods keep what other runs on the same texts, space and student can use.
        mirrors: the loggers.
    """

    folder: Path
    shared: Path
    mirrors: Mirrors
