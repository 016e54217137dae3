"""The options of the trust report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from textdd.allowed import Count, ListOf, Name, OneOf, Part, Whole
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
        shadows: shadow students for the likelihood-ratio attack, LiRA, of every kind that is attacked; each is trained
            like those, without any of the attacked texts, so those beside the full data take as long as these. Two at
            least; 0 leaves that attack out.
        group: a column of the corpus's files, such as a dialect or a product; how well students do on the test texts of
            each of its values is told apart. null leaves that out.
        triggers: sequences of one or two words of the set that are inserted into held-out texts, the most suspicious
            ones, to see which turn predictions. Students of random texts, which `against` has to name, show which do
            so anyway. 0 leaves that out.
        full: how the full-data students are trained.
    """

    rare: Annotated[int, Whole(1, 1_000_000)] = 10
    texts: Count = 2000
    against: Annotated[list[str], ListOf(OneOf(*AGAINST))] = field(default_factory=lambda: list(AGAINST))
    resamples: Annotated[int, Whole(100, 1_000_000)] = 1000
    confidence: Part = 0.95
    shadows: Annotated[int, Whole(2, 1000), OneOf(0)] = 0
    group: Name | None = None
    triggers: Annotated[int, Whole(0, 10_000)] = 10
    full: FullDataConfig = field(default_factory=FullDataConfig)
