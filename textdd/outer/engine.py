"""What distillers share that differentiate trainings: the choice of the engine, and what it has to hold."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import partial
from typing import Annotated, NamedTuple

from textdd.allowed import Count, Few, OneOf
from textdd.outer.config import DistillerConfig
from textdd.outer.distiller import Distiller
from textdd.training import ENGINES, Lesson, recompute, unroll
from textdd.training.optimiser import Optimiser
from textdd.training.training import Engine


@dataclass
class EngineConfig(DistillerConfig):
    """Options of distillers that differentiate trainings.

    Attributes:
        students: K, students trained in every outer step, their losses averaged.
        engine: `unroll` keeps the whole graph; `recompute` rebuilds it step by step in constant graph memory. `auto`
            unrolls where that fits into the memory at hand, in a single process, and recomputes elsewhere; a resumed
            run keeps the engine that it began with.
        keep_every: `recompute` stores every so many-th training state, and walks again from there to those in
            between; the least memory is where it is about the root of T.
        keep_on_host: `recompute` stores states in the host's memory and not on the GPU.
    """

    students: Few = 1
    engine: Annotated[str, OneOf("auto", *ENGINES)] = "auto"
    keep_every: Count = 1
    keep_on_host: bool = False


def engine_of(config: EngineConfig) -> Engine:
    """The engine that the options name; `auto`, where nothing has been planned, unrolls."""
    if config.engine == "recompute":
        return partial(recompute, keep_every=config.keep_every, on_host=config.keep_on_host)
    return unroll


class Training(NamedTuple):
    """A training that an objective differentiates.

    Attributes:
        optimiser: by which it is done.
        lesson: what is taught.
        steps: how many are differentiated.
        losses: after how many of them the student is judged.
        read: real texts that are read at a time; 0 if all.
    """

    optimiser: Optimiser
    lesson: Lesson
    steps: int
    losses: int = 1
    read: int = 0


class EngineDistiller(Distiller):
    """A distiller that differentiates trainings of K students in every outer step."""

    config: EngineConfig

    @property
    def engine(self) -> Engine:
        """What trains the students."""
        return engine_of(self.config)

    @abstractmethod
    def trainings(self) -> list[Training]:
        """One example of each kind of training that the objective differentiates."""
