"""Options of distillers that keep a pool of students, and how such a distiller advances it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from textdd.allowed import Few, Whole
from textdd.outer.config import DistillerConfig
from textdd.outer.distiller import Distiller
from textdd.outer.pool import Pool
from textdd.training import State, train
from textdd.training.training import Engine

Age = Annotated[int, Whole(0, 100_000)]
"""Training steps of a student."""


@dataclass
class PooledConfig(DistillerConfig):
    """Options of distillers that keep a pool.

    Attributes:
        pool: students in the pool; every outer step takes the next one.
        oldest: training steps after which a student of the pool makes room for a fresh one, at most T; 0 takes T.
    """

    pool: Few = 6
    oldest: Age = 0


def advance(
    distiller: Distiller,
    size: int,
    oldest: int,
    turn: int,
    steps: Sequence[int],
    seed: int,
    engine: Engine = train,
) -> list[State]:
    """Train the student whose turn it is in a distiller's pool, which is filled when it is first asked for.

    Args:
        distiller: keeps the pool.
        size: students in it.
        oldest: as configured; 0 takes T.
        turn: counts the students taken so far.
        steps: after how many further training steps the student is looked at.
        seed: of a fresh student, if the one whose turn it is has grown too old.
        engine: what trains.

    Returns:
        The student before these steps and after each number of them.
    """
    longest = distiller.config.inner_steps
    oldest = min(oldest or longest, longest)
    fresh, lesson = distiller.fresh_student, distiller.taught_lesson
    if distiller.pool is None:
        draw, filling = partial(distiller.draw_seed, "pool"), partial(train, distiller.student, distiller.optimiser)
        distiller.pool = Pool.filled(size, oldest, draw, fresh, lesson, filling)
    advancing = partial(engine, distiller.student, distiller.optimiser)
    return distiller.pool.advance(turn, steps, seed, oldest, fresh, lesson, advancing)
