"""The recipe that a set of texts carries: the plain one that is best for its student on validation texts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from textdd.allowed import STEP_SIZE, InMemory, ListOf, Whole
from textdd.evaluation.tuning import tune
from textdd.problem import Problem
from textdd.sets.texts import TextSet
from textdd.training import Recipe

STUDENTS = 2
"""Fresh students for each step size that is tried."""


@dataclass
class RecipeConfig:
    """Options of every method that makes a set of texts.

    Attributes:
        step_sizes: of Adam, tried for the recipe that the set carries.
        inner_steps: the longest training that is tried for it.
        inner_batch: examples in a step of it.
    """

    step_sizes: Annotated[list[float], ListOf(STEP_SIZE, least=1)] = field(default_factory=lambda: [1e-3, 3e-3, 1e-2])
    inner_steps: Annotated[int, Whole(1, 100_000)] = 400
    inner_batch: InMemory = 32


def tuned_recipe(config: RecipeConfig, made: TextSet, problem: Problem, texts: int) -> Recipe:
    """The plain recipe that is best for a set on so many validation texts."""
    reader = problem.reader()
    return tune(
        [made.training_set(reader)],
        problem.few(problem.corpus.validation, texts),
        reader,
        step_sizes=config.step_sizes,
        most_steps=config.inner_steps,
        batch=config.inner_batch,
        students=STUDENTS,
        seed=problem.seed,
        what="the recipe of the texts",
    )
