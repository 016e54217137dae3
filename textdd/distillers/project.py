"""Projection: a set of matrices turned into words, so that people can read it and every student be trained on it.

Matrices are no words, and most of what was learned in them is between the words and is lost: this is the lower end of
what sets of texts can do, to which others are to be compared. What the matrices were worth is kept beside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from textdd.allowed import Chosen, Count, Number, OneOf, OuterStepSize, Place, Whole
from textdd.choosing.recipe import RecipeConfig
from textdd.distillers.meta_gradient import MetaGradientConfig
from textdd.errors import TextddError
from textdd.projecting.words import METRICS

ONTO = ("nearest", "mixture", "admm")
LABELS = ("hard", "soft")

PLAIN_SHARE = 0.5
"""Share of students that are taught plainly while words are learned: more than of matrices, which carry a recipe."""


@dataclass
class ProjectConfig(RecipeConfig):
    """Options of projection.

    Attributes:
        name: the choice `distiller=`.
        warm_start: artefact of the matrices, of the student's own space; in a chain, those of the stage before.
        onto: `nearest`: at each position the nearest word. `mixture`: one of the nearest words, drawn at a falling
            temperature, learned by the meta-gradient. `admm`: matrices that the meta-gradient moves and words that a
            language model finds likely, drawn to one another.
        near: words nearest to a position among which `mixture` and `admm` choose.
        metric: how near a word is, `cosine` or `euclid`.
        labels: `hard` or `soft`; these are the matrices' own, learned on where the words are learned.
        language_model: of `admm`: a causal language model of `transformers`, as a folder, an id on the hub, or a GGUF
            file.
        rho: of `admm`: how strongly matrices and words are drawn to one another.
        outer_steps: of `mixture` and `admm`; 0 takes as many as cost about `minutes`.
        minutes: on two CPU cores, for outer_steps=0, without what the language model takes; counted, not timed.
        outer_step_size: of the matrices; that of the mixtures is ten times as large.
        check_every: outer steps between two looks at the validation accuracy, for which `admm` chooses words anew.
        check_texts: validation texts used for it, and for the recipe.
    """

    name: Annotated[str, Chosen("distiller")] = "project"
    warm_start: Place | None = None
    onto: Annotated[str, OneOf(*ONTO)] = "nearest"
    near: Annotated[int, Whole(1, 1000)] = 20
    metric: Annotated[str, OneOf(*METRICS)] = "cosine"
    labels: Annotated[str, OneOf(*LABELS)] = "soft"
    language_model: Place | None = None
    rho: Annotated[float, Number(0, 1e4, "(]")] = 1.0
    outer_steps: Annotated[int, Whole(0, 100_000_000)] = 0
    minutes: Annotated[float, Number(0, 100_000)] = 2.0
    outer_step_size: OuterStepSize = 0.01
    check_every: Count = 50
    check_texts: Count = 2000

    def __post_init__(self) -> None:
        if self.onto == "nearest":
            self.minutes = 0.0  # it needs none, so the other stages of a chain have all

    def check(self) -> None:
        """Check that there is what the way of projecting needs.

        Raises:
            TextddError: there is not.
        """
        if self.onto == "admm" and self.language_model is None:
            raise TextddError(
                "Got distiller.onto=admm without a language model to say what is likely. Type for instance: "
                "distiller.language_model=HuggingFaceTB/SmolLM2-135M, or a folder, or distiller.onto=mixture"
            )

    def learning(self) -> MetaGradientConfig:
        """The meta-gradient by which words are learned, for students that are taught plainly as often as not."""
        return MetaGradientConfig(
            name=self.name,
            labels=self.labels,
            pieces=1,  # texts are taught whole
            outer_steps=self.outer_steps,
            minutes=self.minutes,
            outer_step_size=self.outer_step_size,
            check_every=self.check_every,
            check_texts=self.check_texts,
            plain_share=PLAIN_SHARE,
        )
