"""What a method may use besides the mini-batches: the corpus itself, and a place to keep what other runs can share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytorch_lightning as pl
from torch import Tensor

from textdd.corpora.corpus import Corpus


@dataclass(frozen=True)
class Materials:
    """Handed to `Distiller.prepare` before the first outer step.

    Attributes:
        corpus: the texts; methods look at its training split alone.
        table: word vectors (V, D).
        cache: a folder for what depends on nothing but corpus, word vectors, student and seed (teachers, expert
            trajectories), so that other runs find it again.
        make_trainer: builds a Trainer for the machine's devices and precision.
    """

    corpus: Corpus
    table: Tensor
    cache: Path
    make_trainer: Callable[..., pl.Trainer]
