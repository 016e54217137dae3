"""How one more student is trained on a set that was made for several: its options, recipe and step sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from textdd.recorded import rebuilt
from textdd.sets.tensors import part_of
from textdd.training import Recipe

OTHERS = "other_step_sizes"
"""The tensor that holds the step sizes of all further students, a row for each."""


class Course(NamedTuple):
    """What belongs to one student.

    Attributes:
        student: its options, as the manifest has them.
        recipe: how it is to be trained.
        step_sizes: learned ones (T,), or None where the recipe's constant one is used.
    """

    student: dict[str, Any]
    recipe: Recipe
    step_sizes: Tensor | None


def stored(courses: Sequence[Course]) -> dict[str, Tensor]:
    """The tensors of further students, as a file holds them."""
    learned = [course.step_sizes for course in courses if course.step_sizes is not None]
    return {OTHERS: torch.stack(learned)} if learned else {}


def courses_in(tensors: dict[str, Tensor], manifest: dict[str, Any], recipe: Recipe) -> tuple[Course, ...]:
    """The further students that a set was made for.

    Args:
        tensors: of the set.
        manifest: of the set; its `others` name them.
        recipe: of the first student: all are taught in as many steps of as many examples.

    Raises:
        ValueError: step sizes and students do not fit together.
    """
    others = manifest.get("others", [])
    if (OTHERS in tensors) != (bool(others) and "step_sizes" in tensors):
        raise ValueError(f"learned step sizes of the first student and of {len(others)} others go together")
    step_sizes: list[Tensor | None] = [None] * len(others)
    if OTHERS in tensors:
        found = part_of(tensors, OTHERS)
        if found.shape != (len(others), recipe.steps):
            raise ValueError(f"{OTHERS} are {tuple(found.shape)} for {len(others)} students and {recipe.steps} steps")
        if found.min() < 0:
            raise ValueError(f"{OTHERS} holds {float(found.min()):g}; no step size is negative")
        step_sizes = list(found)
    courses = []
    for number, (other, own) in enumerate(zip(others, step_sizes, strict=True)):
        its = rebuilt(Recipe, other["recipe"], f"others[{number}].recipe")
        if (its.steps, its.batch) != (recipe.steps, recipe.batch):
            raise ValueError(f"others[{number}].recipe has other steps and examples than that of the first student")
        courses.append(Course(other["student"], its, own))
    return tuple(courses)
