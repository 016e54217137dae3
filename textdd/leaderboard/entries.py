"""Entries of the leaderboard: a file for each method and corpus, which a stranger may have written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from textdd.errors import TextddError, no_such_path
from textdd.recorded import parsed
from textdd.scoring.rows import RECIPES
from textdd.scoring.score import FORMAT
from textdd.scoring.statistics import spread
from textdd.scoring.summary import summed_up
from textdd.shape import Each, Number, OneOf, Several, Text, Whole, maybe, mismatch

NAME = Text(200, 1)
SHARE = Number(-1, 2)
FIGURE = {
    "values": Several(Several(Number(0, 1), 1, 100), 1, 10_000),
    "mean": Number(0, 1),
    "over_sets": maybe(Number(0, 1)),
    "over_students": maybe(Number(0, 1)),
}
TEST = {"difference": SHARE, "interval": maybe(Several(float, 2, 2)), "p": maybe(Number(0, 1)), "n": Whole(1)}
SCORES = dict.fromkeys(("accuracy", "plain", "hard", "recovery", "ior", "hlr", "lrs"), float) | dict.fromkeys(
    ("corrected_recovery", "ars_wd"), maybe(float)
)
STUDENT = {
    "measure": NAME,
    "headline": OneOf(RECIPES),
    "chance": maybe(Number(0, 1)),
    "full": FIGURE,
    "rows": {"set": {"tuned": {}, "fixed": {}}, "random": {"tuned": {}, "fixed": {}}},
    "scores": SCORES,
    "against": {"random": {}},
}
ENTRY = {
    "format": Whole(FORMAT, FORMAT),
    "method": NAME,
    "source": maybe(Text(1000)),
    "corpus": {"name": NAME, "key": NAME, "test_texts": Whole(1)},
    "kind": OneOf(("texts", "matrices")),
    "size": {"texts": Whole(1), "per_class": Whole(1), "tokens": Whole(0), "bytes": Whole(0)},
    "sets": Several({"name": NAME, "sha256": Text(64, 64)}, 1, 10_000),
    "texts": Several({"label": Text(), "text": Text()}, 0, 10_000),
    "overlap": Text(200),
    "students": {},
    "seed": Whole(0),
    "seeds": Whole(1, 100),
    "options": {"confidence": Number(0, 1)},
    "machine": {"processor": NAME},
    "versions": {"textdd": NAME},
}
"""What an entry has; each of its students is a STUDENT, each of whose rows has a FIGURE for each recipe."""

TOLERANCE = 1e-6
"""By which a recorded score may miss what follows from the recorded values."""


class Entry(NamedTuple):
    """A whole entry.

    Attributes:
        name: of its file.
        content: see textdd/scoring/score.py.
    """

    name: str
    content: dict[str, Any]


class Refused(NamedTuple):
    """A file that is no entry, and why."""

    name: str
    why: str


def entries_in(folder: Path) -> tuple[list[Entry], list[Refused]]:
    """Read all entries of a folder, in the order of their names.

    Raises:
        TextddError: there is no folder, or none in it.
    """
    if not folder.is_dir():
        raise no_such_path(folder, "entries")
    found, refused = [], []
    for path in sorted(folder.glob("*.json")):
        why, content = read(path)
        if why:
            refused.append(Refused(path.name, why))
        else:
            found.append(Entry(path.name, content))
    if not found and not refused:
        raise TextddError(
            f"{folder} holds no entry. Make one: textdd score set=PATH dataset=NAME score.entry={folder}/NAME.json"
        )
    return found, refused


def read(path: Path) -> tuple[str, dict[str, Any]]:
    """Read an entry: what is wrong with it, or nothing, and its content."""
    try:
        content = parsed(path.read_bytes())
    except (OSError, ValueError) as error:
        return f"it cannot be read: {error}", {}
    wrong = mismatch(content, ENTRY) or next(filter(None, wrong_students(content["students"])), "")
    wrong = wrong or next(filter(None, wrong_figures(content)), "")
    return wrong, {} if wrong else content


def wrong_students(students: dict[str, Any]) -> Iterator[str]:
    """What of the students has another shape."""
    if not students:
        yield "students is empty; at least one is needed"
    for name, student in students.items():
        where = f"students.{name}"
        yield mismatch(student, STUDENT, where) or mismatch(student["rows"], Each(Each(FIGURE)), f"{where}.rows")
        yield mismatch(student["against"], Each(TEST), f"{where}.against")
        yield "" if student["headline"] in student["rows"]["set"] else f"{where}.headline is no recipe of the set"


def wrong_figures(content: dict[str, Any]) -> Iterator[str]:
    """Which figures do not follow from the values of the students, of which there must be as many as is said."""
    confidence = content["options"]["confidence"]
    for name, student in content["students"].items():
        for row, recipes in student["rows"].items():
            for recipe, figure in recipes.items():
                where = f"students.{name}.rows.{row}.{recipe}"
                if any(len(values) != content["seeds"] for values in figure["values"]):
                    yield f"{where} has not the values of {content['seeds']} students for each set"
                elif abs(spread(figure["values"], confidence)["mean"] - figure["mean"]) > TOLERANCE:
                    yield f"{where}.mean is not the mean of its values"
        if len(student["rows"]["set"]["tuned"]["values"]) != len(content["sets"]):
            yield f"students.{name} was not scored on {len(content['sets'])} sets"
        for score, value in summed_up(student, confidence)["scores"].items():
            recorded = student["scores"][score]
            if (value is None) != (recorded is None) or (value is not None and abs(value - recorded) > TOLERANCE):
                yield f"students.{name}.scores.{score} does not follow from the values"
