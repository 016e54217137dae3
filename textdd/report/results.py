"""What lies under a folder of runs: finished runs, and those that failed, were left unfinished or are damaged."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from textdd.errors import TextddError
from textdd.recorded import parsed
from textdd.report.measures import measures_of
from textdd.report.texts import QUALITY
from textdd.shape import Each, Either, Several, Whole, mismatch

RESULT = "result.json"
SIGNS_OF_A_RUN = ("metrics.jsonl", "artifact", "checkpoints", "distilled.json")
"""One of these lies in the folder of a run that was started."""

ESTIMATE = {"mean": float, "std": float, "values": [float]}
POINTS = Several(float, 0, sys.maxsize)
CURVE = {"curve": {"steps": POINTS, "mean": POINTS, "std": POINTS}}
COST = {"recovery": float, "seconds": float, "peak_memory_bytes": float, "bytes": float}
RECIPE = {"optimiser": str, "steps": int, "batch": int, "order": str, "step_size": Either((float, [float]))}
MAYBE = {"recipe?": RECIPE, "step_size?": float, "pieces?": Whole(1), "train_seconds?": float, "test_seconds?": float}
CHOICE = {"name?": str}
SHAPE: dict[str, Any] = {
    "dataset": str,
    "per_class": int,
    "budget": float,
    "model": str,
    "embedding": str,
    "distiller": str,
    "seed": int,
    "students": int,
    "methods": {"distilled": {}, "random": {}, "full": {}},
    "distilling": {"seconds": float, "outer_steps": int},
    "versions": {},
    "machine?": dict,
    "quality?": QUALITY,
    "config?": {"dataset?": CHOICE, "model?": CHOICE, "embedding?": CHOICE, "distiller?": CHOICE},
}
"""What a report needs of a result.json, and for each method an ESTIMATE of every measure, a CURVE and its COST, and
what else it MAYBE has."""


class Run(NamedTuple):
    """A finished run.

    Attributes:
        name: its folder as seen from the folder that was asked for; it holds no path of the machine.
        folder: where its metrics.jsonl and its artefact lie.
        result: the content of result.json.
    """

    name: str
    folder: Path
    result: dict[str, Any]


class Trouble(NamedTuple):
    """Something that a reader would look for in vain in the tables.

    Attributes:
        kind: `failed`, `unfinished`, `damaged`, `repeated` or `missing`.
        name: the run, or what would be one.
        what: what happened.
        command: what to type; empty where there is nothing to type.
        details: a traceback, if there is one.
    """

    kind: str
    name: str
    what: str
    command: str = ""
    details: str = ""


@dataclass(frozen=True)
class Found:
    """Everything found.

    Attributes:
        runs: finished runs, sorted by what they are.
        troubles: all the others.
    """

    runs: list[Run]
    troubles: list[Trouble]


def find(places: list[Path]) -> Found:
    """Read every run below some folders.

    Args:
        places: folders of run folders, run folders, or result files.

    Raises:
        TextddError: a place does not exist, or there is no run at all.
    """
    runs: dict[Path, Run] = {}
    troubles: dict[Path, Trouble] = {}
    for place in places:
        if not place.exists():
            raise TextddError(f"There is no {place}. Give the folder that holds the runs. Type: runs=runs")
        for path in files(place):
            name = name_of(path, place)
            if path.parent.name == "failed":
                troubles[path.resolve()] = failed(path)
            elif not path.is_file():
                what = "no result.json: it was killed, failed, or is still running; the same command goes on with it"
                troubles[path.resolve()] = Trouble("unfinished", name, what)
            else:
                problem, result = read(path)
                if problem:
                    what = f"{path.name}: {problem}; its numbers are left out. Delete it and run its command again"
                    troubles[path.resolve()] = Trouble("damaged", name, what)
                else:
                    for kind, part in of_each_kind(result).items():
                        runs[path.resolve() / kind] = Run(name, path.parent, part)
    if not runs and not troubles:
        raise TextddError(
            f"No {RESULT} under {', '.join(map(str, places))}. Make one: python -m textdd.run per_class=10 "
            "output_dir=runs. Then type: python -m textdd.report runs=runs"
        )
    return Found(sorted(runs.values(), key=order), sorted(troubles.values()))


def of_each_kind(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The result of every student of a run, as if it were a run of its own; of the first, or only one, under ""."""
    if "kinds" not in result:
        return {"": result}
    whole = result["model"]
    first = whole.partition("+")[0]
    parts = {"": (first, result["methods"])} | {kind: (kind, methods) for kind, methods in result["kinds"].items()}
    return {key: {**result, "model": f"{name} of {whole}", "methods": own} for key, (name, own) in parts.items()}


def name_of(path: Path, place: Path) -> str:
    """What a run is called: its folder as seen from the place that was asked for, or its file."""
    if path == place:
        return path.resolve().parent.name if path.name == RESULT else path.stem
    return str(Path(place.resolve().name) / path.parent.relative_to(place))


def order(run: Run) -> tuple[Any, ...]:
    """Runs are sorted by what they are, not by where they lie."""
    keys = ("dataset", "model", "embedding", "distiller", "per_class", "seed")
    return (*(run.result[key] for key in keys), run.name)


def files(place: Path) -> Iterator[Path]:
    """The result.json of every run folder, there or not, and the records of failed jobs."""
    if place.is_file():
        yield place
        return
    started = any((place / sign).exists() for sign in (RESULT, *SIGNS_OF_A_RUN))
    if started:
        yield place / RESULT
    for child in sorted(place.iterdir()):
        if child.is_dir() and (child.name == "failed" or not started):
            yield from files(child)
        elif place.name == "failed" and child.suffix == ".json":
            yield child


def load(path: Path) -> tuple[str, Any]:
    """Parse a JSON file: what is wrong with it, or nothing, and its content."""
    try:
        return "", parsed(path.read_bytes())
    except (OSError, ValueError) as error:
        return f"it cannot be read: {error}", None


def read(path: Path) -> tuple[str, dict[str, Any]]:
    """Read a result.json: what is wrong with it, or nothing, and its content."""
    problem, content = load(path)
    problem = problem or mismatch(content, {"measures?": [str]})
    if problem:
        return problem, {}
    estimates = dict.fromkeys(measures_of(content), ESTIMATE)
    scored = {**estimates, **CURVE} | estimates  # a measure called `curve` is found wanting, and so below
    others = {"variants?": Each(scored), "transfer?": Each(scored)}
    method = {**scored, **COST, **MAYBE, **others} | estimates
    three = dict.fromkeys(SHAPE["methods"], method)
    problem = mismatch(content, {**SHAPE, "methods": three}) or mismatch(content["methods"], Each(method), "methods")
    problem = problem or mismatch(content, {"kinds?": Each(Each(method))})
    return problem, {} if problem else content


def failed(path: Path) -> Trouble:
    """Read what a failed job of a sweep has left."""
    problem, content = load(path)
    problem = problem or mismatch(content, {"command": str, "error": str, "traceback": str})
    if problem:
        return Trouble("damaged", path.stem, f"{path.name}: {problem}")
    return Trouble("failed", path.stem, content["error"], content["command"], content["traceback"])
