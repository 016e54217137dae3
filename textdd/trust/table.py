"""The trust report on a terminal."""

from __future__ import annotations

from typing import Any

from rich.markup import escape
from rich.table import Table

from textdd.report.terminal import wide_console

MATCHES = {
    "copies": "the same text",
    "near": "a near copy",
    "rare": "a rare sequence of words in both",
}
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
    for remark in (result["sides"]["why"], *result["remarks"]):
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
    for name, called in MATCHES.items():
        found = result["matches"][name]
        table.add_row(
            called,
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
