"""Where each threshold of the report is from, and what none of it proves."""

from __future__ import annotations

from typing import Any

from textdd.quality.grams import LONG, SHORTEST
from textdd.quality.variety import NEAR
from textdd.report.inside import NEAR as NEAR_WORD
from textdd.trust.attack import FALSE_POSITIVES
from textdd.trust.config import TrustingConfig

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
    )
    return [{"name": name, "value": value, "source": source} for name, value, source in rows]


REMARKS = (
    "A copy is a copy: p only asks whether chance could have dealt the matches to that side, and where few texts are "
    "held out it is high whatever is found.",
    "An attack that finds nothing proves nothing: a stronger one may. What is found is there.",
    "None of this is differential privacy: that would need an account of every touch of the data, and there is none.",
    "The SHA-256 of a set shows that it is the one of this report. It says neither who made it, nor from what, nor "
    "that nothing is given away. An artefact's own hashes show that its files are as they were written.",
    "Real texts match each other in parts (phrases of one sentence, replies, templates): they are no independent "
    "draws, and p is smaller than it should be where they do.",
    "Labels and the choice of settings touch the data, too, and are not looked at here.",
)
"""What whoever reads a report should know."""
