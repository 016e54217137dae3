"""The options of the trust report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from textdd.allowed import Count, ListOf, OneOf, Part, Whole
from textdd.evaluation.full_data import FullDataConfig

AGAINST = ("random", "full")
"""Other students that are attacked as those of the set are: trained on random texts, as many of each class, and on the
full data."""


@dataclass
class TrustingConfig:
    """What is asked of a set.

    Attributes:
        rare: in how many texts of the corpus a sequence of words stands at most to be called rare.
        texts: how many training texts are attacked, and how many held-out ones beside them.
        against: whose students are attacked as well: random, full.
        resamples: of the texts, for the intervals of the attacks.
        confidence: of these.
        full: how the full-data students are trained.
    """

    rare: Annotated[int, Whole(1, 1_000_000)] = 10
    texts: Count = 2000
    against: Annotated[list[str], ListOf(OneOf(*AGAINST))] = field(default_factory=lambda: list(AGAINST))
    resamples: Annotated[int, Whole(100, 1_000_000)] = 1000
    confidence: Part = 0.95
    full: FullDataConfig = field(default_factory=FullDataConfig)
