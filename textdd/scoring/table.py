"""What a scoring ends with on a terminal: a table for every student, and one of scores over all."""

from __future__ import annotations

from typing import Any

from rich.markup import escape
from rich.table import Table

from textdd.report.measures import called
from textdd.report.terminal import readable, wide_console
from textdd.scoring.rows import RECIPES

SCORES = {
    "accuracy": "headline",
    "recovery": "recovery",
    "corrected_recovery": "above chance",
    "ior": "IOR",
    "hlr": "HLR",
    "lrs": "LRS",
    "ars_wd": "ARS-wd",
}
"""Score -> its heading."""


def rows_table(name: str, result: dict[str, Any]) -> Table:
    """The rows of one student, each recipe in a line of its own.

    Args:
        name: the student.
        result: what was scored.
    """
    student = result["students"][name]
    measure, size, count = called(student["measure"]), result["size"], len(result["sets"])
    title = f"{result['method']} on {result['corpus']['name']}, {size['per_class']} per class, {name}"
    sets = f"{count} set{'s' * (count > 1)} of {size['tokens']} words, {size['bytes']} bytes"
    memory = max(found["peak_memory_bytes"] for recipes in student["rows"].values() for found in recipes.values())
    caption = (
        f"test {measure} of {sets}; {result['seeds']} fresh students each, trained in so many seconds, at most "
        f"{readable(memory)} of memory; paired t-test over {student['against']['random']['unit']}, two-sided"
    )
    table = Table(title=escape(title), caption=escape("; ".join(filter(None, [caption, result["overlap"]]))))
    table.add_column("trained on", no_wrap=True)
    table.add_column("recipe", no_wrap=True)
    headings = (measure, "± sets", "± stud.", "the set gains", "interval", "p", "seconds")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for row, recipes in student["rows"].items():
        for recipe in (one for one in RECIPES if one in recipes):
            found = recipes[recipe]
            test = student["against"].get(f"fixed: {row}" if recipe == "fixed" else row)
            table.add_row(
                escape(row),
                recipe,
                *spread_cells(found),
                *test_cells(test),
                f"{found['train_seconds']:.2f}",
            )
    table.add_row("full data", "", *spread_cells(student["full"]), "", "", "", "")
    return table


def spread_cells(found: dict[str, Any]) -> list[str]:
    """Mean and deviations."""
    return [f"{found['mean']:.4f}", *(number(found[key]) for key in ("over_sets", "over_students"))]


def test_cells(test: dict[str, Any] | None) -> list[str]:
    """Difference, interval and p of a paired test."""
    if test is None:
        return ["", "", ""]
    between = "" if test["interval"] is None else "{:+.3f} to {:+.3f}".format(*test["interval"])
    p = "" if test["p"] is None else "<0.001" if test["p"] < 0.001 else f"{test['p']:.3f}"
    return [f"{test['difference']:+.4f}", between, p]


def number(value: float | None) -> str:
    """A number, if there is one."""
    return "" if value is None else f"{value:.4f}"


def scores_table(result: dict[str, Any]) -> Table:
    """The scores of every student and their means; those of DD-Ranking are fractions."""
    table = Table(title="scores", caption=escape(result["overlap"]) or None)
    table.add_column("student")
    for heading in SCORES.values():
        table.add_column(heading, justify="right")
    for name, student in result["students"].items():
        table.add_row(name, *(number(student["scores"][key]) for key in SCORES))
    if len(result["students"]) > 1:
        table.add_row("mean over students", *(number(result["overall"][key]) for key in SCORES))
    return table


def print_scores(result: dict[str, Any]) -> None:
    """Print all of it to standard output."""
    console = wide_console()
    for name in result["students"]:
        console.print(rows_table(name, result))
    console.print(scores_table(result))
