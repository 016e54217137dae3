"""The texts of a set for people: by class, with origin and nearest real text, and what the set is like as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from rich.markup import escape
from rich.table import Table

from textdd.harmless import on_screen
from textdd.quality.overlap import overlap_note
from textdd.report.terminal import readable, wide_console
from textdd.sets.distilled_set import DistilledSet

SHOWN = 10
"""Texts of a class that a page shows, and a terminal after a run."""

QUALITY = {
    "tokens": int,
    "bytes": int,
    "gzip_bytes": int,
    "distinct": {"1": float, "2": float, "3": float},
    "duplicates": {"exact": int, "near": int},
    "copied": {"exactly": float, "nearly": float},
    "likeness": float,
    "overlap": {"validation": int, "test": int},
    "texts": [{"text": str, "label": str, "origin": str, "likeness": float, "copied": str}],
}
"""What a page needs of `quality` in a result.json."""


class Written(NamedTuple):
    """The texts of a class.

    Attributes:
        label: the class, or the labels, of these texts.
        texts: the first of them: `text`, `origin`, and where they were compared with a corpus `nearest`, `likeness`
            and `copied`.
        more: how many there are beside these.
    """

    label: str
    texts: list[dict[str, Any]]
    more: int


def written(distilled: DistilledSet, quality: dict[str, Any] | None = None) -> list[Written]:
    """The texts of a set by class, in the order of the set; there are none where a set is not made of texts.

    Args:
        distilled: the set.
        quality: what was found about it; None of runs before there was such a report.
    """
    rows: list[dict[str, Any]] = (distilled.written or []) if quality is None else quality["texts"]
    return by_class([{"origin": "", "nearest": None, **row} for row in rows])


def by_class(rows: Sequence[dict[str, Any]]) -> list[Written]:
    """Texts by their labels, in the order in which these come."""
    by_label: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_label.setdefault(row["label"] or "no label", []).append(row)
    return [Written(label, same[:SHOWN], len(same[SHOWN:])) for label, same in by_label.items()]


def findings(quality: dict[str, Any], agreed: float | None = None) -> list[tuple[str, str]]:
    """What a set of texts is like, in names and words.

    Args:
        quality: what was found about it.
        agreed: the share of its labels that a teacher gives, too; None where none was asked.
    """
    size, copied, again = len(quality["texts"]), quality["copied"], quality["duplicates"]
    likely = quality.get("perplexity")
    distinct = ", ".join(f"{quality['distinct'][order]:.2f}" for order in "123")
    found = [
        ("texts", ", ".join(f"{count} {origin}" for origin, count in quality.get("origins", {}).items()) or str(size)),
        ("tokens", f"{quality['tokens']}, {quality['tokens'] / size:.1f} a text"),
        ("bytes", f"{readable(quality['bytes'])}, as gzip {readable(quality['gzip_bytes'])}"),
        ("different words, pairs, triples", distinct),
        ("said again", f"{again['exact']} exactly, {again['near']} nearly"),
        ("copied from the corpus", f"{copied['exactly']:.0%} exactly, {copied['nearly']:.0%} nearly"),
        ("likeness to the nearest real text", f"{quality['likeness']:.2f}"),
        ("stand among what is measured on", overlap_note(quality["overlap"], size) or "none"),
    ]
    if agreed is not None:
        found.append(("labels that a teacher gives, too", f"{agreed:.0%}"))
    if likely is not None:
        found.append(("perplexity", f"{likely['texts']:.1f}, of real texts {likely['real']:.1f}"))
    return found


def findings_table(quality: dict[str, Any], agreed: float | None) -> Table:
    """The findings, a line each."""
    table = Table(show_header=False, title="the texts of the set")
    for name, value in findings(quality, agreed):
        table.add_row(name, value)
    return table


def texts_table(quality: dict[str, Any]) -> Table:
    """The texts by class, each in one line as wide as the terminal."""
    table = Table("label", "origin", "text", expand=True)
    for column, ratio in zip(table.columns, (2, 1, 9), strict=True):
        column.no_wrap, column.overflow, column.ratio = True, "ellipsis", ratio
    for group in by_class(quality["texts"]):
        label = shown(group.label)
        for number, row in enumerate(group.texts):
            table.add_row("" if number else label, shown(row["origin"]), shown(row["text"]))
        if group.more:
            table.add_row("", "", f"and {group.more} more")
    return table


def shown(text: str) -> str:
    """Text as a cell of a terminal's table: in one line, with nothing that the terminal or the table would obey."""
    return escape(on_screen(" ".join(text.split())))


def print_quality(quality: dict[str, Any], agreed: float | None = None) -> None:
    """Print texts and findings to standard output; arguments as for `findings`."""
    console = wide_console()
    console.print(texts_table(quality))
    console.print(findings_table(quality, agreed))
