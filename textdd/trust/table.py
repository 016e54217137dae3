"""The trust report on a terminal."""

from __future__ import annotations

from typing import Any

from rich.markup import escape
from rich.table import Table

from textdd.errors import cut
from textdd.report.measures import called
from textdd.report.terminal import wide_console

MATCHES = {
    "copies": "the same text",
    "near": "a near copy",
    "rare": "a rare sequence of words in both",
}
ITSELF = {"bigrams": "no student: bigrams of the set", "likeness": "no student: likeness to the set"}
SHOWN = 5
"""Sequences that are shown; all are in the result."""

ATTACKED = {"set": "the set", "random": "random texts", "full": "the full data"}


def print_trust(result: dict[str, Any]) -> None:
    """Print the report to standard output."""
    console = wide_console()
    console.print(matches_table(result))
    ours = result["matches"]["texts_of_the_set"]
    console.print(
        f"Of the {result['examples']} examples, {ours['training']} stand nearly or wholly in a training text, "
        f"{ours['heldout']} in a held-out text.",
        highlight=False,
    )
    console.print(nearest_line(result), highlight=False)
    if result["read_out"] is not None:
        read = result["read_out"]
        console.print(
            f"Read out by the nearest words: mean cosine {read['cosine']:.3f}, {100 * read['near']:.1f} % of the "
            "positions near a word; the words are what is compared above.",
            highlight=False,
        )
    console.print(attacks_table(result))
    if result["groups"] is not None:
        console.print(groups_table(result["groups"]))
    if result["triggers"] is not None:
        console.print(triggers_table(result["triggers"]))
    for remark in (result["sides"]["why"], *result["remarks"], *result["hashes"].values()):
        console.print(escape(f"- {remark[0].upper()}{remark[1:].rstrip('.')}."), highlight=False)


def matches_table(result: dict[str, Any]) -> Table:
    """Real texts that match the set, on both sides."""
    sides = result["sides"]
    title = f"{result['artifact']}: {result['examples']} examples against {result['corpus']['name']}"
    caption = (
        f"{sides['training_texts']} training texts; {sides['heldout_texts']} {sides['heldout']} texts are held out; "
        f"{sides['shared']} that stand on both sides are left out; p: one-sided, if nothing were given away"
    )
    table = Table(title=escape(title), caption=escape(caption))
    table.add_column("real texts with")
    for heading in ("training", "held out", "expected", "excess", "p"):
        table.add_column(heading, justify="right")
    for name, meaning in MATCHES.items():
        found = result["matches"][name]
        table.add_row(
            meaning,
            str(found["training"]),
            str(found["heldout"]),
            f"{found['expected']:.1f}",
            f"{found['excess']:+.1f}",
            chance(found["p"]),
        )
    return table


def nearest_line(result: dict[str, Any]) -> str:
    """Likeness to the nearest texts, in a sentence."""
    near = result["nearest"]
    return (
        f"Likeness to the nearest training text {near['training']:.3f}; to the nearest of as many training texts as "
        f"are held out {near['as_many']:.3f}, to the nearest held-out text {near['heldout']:.3f} "
        f"(p {chance(near['p'])}, {near['groups']} groups)."
    )


def attacks_table(result: dict[str, Any]) -> Table:
    """The attack on all students."""
    first = result["membership"]["set"]
    title = f"Which texts were in the training data? {result['students']} students each, attacked by their loss"
    caption = (
        f"{first['members']} training against {first['others']} held-out texts; by guessing: 0.5 and 0.01; "
        f"{100 * result['options']['confidence']:g} % intervals over texts"
    )
    table = Table(title=title, caption=caption)
    table.add_column("trained on")
    for heading in ("area under the curve", "interval", "found at 1 % false positives", "interval"):
        table.add_column(heading, justify="right")
    for name, attacked in result["membership"].items():
        table.add_row(ATTACKED[name], *cells(attacked))
        if "own_texts" in attacked:
            table.add_row("  these themselves", *cells(attacked["own_texts"]))
        if "lira" in attacked:
            table.add_row(f"  beside {attacked['lira']['shadows']} shadow students", *cells(attacked["lira"]))
    for name, meaning in ITSELF.items():
        table.add_row(meaning, *cells(result["itself"][name]))
    return table


def groups_table(groups: dict[str, Any]) -> Table:
    """How well students do on the test texts of each group."""
    title = f"{called(groups['measure'])} on the test texts of each {groups['column']}"
    table = Table(title=escape(title), caption="mean ± std of the students; gap: the best group less the worst")
    table.add_column(escape(groups["column"]))
    for heading in ("texts", *(ATTACKED[name] for name in groups["students"])):
        table.add_column(heading, justify="right")
    for group, texts in groups["texts"].items():
        those = (kind["groups"][group] for kind in groups["students"].values())
        table.add_row(escape(cut(group)), str(texts), *(f"{one['mean']:.3f} ± {one['std']:.3f}" for one in those))
    table.add_row("gap", "", *(f"{kind['gap']:.3f}" for kind in groups["students"].values()))
    return table


def triggers_table(triggers: dict[str, Any]) -> Table:
    """The sequences of words that turn most predictions."""
    flagged, chance = sum(one["trigger"] for one in triggers["found"]), max(triggers["by_chance"])
    title = f"{flagged} triggers among {len(triggers['found'])} sequences of words of the set"
    caption = (
        f"share of the predictions on {triggers['texts']} held-out texts that turn to the class where they begin so; "
        f"words of random texts turn their own students up to {chance:.2f} further than others"
    )
    table = Table(title=title, caption=caption)
    for heading in ("words", "turn to", "students of the set", "of random texts", "trigger"):
        table.add_column(heading, justify="right" if "students" in heading or "texts" in heading else "left")
    for one in triggers["found"][:SHOWN]:
        shares = (f"{one['ours']:.2f}", f"{one['others']:.2f}", "yes" if one["trigger"] else "")
        table.add_row(escape(cut(one["sequence"])), escape(cut(one["class"])), *shares)
    return table


def cells(attacked: dict[str, Any]) -> list[str]:
    """Both measures with their intervals."""
    found = []
    for name in ("area", "found"):
        low, high = attacked[name]["interval"]
        found += [f"{attacked[name]['value']:.3f}", f"{low:.3f} to {high:.3f}"]
    return found


def chance(p: float) -> str:
    """A p in three digits."""
    return "<0.001" if p < 0.001 else f"{p:.3f}"
