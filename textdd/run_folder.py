"""The folder of a run: what it is called, whether the run is finished, and what a killed run has kept in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from textdd.config import RunConfig
from textdd.errors import TextddError
from textdd.evaluation.summary import Result
from textdd.locks import claim
from textdd.places import short_name
from textdd.prepare import identity
from textdd.problem import Problem
from textdd.progress import say
from textdd.record import sweep_up, write_json
from textdd.report.results import RESULT
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.manifest import MANIFEST
from textdd.students.mixed import called
from textdd.typed import expanded


def folder_of(run: RunConfig, problem: Problem) -> Path:
    """The folder of a run, named after its configuration and the content of its corpus."""
    choices = f"{called(run.model)}-{embedding_of(run, problem)}-{run.distiller.name}"
    name = f"{title_of(problem)}-{choices}-s{run.seed}"
    return expanded(run.output_dir) / f"{short_name(name)}-{identity(run, problem)}"


def embedding_of(run: RunConfig, problem: Problem) -> str:
    """Where the vectors of a run come from: a pretrained student has its own."""
    return "own" if problem.space.kind == "pretrained" else run.embedding.name


def title_of(problem: Problem) -> str:
    """A short name of what is compared, such as "ag_news-30"."""
    return f"{problem.corpus.name}-{problem.per_class}"


def is_finished(folder: Path) -> bool:
    """Whether a run's folder holds a whole result; what only an unfinished run needs is removed from it then."""
    final = folder / RESULT
    try:
        json.loads(final.read_bytes())
    except FileNotFoundError:
        return False
    except ValueError:  # no JSON, or no UTF-8
        say(f"{final} is damaged. It is made anew from what else the run has kept.")
        final.unlink(missing_ok=True)
        return False
    with suppress(OSError):  # a folder that can only be read
        sweep_up(folder)
    say("This run is finished; overwrite=true runs it again.")
    return True


def kept_set(artifact: Path) -> DistilledSet | None:
    """The set that a killed run had finished distilling; None where there is none, or a damaged one."""
    if not (artifact / MANIFEST).exists():
        return None
    try:
        return DistilledSet.load(artifact)
    except TextddError as error:
        say(f"{error} It is distilled anew.")
        return None


def once(path: Path, work: Callable[[], Result]) -> Result:
    """Do a piece of work unless its stored result is there."""
    with claim(path, f"evaluation {path.stem}") as ours:
        if ours:
            write_json(path, work())
    content: Result = json.loads(path.read_text())
    return content
