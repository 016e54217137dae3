"""Where each threshold of the report is from, and what none of it proves."""

from __future__ import annotations

from typing import Any

from textdd.quality.grams import LONG, SHORTEST
from textdd.quality.variety import NEAR
from textdd.report.inside import NEAR as NEAR_WORD
from textdd.trust.attack import FALSE_POSITIVES
from textdd.trust.config import TrustingConfig
from textdd.trust.groups import MOST
from textdd.trust.lira import OF_ITS_OWN
from textdd.trust.triggers import MOST_PREDICTIONS, TEXTS

OWN = "textdd's own choice"


def thresholds(options: TrustingConfig) -> list[dict[str, Any]]:
    """Each number that decides what counts: its name, value and source."""
    rows = (
        ("words of a sequence", LONG, f"{OWN}: the usual 13 find nothing in short texts"),
        ("words of a text that can be a near copy", SHORTEST, f"{OWN}: less stands in many texts by chance"),
        ("share of a text that makes a near copy", NEAR, OWN),
        ("texts that have a rare sequence, at most", options.rare, f"{OWN}; counting in excess: arXiv 2606.16952"),
        ("false positives", FALSE_POSITIVES, "a low rate, as Carlini et al. 2022 ask for; by loss: Yeom et al. 2018"),
        ("area and found by guessing", [0.5, FALSE_POSITIVES], "by definition"),
        ("confidence of intervals", options.confidence, "convention; percentile bootstrap over texts"),
        ("cosine of a near word", NEAR_WORD, OWN),
        (
            "shadow students",
            options.shadows,
            "offline attack beside students that saw no attacked text: Carlini et al. 2022",
        ),
        ("shadow students for a deviation of each text", OF_ITS_OWN, "Carlini et al. 2022; fewer share one"),
        ("words of a sequence, of the model of the set itself", 2, "added one (Laplace): Meeus et al. 2025"),
        ("groups that are told apart", MOST, OWN),
        ("predictions that a trigger turns", MOST_PREDICTIONS, f"{OWN}: most; backdoors of sets: Liu et al. 2023"),
        ("texts that a trigger is inserted into", TEXTS, OWN),
        (
            "sets of random texts whose words turn predictions as far beyond others",
            0,
            f"{OWN}: one set among as many random ones is the furthest by chance once in their number and one",
        ),
    )
    return [{"name": name, "value": value, "source": source} for name, value, source in rows]


HASHES = {
    "prove": "The SHA-256 of a set shows that it is the one of this report. An artefact's own hashes show that its "
    "files are as they were written, unless somebody changed the hashes as well.",
    "do_not_prove": "Hashes say neither who made a set, nor from what, nor that the maker was honest, nor that nothing "
    "is given away. Whoever can write the files can write the hashes: compare with one from another source.",
}
"""What hashes prove, and what they do not."""

NO_PROMISE = (
    "None of this is differential privacy: that would need an account of every touch of the data, and there is none."
)
PROMISE = (
    "The maker promises that the set is {}: that bounds what any attack can find of one training text. Nothing in the "
    "files proves that the account was kept, and nothing measured here can; attacks that find more would refute it."
)
"""What is said of a set without and with a promise of privacy."""

REMARKS = (
    "A copy is a copy: p only asks whether chance could have dealt the matches to that side, and where few texts are "
    "held out it is high whatever is found.",
    "An attack that finds nothing proves nothing: a stronger one may. What is found is there.",
    "A scan that finds no trigger looked at words of the set, one or two at a time, at the beginning of texts.",
    "Real texts match each other in parts (phrases of one sentence, replies, templates): they are no independent "
    "draws, and p is smaller than it should be where they do.",
    "Labels and the choice of settings touch the data, too, and are not looked at here.",
)
"""What whoever reads a report should know."""
