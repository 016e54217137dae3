"""The tables that a run and a sweep end with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.markup import escape
from rich.table import Table

from textdd.quality.overlap import overlap_of
from textdd.report.measures import FORMER, called, either, headline_of, measures_of, size_of
from textdd.screen import Console

CHOICES = ("dataset", "per_class", "model", "embedding", "distiller", "seed")
"""What tells one result from another."""


MOST_MEASURES = 3
"""Up to which all have their deviations in a terminal; of more the headline alone has."""


class Failure(NamedTuple):
    """A job that failed.

    Attributes:
        number: the job's.
        options: those in which it differs from other jobs.
        error: the kind of its error and what it says.
        log: its log.
        command: what to type to run it again.
    """

    number: int
    options: str
    error: str
    log: Path
    command: str


def results_table(result: dict[str, Any]) -> Table:
    """Distilled, random and full side by side, variants below their method.

    Args:
        result: the content of result.json.
    """
    pieces = result["methods"]["distilled"].get("pieces", 1)
    taught = f" in {pieces} pieces each" if pieces > 1 else ""
    size = f"{size_of(result)}{taught}, {100 * result['budget']:.3g} % of the training texts"
    title = f"{result['dataset']}: {size}; {result['model']}, {result['embedding']}, {result['distiller']}"
    measures = measures_of(result)
    caption = f"test {called(measures[0])}, mean ± std of {result['students']} fresh students"
    caption = "; ".join(filter(None, [caption, overlap_of(result)]))
    table = Table(title=escape(title), caption=escape(caption))
    table.add_column("trained on", overflow="fold")
    for heading in (*map(called, measures), "recovery", "stored", "seconds", "peak memory"):
        table.add_column(escape(heading), justify="right", overflow="fold")
    for name, method in of_all_kinds(result["methods"], result.get("kinds", {})).items():
        table.add_row(f"[bold]{escape(name)}[/bold]", *scores(method, measures), *costs(method))
        for variant, scored in method.get("variants", {}).items():
            table.add_row(f"  {escape(variant.replace('_', ' '))}", *scores(scored, measures))
        for other, scored in method.get("transfer", {}).items():
            table.add_row(f"  student {escape(other)}", *scores(scored, measures))
    return table


def of_all_kinds(methods: dict[str, Any], kinds: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The methods of every student, each under a name of its own.

    Args:
        methods: those of the first student.
        kinds: those of further ones, by their names.
    """
    others = {f"{method}, {kind}": found for kind, own in kinds.items() for method, found in own.items()}
    return methods | others


def scores(result: dict[str, Any], measures: Sequence[str] = FORMER) -> list[str]:
    """The cells that say how good a set is: every measure, and the recovery if there is one."""
    cells = [f"{result[name]['mean']:.4f} ± {result[name]['std']:.4f}" for name in measures]
    if len(measures) > MOST_MEASURES:
        cells[1:] = [f"{result[name]['mean']:.3f}" for name in measures[1:]]
    return [*cells, f"{result['recovery']:.3f}" if "recovery" in result else ""]


def costs(method: dict[str, Any]) -> list[str]:
    """The cells that say what a set costs."""
    return [readable(method["bytes"]), f"{method['seconds']:.1f}", readable(method["peak_memory_bytes"])]


def readable(count: float) -> str:
    """A number of bytes in units of 1000."""
    power = min(int(math.log10(max(count * 1.0005, 1)) // 3), 3)  # 999.5 kB, in three digits, are 1 MB
    return f"{count / 1000**power:.3g} {('B', 'kB', 'MB', 'GB')[power]}"


def sweep_table(results: list[dict[str, Any]]) -> Table:
    """A line for every finished job: what it was, and the headline of distilled, random and full side by side.

    Args:
        results: the contents of result.json files.
    """
    headlines = [headline_of(result) for result in results]
    mixed = len(set(headlines)) > 1
    caption = f"test {either(headlines)}, mean ± std over fresh students"
    table = Table(title="finished", caption=escape(caption))
    notes = [overlap_of(result) for result in results]
    always = ("dataset", "per_class", "distiller")
    shown = [key for key in CHOICES if key in always or len({str(result[key]) for result in results}) > 1]
    for key in shown:
        table.add_column(key.replace("_", " "), overflow="fold")
    if mixed:
        table.add_column("measure", overflow="fold")
    if any(notes):
        table.add_column("overlap", overflow="fold")
    for heading in ("distilled", "random", "full", "recovery"):
        table.add_column(heading, justify="right", no_wrap=True)
    for result, headline, note in zip(results, headlines, notes, strict=True):
        methods = result["methods"]
        what = [str(result[key]) for key in shown] + [called(headline)] * mixed + [note] * any(notes)
        reached = (scores(methods[name], [headline])[0] for name in ("distilled", "random", "full"))
        table.add_row(*map(escape, what), *reached, f"{methods['distilled']['recovery']:.3f}")
    return table


def print_results(result: dict[str, Any]) -> None:
    """Print the table of one run to standard output."""
    wide_console().print(results_table(result))


def print_sweep(finished: list[dict[str, Any]], missing: dict[str, str], failed: list[Failure]) -> None:
    """Print what became of a sweep's jobs to standard output.

    Args:
        finished: the contents of their result.json files.
        missing: corpora that are not at hand, and how to get each.
        failed: the jobs that failed.
    """
    console = wide_console()
    if finished:
        console.print(sweep_table(finished))
    for title, headings, rows in (
        ("missing corpora", ("dataset", "how to get it"), list(missing.items())),
        ("failed", ("job", "options", "error"), [(str(job.number), job.options, job.error) for job in failed]),
    ):
        if rows:
            table = Table(*headings, title=title)
            for row in rows:
                table.add_row(*map(escape, row))
            console.print(table)
    if failed:
        console.print("The command of the sweep runs all that is not finished. One job alone:")
    for job in failed:
        console.print(
            f"# job {job.number}, log: {job.log}\n{job.command}", markup=False, highlight=False, soft_wrap=True
        )


def wide_console() -> Console:
    """Standard output, wide enough for our tables where it is no terminal."""
    return Console(width=None if Console().is_terminal else 120)
