"""The leaderboard's lines: one for each student of each entry, with what a reader sorts and chooses by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from textdd.harmless import in_markdown
from textdd.leaderboard.entries import Entry
from textdd.report.measures import called

HEADINGS = {
    "method": "method",
    "corpus": "corpus",
    "per_class": "per class",
    "student": "student",
    "accuracy": "score",
    "over_sets": "± sets",
    "over_students": "± students",
    "gain": "over random",
    "interval": "interval",
    "p": "p",
    "herding": "over herding",
    "k_means": "over k-means",
    "teacher": "over random, teacher labels",
    "tokens": "over random, equal words",
    "bytes": "over random, equal bytes",
    "fixed": "by the fixed recipe",
    "hard": "hard labels",
    "recovery": "recovery",
    "corrected_recovery": "above chance",
    "ior": "IOR",
    "hlr": "HLR",
    "lrs": "LRS",
    "ars_wd": "ARS-wd",
    "seconds": "seconds",
    "overlap": "overlap",
}
"""Column -> its heading."""

WORDS = ("method", "corpus", "student", "interval", "overlap")
"""Columns that hold no numbers."""

IN_MARKDOWN = (
    "method", "corpus", "per_class", "student", "accuracy", "over_sets", "over_students", "gain", "interval", "p",
    "herding", "k_means", "recovery", "lrs", "overlap",
)  # fmt: skip
"""Columns of the table of Markdown, which is not to be wider than a page."""

SIGNED = ("gain", "herding", "k_means", "teacher", "tokens", "bytes", "ior", "hlr")
"""Columns of differences."""


GAINS = {
    "herding": "herding",
    "k_means": "k_means",
    "teacher": "random, teacher labels",
    "tokens": "random, equal tokens",
    "bytes": "random, equal bytes",
}
"""Column -> the baseline that a set is held against, by its tuned recipe."""


class Line(NamedTuple):
    """A line of the board.

    Attributes:
        entry: the number of its entry.
        values: column -> number, word or None.
    """

    entry: int
    values: dict[str, Any]

    def shown(self, column: str) -> str:
        """A value as it is read."""
        value = self.values[column]
        if value is None:
            return ""
        if isinstance(value, str | int):
            return str(value)
        if column == "p":
            return "<0.001" if value < 0.001 else f"{value:.3f}"
        if column == "seconds":
            return f"{value:.2f}"
        return f"{value:+.3f}" if column in SIGNED else f"{value:.3f}"


def lines_of(entries: Sequence[Entry]) -> list[Line]:
    """All lines: by corpus, size and student, then the greatest gain over random first."""
    lines = [
        Line(number, values_of(entry.content, name))
        for number, entry in enumerate(entries)
        for name in entry.content["students"]
    ]
    return sorted(lines, key=order)


def order(line: Line) -> tuple[Any, ...]:
    """Where a line stands before anybody sorts."""
    values = line.values
    return values["corpus"], values["per_class"], values["student"], -values["gain"], values["method"]


def values_of(content: dict[str, Any], name: str) -> dict[str, Any]:
    """The values of one student of an entry."""
    student = content["students"][name]
    headline, against, scores = student["rows"]["set"][student["headline"]], student["against"], student["scores"]
    random = against["random"]
    gains = {column: against[row]["difference"] if row in against else None for column, row in GAINS.items()}
    between = "" if random["interval"] is None else "{:+.3f} to {:+.3f}".format(*random["interval"])
    return {
        "method": content["method"],
        "corpus": content["corpus"]["name"],
        "per_class": content["size"]["per_class"],
        "student": named(name, student) + (", own recipe" if student["headline"] == "own" else ""),
        "accuracy": headline["mean"],
        "over_sets": headline["over_sets"],
        "over_students": headline["over_students"],
        "gain": random["difference"],
        "interval": between,
        "p": random["p"],
        **gains,
        "fixed": student["rows"]["set"]["fixed"]["mean"],
        **{key: scores[key] for key in ("hard", "recovery", "corrected_recovery", "ior", "hlr", "lrs", "ars_wd")},
        "seconds": headline.get("train_seconds"),
        "overlap": content["overlap"],
    }


def named(name: str, student: dict[str, Any]) -> str:
    """A student, of a pretrained one what of it is learned, and what it is measured by where that is no accuracy."""
    tuning = student.get("options", {}).get("tuning")
    shown = f"{name} ({tuning})" if tuning else name
    return shown if student["measure"] == "accuracy" else f"{shown}, {called(student['measure'])}"


def markdown(lines: Sequence[Line]) -> str:
    """The board as a table of Markdown."""
    rows = [[HEADINGS[column] for column in IN_MARKDOWN]]
    rows.append(["---" if column in WORDS else "---:" for column in IN_MARKDOWN])
    rows += [[in_markdown(line.shown(column)) for column in IN_MARKDOWN] for line in lines]
    return "".join("| " + " | ".join(row) + " |\n" for row in rows)
