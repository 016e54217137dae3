"""Plain lessons: the distilled set taught as ordinary training data, so that it is fit to be used as such.

A set that is only ever taught in one order, with the step sizes that were learned for it, is tied to that recipe: as
ordinary data it is no better than random texts. Where a share of the students of the objective is taught plainly (Adam,
shuffled mini-batches, one step size, up to three times the steps), the set serves both uses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from textdd.outer.synthetic import SyntheticSet
from textdd.seeds import numpy_generator
from textdd.training import Lesson, Recipe

BATCH = 32
"""Examples per step, as in the plain recipe that evaluation tunes."""

STEP_SIZES = (1e-3, 5e-3)
"""Between these, evenly on a logarithmic scale: where tuning of a plain recipe ends up."""

HEAD_STEPS = (15, 60)
"""Plain lessons of a head alone have between so many steps, all of them differentiated: they cost little."""

HEAD_STEP_SIZES = (5e-4, 2e-3)
"""Their step sizes, likewise on a logarithmic scale, as multiples of those that suit heads."""

LONGER = 3
"""Plain lessons have up to so many times the steps of the set's own recipe."""


def plain_window(steps: int) -> int:
    """How many steps of a plain lesson are differentiated, where the set's own recipe has so many."""
    return -(-steps // 2)


def plain_lesson(
    synthetic: SyntheticSet, seed: int, size: int | None = None, scales: Sequence[float] = (1.0,)
) -> Lesson:
    """Draw a plain lesson, of at least as many steps as are differentiated.

    Args:
        synthetic: the set.
        seed: decides order, step size and number of steps.
        size: teach the first `size` rows only; None means all.
        scales: of the student's step sizes.
    """
    own = synthetic.recipe.steps
    return drawn(synthetic, seed, size, scales, (plain_window(own), LONGER * own), STEP_SIZES)


def head_lesson(synthetic: SyntheticSet, seed: int, size: int | None, scales: Sequence[float]) -> Lesson:
    """Draw a plain lesson for a head on a frozen body; arguments as above."""
    return drawn(synthetic, seed, size, scales, HEAD_STEPS, HEAD_STEP_SIZES)


def drawn(
    synthetic: SyntheticSet,
    seed: int,
    size: int | None,
    scales: Sequence[float],
    lengths: tuple[int, int],
    step_sizes: tuple[float, float],
) -> Lesson:
    """Draw the number of steps and the step size of a plain lesson, each between two, and its order."""
    generator, (low, high) = numpy_generator(seed, "plain"), step_sizes
    steps = int(generator.integers(lengths[0], lengths[1] + 1))
    step_size = low * (high / low) ** generator.uniform()
    recipe = Recipe("adam", steps, BATCH, "shuffled", step_size).for_parts(scales)
    lesson = synthetic.lesson(seed, size, recipe)
    # Processes that average gradients want one for every parameter in every step, so what it does not use gets a zero.
    nothing = 0 * lesson.step_sizes.sum()
    if lesson.attention is not None:
        nothing = nothing + 0 * lesson.attention.sum()
    return replace(lesson, step_sizes=recipe.step_sizes().to(lesson.x) + nothing, attention=None)
