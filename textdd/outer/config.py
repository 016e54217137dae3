"""What every distiller may be told: options that all of them have, each with its range and its meaning."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Self

from textdd.allowed import (
    Chosen,
    Count,
    Few,
    InMemory,
    Minutes,
    Number,
    OneOf,
    OuterStepSize,
    Place,
    StepSize,
    Whole,
)
from textdd.corpora.sources import MOST_TOKENS
from textdd.outer.synthetic import LABELS
from textdd.problem import Problem
from textdd.sets.parametrisations import PARAMETRISATIONS
from textdd.sets.parametrisations.pieces import check_length
from textdd.training import OPTIMISERS
from textdd.training.recipe import ORDERS
from textdd.training.side_by_side import CHOICES

STARTS = ("noise", "real", "telling", "kmeans")


@dataclass
class DistillerConfig:
    """Options that every distiller has.

    Attributes:
        name: the choice `distiller=`.
        start: where the distilled texts start: `noise`, `real` (the beginnings of real texts), `telling` (their most
            telling passages) or `kmeans`.
        warm_start: artefact of another run whose texts, labels and, where they fit, step sizes to start from, instead
            of `start`; null starts afresh.
        length: L of a distilled text, in tokens; -1 lets what is taught as one example, text or piece, grow with the
            number of examples, from 6 tokens at one per class to 23 at 30, but not beyond 24 or, a whole text, beyond
            99 of 100 real ones; 0 takes what is read of a real text, `dataset.length`.
        pieces: V equally long pieces that each text is cut into, every one an example with the text's label (IDC, Kim
            et al. 2022); 1 leaves texts whole. 0 takes 4 where pieces of a real text have 12 tokens (8 where there are
            many classes, more than 16) and T inner steps reach all of them, else fewer.
        parametrisation: what of the texts is learned and stored. `free`: their matrices (L, D). `low_rank`: matrices
            (L, R) and (R, D) whose product each is. `basis`: R vectors for all texts and each position's combination
            of them. `mixture`: at each position the shares of R words, which can be read. `real`: nothing, real texts
            stay as they are.
        rank: R, for the parametrisations `low_rank`, `basis` and `mixture`.
        nested: examples per class, such as [1,3,10], of beginnings of the set that are to be good sets, too.
        labels: `hard` (one-hot), `soft` (learned distributions) or `teacher` (what a student trained on the full data
            thinks of the texts).
        confidence: probability of its own class where a soft label starts.
        inner_optimiser: how students are trained on the set: `sgd`, `momentum`, `adam`, or `smooth_adam`, Adam with an
            epsilon of 0.001.
        inner_steps: T.
        inner_batch: examples in an inner step; a small set is taught in mini-batches of a third of it, of at least C
            examples, and one that has more than T steps reach in fixed order in mini-batches of a T-th. 0 divides the
            set into T mini-batches; -1 takes the whole set in every step.
        epochs: how often T steps see the set, where inner_batch=0 divides it.
        order: `fixed` or `shuffled` mini-batches.
        step_size: inner step size, or where learned ones start; multiplied by what suits the student (1 for small
            networks, 10 for a head on a frozen body) and the optimiser (3 for `smooth_adam`, else 1).
        learn_step_sizes: learn one positive step size per inner step.
        outer_steps: updates of the distilled set, in whole multiples of check_every; 0 takes as many as cost about
            `minutes`.
        minutes: on two CPU cores, preparation included, for outer_steps=0; counted in operations, not timed.
        outer_batch: real texts per outer step.
        outer_optimiser: `adam` or `sgd`.
        outer_step_size: of the distilled texts.
        label_step_size: outer step size of soft labels (their logits).
        step_size_step_size: outer step size of learned step sizes (before the softplus).
        decay: `cosine` lets the outer step sizes fall to zero, `none` keeps them.
        clip: gradients are cut to this multiple of their running mean norm; 0 switches that off.
        averaging: share of the old average that an outer step keeps; 0 switches averaging off.
        check_every: outer steps between two looks at the validation accuracy, each followed by a checkpoint.
        check_students: fresh students trained for such a look.
        check_texts: validation texts used for it.
        side_by_side: whether K students are trained as one stack of parameters: `always`, `never`, or where it is
            faster (`auto`: on a GPU, and on a CPU in small mini-batches). Both ways agree but for rounding.
    """

    name: Annotated[str, Chosen("distiller")] = "distiller"
    start: Annotated[str, OneOf(*STARTS)] = "real"
    warm_start: Place | None = None
    length: Annotated[int, Whole(-1, MOST_TOKENS)] = -1
    pieces: Annotated[int, Whole(0, MOST_TOKENS)] = 0
    parametrisation: Annotated[str, OneOf(*PARAMETRISATIONS)] = "free"
    rank: Annotated[int, Whole(1, 4096)] = 8
    nested: list[Count] = field(default_factory=list)
    labels: Annotated[str, OneOf(*LABELS)] = "soft"
    confidence: Annotated[float, Number(1e-6, 1 - 1e-6)] = 0.9
    inner_optimiser: Annotated[str, OneOf(*OPTIMISERS)] = "adam"
    inner_steps: Annotated[int, Whole(1, 100_000)] = 24
    inner_batch: Annotated[int, Whole(-1, 65_536)] = 40
    epochs: Count = 1
    order: Annotated[str, OneOf(*ORDERS)] = "fixed"
    step_size: StepSize = 0.004
    learn_step_sizes: bool = True
    outer_steps: Annotated[int, Whole(0, 100_000_000)] = 0
    minutes: Minutes = 4.5
    outer_batch: InMemory = 128
    outer_optimiser: Annotated[str, OneOf("adam", "sgd")] = "adam"
    outer_step_size: OuterStepSize = 0.02
    label_step_size: OuterStepSize = 0.3
    step_size_step_size: OuterStepSize = 0.03
    decay: Annotated[str, OneOf("cosine", "none")] = "cosine"
    clip: Annotated[float, Number(0, 1e6)] = 2.0
    averaging: Annotated[float, Number(0, 1, "[)")] = 0.99
    check_every: Annotated[int, Whole(1, 100_000_000)] = 100
    check_students: Few = 2
    check_texts: Count = 2000
    side_by_side: Annotated[str, OneOf(*CHOICES)] = "auto"

    def check(self) -> None:
        """Check what relates several options, each of which is within its range.

        Raises:
            TextddError: they do not go together.
        """
        if self.length > 0 and self.pieces:
            check_length(self.length, self.pieces)

    def settled(self, problem: Problem) -> Self:
        """The same with what is left to the corpus settled; methods that leave something to it say what.

        Args:
            problem: corpus, space, student and size.
        """
        del problem
        return self
