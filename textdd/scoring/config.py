"""The options of scoring."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from textdd.allowed import STEP_SIZE, Count, Few, InMemory, ListOf, Name, Number, OneOf, Part, Place, Whole
from textdd.evaluation.full_data import FullDataConfig
from textdd.selectors import SELECTORS
from textdd.students import STUDENTS
from textdd.students.causal_lm import CausalLMConfig
from textdd.students.custom import CustomConfig
from textdd.students.fasttext import FastTextConfig
from textdd.students.lstm import LSTMConfig
from textdd.students.pretrained import PretrainedConfig
from textdd.students.textcnn import TextCNNConfig
from textdd.students.transformer import TransformerConfig


@dataclass
class StudentsConfig:
    """Options of every student, by its name: `model.textcnn.filters=50 model.pretrained.path=FOLDER`."""

    textcnn: TextCNNConfig = field(default_factory=TextCNNConfig)
    fasttext: FastTextConfig = field(default_factory=FastTextConfig)
    lstm: LSTMConfig = field(default_factory=LSTMConfig)
    transformer: TransformerConfig = field(default_factory=TransformerConfig)
    pretrained: PretrainedConfig = field(default_factory=PretrainedConfig)
    causal_lm: CausalLMConfig = field(default_factory=CausalLMConfig)
    custom: CustomConfig = field(default_factory=CustomConfig)


@dataclass
class ScoringConfig:
    """How sets are scored.

    Attributes:
        students: who is trained on the sets; options of each are `model.NAME.OPTION`.
        seeds: K, fresh students for every set and recipe; the same K for all sets, so that they can be paired.
        sets: how many of the sets of a folder are scored, in the order of their names; 0 takes all.
        baselines: which picks of real texts the sets are held against; random always is, listed or not.
        baseline_sets: picks of every baseline; there are never fewer than sets that are scored.
        texts: validation texts used to choose a recipe.
        step_sizes: Adam step sizes tried for the tuned recipe.
        steps: the longest training tried for it.
        batch: examples per step of it.
        tuning_students: fresh students per step size tried, and sets that they are trained on in turn.
        dropped: share of the words that are left out for the augmented score, ARS-wd; 0 leaves that out.
        copies: of every text for that score, each with other words left out.
        confidence: of the intervals.
        full: how the full-data students are trained.
        allow_overlap: score sets that hold test texts, and say so beside every figure.
        method: what made the sets, for tables and the leaderboard; null takes the name of the file or folder.
        source: where the sets are published, an address or a path, for the leaderboard.
        entry: a .json file to write all scores to, for the leaderboard.
    """

    students: Annotated[list[str], ListOf(OneOf(*STUDENTS), least=1)] = field(default_factory=lambda: ["textcnn"])
    seeds: Few = 5
    sets: Annotated[int, Whole(0, 10_000)] = 0
    baselines: Annotated[list[str], ListOf(OneOf(*SELECTORS))] = field(
        default_factory=lambda: ["random", "herding", "k_means"]
    )
    baseline_sets: Few = 5
    texts: Count = 2000
    step_sizes: Annotated[list[float], ListOf(STEP_SIZE, least=1)] = field(default_factory=lambda: [1e-3, 3e-3, 1e-2])
    steps: Count = 400
    batch: InMemory = 32
    tuning_students: Few = 2
    dropped: Annotated[float, Number(0, 1, "[)")] = 0.1
    copies: Few = 4
    confidence: Part = 0.95
    full: FullDataConfig = field(default_factory=FullDataConfig)
    allow_overlap: bool = False
    method: Name | None = None
    source: Name | None = None
    entry: Place | None = None
