"""What students are trained on, row by row: the sets, the same otherwise used, and the baselines."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from torch import Tensor

from textdd.scoring.baselines import at_random, labelled, picked
from textdd.scoring.config import ScoringConfig
from textdd.scoring.dropping import without_positions, without_words
from textdd.scoring.fingerprint import fingerprint
from textdd.scoring.given import Given
from textdd.scoring.size import Size
from textdd.scoring.trainee import Material, Trainee
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.texts import ABOUT_A_HUNDRED, TextSet
from textdd.sets.training_set import TrainingSet
from textdd.spaces.reading import Reader
from textdd.training import Recipe

RECIPES = ("own", "tuned", "fixed")
"""own: what the set brings along for this student; tuned: step size and steps chosen on validation texts; fixed: the
same for everybody (`ABOUT_A_HUNDRED`)."""


class Row(NamedTuple):
    """Something that students are trained on.

    Attributes:
        name: what it is called in results.
        source: `set`, or the selector of a baseline.
        equal: in what a random baseline is as large as the set.
        labels: `given`, `hard` (without their shades) or `teacher` (those of a full-data student).
        dropped: with copies from which words are left out.
        recipes: by which students are trained.
    """

    name: str
    source: str
    equal: str = "count"
    labels: str = "given"
    dropped: bool = False
    recipes: tuple[str, ...] = ("tuned",)


def rows_for(options: ScoringConfig, *, soft: bool, own: bool) -> list[Row]:
    """All rows of one student.

    Args:
        options: which baselines, and whether words are dropped.
        soft: the labels of the set have shades; then it is scored without them as well, and random texts with those of
            a teacher.
        own: the set brings a recipe for this student.
    """
    mine = ("own",) if own else ()
    rows = [Row("set", "set", recipes=(*mine, "tuned", "fixed"))]
    if soft:
        rows.append(Row("set, hard labels", "set", labels="hard", recipes=(*mine, "tuned")))
    selectors = list(dict.fromkeys(["random", *options.baselines]))
    rows += [Row(name, name, recipes=("tuned", "fixed")) for name in selectors]
    rows += [Row(f"random, equal {what}", "random", equal=what) for what in ("tokens", "bytes")]
    if soft:
        rows.append(Row("random, teacher labels", "random", labels="teacher"))
    if options.dropped:
        rows += [Row("set, words dropped", "set", dropped=True), Row("random, words dropped", "random", dropped=True)]
    return rows


def picks_of(options: ScoringConfig, sets: Sequence[Given]) -> int:
    """How many sets a baseline has: as many as are scored, so that they can be paired, or more."""
    return max(options.baseline_sets, len(sets))


def materials_of(row: Row, sets: Sequence[Given], size: Size, trainee: Trainee) -> list[Material]:
    """What a row trains on.

    Args:
        row: which.
        sets: those that are scored.
        size: of one of them.
        trainee: the student, which picks and labels baselines as it sees them.
    """
    options, seed, problem = trainee.config.score, trainee.config.seed, trainee.problem
    if row.source == "set":
        found = [(one.distilled, one.sha256) for one in sets]
    else:
        numbers = range(picks_of(options, sets))
        if row.equal == "count":
            chosen = [picked(row.source, problem, trainee.reader, size, seed, number) for number in numbers]
        else:
            chosen = [at_random(row.equal, problem, size, seed, number) for number in numbers]
        if row.labels == "teacher":
            chosen = [labelled(problem, one.texts, trainee.opinion(one.training_set(trainee.reader))) for one in chosen]
        found = [(one, fingerprint(one)) for one in chosen]
    materials = [Material(key, partial(as_it_is, one)) for one, key in found]
    if row.labels == "hard":
        materials = [Material(f"{key}-hard", partial(hardened, one)) for one, key in found]
    if row.dropped:
        how = (options.dropped, options.copies, seed)
        materials = [Material(f"{key}-dropped-{how}", partial(thinned_out, one, how)) for one, key in found]
    return materials


def as_it_is(distilled: DistilledSet, reader: Reader) -> TrainingSet:
    """A set as students take it."""
    return distilled.training_set(reader)


def hardened(distilled: DistilledSet, reader: Reader) -> TrainingSet:
    """A set with the likeliest labels alone."""
    return distilled.training_set(reader).hardened(reader.student.task)


def thinned_out(distilled: DistilledSet, how: tuple[float, int, int], reader: Reader) -> TrainingSet:
    """A set and what is left of its copies when words are dropped."""
    if isinstance(distilled, TextSet):
        return without_words(distilled, *how).training_set(reader)
    return without_positions(distilled.training_set(reader), *how)


def recipe_of(
    name: str, materials: Sequence[Material], of: DistilledSet, trainee: Trainee
) -> tuple[Recipe, Tensor | None]:
    """A recipe, and the step sizes of a set that has learned them.

    Args:
        name: one of RECIPES.
        materials: those of the row; the tuned recipe is chosen with the first of them.
        of: the set that may bring its own.
        trainee: the student.
    """
    if name == "own":
        return of.recipe, of.step_sizes
    if name == "tuned":
        return trainee.tuned(materials), None
    return ABOUT_A_HUNDRED.for_parts(trainee.reader.student.scales), None
