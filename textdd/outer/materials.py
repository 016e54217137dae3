"""What a method may use besides the mini-batches: the problem itself, and a place for what other runs can share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytorch_lightning as pl

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
