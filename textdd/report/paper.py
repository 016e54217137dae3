"""The paper's own figures: table 2 of Li & Li (2021), *Data Distillation for Text Classification*."""

from __future__ import annotations

from typing import NamedTuple


class Published(NamedTuple):
    """A column of that table.

    Attributes:
        share: of the training texts that the distilled set has.
        distilled: test accuracy after training on the distilled set.
        random: the same for as many random texts.
        full: the same for all texts.
    """

    share: float
    distilled: float
    random: float
    full: float


PAPER = {
    "dbpedia": Published(0.001, 0.7998, 0.6910, 0.9779),
    "yahoo_answers": Published(0.001, 0.6590, 0.5293, 0.6700),
    "sogou_news": Published(0.001, 0.8658, 0.8278, 0.9404),
    "ag_news": Published(0.001, 0.8564, 0.7133, 0.8819),
    "yelp_full": Published(0.001, 0.5682, 0.3582, 0.6045),
    "yelp_polarity": Published(0.001, 0.8689, 0.7763, 0.9219),
    "amazon_full": Published(0.0001, 0.4561, 0.2603, 0.5464),
    "amazon_polarity": Published(0.0001, 0.8534, 0.6952, 0.9102),
}
"""Corpus -> figures, in the paper's order."""
