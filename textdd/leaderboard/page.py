"""The leaderboard as one HTML page that needs nothing else, and as Markdown.

A script sorts and filters; the page's own policy lets it, known by its hash, run and nothing else.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from textdd.leaderboard.board import HEADINGS, WORDS, lines_of, markdown
from textdd.leaderboard.entries import entries_in
from textdd.record import write_bytes
from textdd.report.page import listed, recipe

PAGE, TABLE = "index.html", "leaderboard.md"

RULES = (
    "Whoever wants a row makes it with textdd score alone. Validation texts, carved from the training texts by the "
    "seed, choose the tuned recipe of the sets and of every baseline, with the same effort; test texts are read "
    "once for each set, student and recipe, after that. Sets of one method are scored together, by at least five "
    "fresh students each, with the seeds that the entry names; the machine and the versions are named, and seconds "
    "are of that machine. The sets are published where others can get them, and the entry holds their SHA-256. A "
    "set that holds test texts has that said beside every figure. Rows that disappoint stay."
)
"""What holds for all entries, in one paragraph."""


def write_board(folder: Path, out: Path) -> Path:
    """Write page and table, and return the path of the page.

    Args:
        folder: of the entries.
        out: where to write.

    Raises:
        TextddError: there are no entries.
    """
    entries, refused = entries_in(folder)
    lines = lines_of(entries)
    script = files("textdd").joinpath("templates", "leaderboard.js").read_text(encoding="utf-8")
    environment = Environment(
        loader=PackageLoader("textdd"), undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    page = environment.get_template("leaderboard.html.jinja").render(
        lines=lines,
        headings=HEADINGS,
        words=WORDS,
        entries=[described(entry.content) for entry in entries],
        refused=refused,
        rules=RULES,
        choices={name: sorted({line.values[name] for line in lines}) for name in ("corpus", "student")},
        script=script,
        script_hash=b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
    write_bytes(out / PAGE, page.encode())
    write_bytes(out / TABLE, markdown(lines).encode())
    return out / PAGE


def described(content: dict[str, Any]) -> dict[str, Any]:
    """What stands behind the rows of an entry."""
    by_label: dict[str, list[str]] = {}
    for row in content["texts"]:
        by_label.setdefault(row["label"] or "no label", []).append(row["text"])
    recipes = {
        name: recipe(student["rows"]["set"][student["headline"]]) for name, student in content["students"].items()
    }
    size, count = content["size"], len(content["sets"])
    return {
        "title": f"{content['method']} on {content['corpus']['name']}, {size['per_class']} per class",
        "texts": by_label,
        "facts": {
            "sets": f"{count} of {size['texts']} examples, {size['tokens']} words, {size['bytes']} bytes",
            "published": content["source"] or "not said where",
            "corpus": content["corpus"]["key"],
            "students": f"{content['seeds']} of each for every set and recipe, seed {content['seed']}",
            **{f"recipe of {name}": used for name, used in recipes.items()},
            "machine": listed(content["machine"]),
            "versions": listed(content["versions"]),
            "overlap": content["overlap"] or "no test texts",
        },
        "hashes": content["sets"],
    }
