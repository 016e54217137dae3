"""What all methods share that choose texts: options, the way from candidates to a set, and the plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from textdd.allowed import (
    Chosen,
    Count,
    ListOf,
    Minutes,
    Number,
    OneOf,
    Place,
    Whole,
)
from textdd.choosing.encoders import encoders_of
from textdd.choosing.judging import Judge, Texts
from textdd.choosing.labels import LABELS, learned_labels
from textdd.choosing.pool import Pool
from textdd.choosing.recipe import RecipeConfig, tuned_recipe
from textdd.choosing.rerank import Rerank, rounds_for
from textdd.choosing.ridge import unit
from textdd.choosing.search import FEW, SCREEN, Search, State
from textdd.choosing.views import Views, sample_of
from textdd.errors import TextddError
from textdd.outer.materials import Materials
from textdd.outer.teacher import train_teacher
from textdd.problem import Problem
from textdd.seeds import derive, numpy_generator, torch_generator
from textdd.selection import CANDIDATES, Pick
from textdd.selectors.herding import herd
from textdd.selectors.k_means import nearest_to_centres
from textdd.sets.texts import TextSet
from textdd.training import Recipe


def at_random(features: Tensor, count: int, seed: int) -> list[int]:
    """Pick `count` of the texts (N, F) by chance."""
    picks: list[int] = numpy_generator(seed, "picks").choice(len(features), count, replace=False).tolist()
    return picks


PICKS: dict[str, Pick] = {"kmeans": nearest_to_centres, "herding": herd, "random": at_random}
"""The choices of `distiller.start`."""

Candidates = Callable[[Any, Materials], Pool]
"""(options, problem and cache) -> what there is to choose from: all that one method has to say of itself."""

OPERATIONS_PER_MINUTE = 2e11
"""Of a search, on two cores."""


@dataclass
class TextMethodConfig(RecipeConfig):
    """Options that every method has that chooses texts.

    Attributes:
        name: the choice `distiller=`.
        start: the first choice, class by class: `kmeans` (nearest to the centres of clusters), `herding` or `random`.
        warm_start: a set of texts of another run to start from; its texts join the candidates. null starts afresh.
        encoders: pretrained encoders besides the student's own features, as a list of folders or hub ids: a set that
            several agree on trains other students, too.
        layers: of a pretrained encoder, how many of its last layers.
        ridges: λ of the students in closed form of every encoder, for features of length one.
        pool: texts of the corpus that are candidates, and that students are asked about.
        asked: texts that a swap is found with; as many others have to agree. Of pairs of a prompt and a response, all
            whose gradients are to be matched.
        looked_at: candidates of a round; of pairs, all candidates.
        rounds: of the search, one place of the set each; 0 takes as many as `minutes` allow.
        minutes: of the search on two cores, for rounds=0; counted in operations, not timed.
        redraw: rounds after which all texts that are asked are drawn anew, and validation is looked at.
        patience: such looks without a better choice that end the search.
        rerank: rounds in which swaps are tried by training the student itself; -1 takes as many as a quarter of
            `minutes` pays for, 0 leaves that out.
        labels: `hard`, `soft` (learned for the students in closed form) or `teacher` (what a student trained on the
            full data thinks of the texts).
    """

    name: Annotated[str, Chosen("distiller")] = "text_method"
    start: Annotated[str, OneOf(*PICKS)] = "kmeans"
    warm_start: Place | None = None
    encoders: list[Place] = field(default_factory=list)
    layers: Annotated[int, Whole(1, 1000)] = 3
    ridges: Annotated[list[float], ListOf(Number(1e-8, 1e8), least=1)] = field(default_factory=lambda: [0.1, 1.0])
    pool: Annotated[int, Whole(100, 1_000_000)] = 50_000
    asked: Annotated[int, Whole(10, 1_000_000)] = 2000
    looked_at: Count = 1000
    rounds: Annotated[int, Whole(0, 100_000_000)] = 0
    minutes: Minutes = 4.5
    redraw: Count = 20
    patience: Count = 20
    rerank: Annotated[int, Whole(-1, 1_000_000)] = -1
    labels: Annotated[str, OneOf(*LABELS)] = "hard"

    def check(self) -> None:
        """Check what options have to be given, and which go together, before any data is read.

        Raises:
            TextddError: something is missing or excludes something else.
        """


class Prepared(NamedTuple):
    """A search before its first round.

    Attributes:
        search: the search.
        pool: its candidates.
        start: the first picks.
        rounds: how many rounds there are at most.
    """

    search: Search
    pool: Pool
    start: list[int]
    rounds: int


def prepared(config: TextMethodConfig, materials: Materials, pool: Pool, start: list[int] | None = None) -> Prepared:
    """Let all encoders read all texts, and make the first choice.

    Args:
        config: the method's options.
        materials: the problem and the cache.
        pool: the candidates; every class has at least as many as are to be picked.
        start: the first picks; None picks as the options say.
    """
    problem = materials.problem
    encoders = encoders_of(config.encoders, config.layers, materials)
    views = Views(encoders, problem, config.pool)
    asked, validation = sample_of(problem, config.pool), problem.corpus.validation.sample(config.asked)
    train_views = views.of(asked.texts(np.arange(len(asked))))
    middles = [view.mean(0) for view in train_views]

    def texts_of(seen: list[Tensor], targets: Tensor) -> Texts:
        return Texts(tuple(unit(view, middle) for view, middle in zip(seen, middles, strict=True)), targets)

    search = Search(
        judge=Judge(problem.task, tuple(config.ridges)),
        candidates=texts_of(views.of(pool.texts), pool.targets),
        strata=torch.from_numpy(pool.strata),
        train=texts_of(train_views, torch.from_numpy(asked.targets)),
        validation=texts_of(
            views.of(validation.texts(np.arange(len(validation)))), torch.from_numpy(validation.targets)
        ),
        seed=problem.seed,
        asked=config.asked,
        looked_at=config.looked_at,
        redraw=config.redraw,
        patience=config.patience,
    )
    start = start or first_choice(config.start, search, problem)
    rounds = config.rounds or max(1, round(config.minutes / minutes_of_a_round(search, len(start))))
    return Prepared(search, pool, start, rounds)


def first_choice(start: str, search: Search, problem: Problem) -> list[int]:
    """The first picks (M,), row m of class m mod C, by the features of the first view.

    Raises:
        TextddError: a class has too few candidates.
    """
    features, chosen = search.candidates.views[0].double(), []
    for label, name in enumerate(problem.corpus.classes):
        rows = torch.nonzero(search.strata == label).squeeze(1)
        if len(rows) < problem.per_class:
            raise TextddError(
                f"Of the class {name!r} there are {len(rows)} candidates, and {problem.per_class} are to be picked. "
                f"Type: per_class={max(1, len(rows))}"
            )
        drawn = torch.randperm(len(rows), generator=torch_generator(problem.seed, "start", label))[:CANDIDATES]
        rows = rows[drawn]
        picks = PICKS[start](features[rows], problem.per_class, derive(problem.seed, "start", label))
        chosen.append(rows[picks])
    return torch.stack(chosen, dim=1).flatten().tolist()


def minutes_of_a_round(search: Search, size: int) -> float:
    """What a round of the search takes, by its floating-point operations, nearly, for a set of M texts."""
    judge, classes = search.judge, search.judge.task.classes
    candidates = SCREEN * search.looked_at + search.asked * (FEW + 3)
    per_view = sum(2 * view.shape[1] * (candidates + 2 * search.asked * size) for view in search.candidates.views)
    students = len(search.candidates.views) * len(judge.ridges)
    return (per_view + students * candidates * (2 * size + 40 * classes)) / OPERATIONS_PER_MINUTE


def set_of(
    config: TextMethodConfig, materials: Materials, found: Prepared, state: State, place: Path, manifest: dict[str, Any]
) -> TextSet:
    """The set that a search has found, tried by training, with its labels and a recipe for the problem's student.

    Args:
        config: the method's options.
        materials: the problem and the cache.
        found: the candidates.
        state: of the search, at its end.
        place: the run's folder.
        manifest: what is known of the set.
    """
    problem, search = materials.problem, found.search
    hard = set_at(state.best, found, problem, manifest)
    recipe = tuned_recipe(config, hard, problem, config.asked)
    rounds = config.rerank
    if rounds < 0:
        searching = minutes_of_a_round(search, len(state.best))
        rounds = rounds_for(problem, recipe, config.minutes, searching)
    picks = Rerank(search, problem, found.pool.texts, recipe).run(state.best, rounds, place / "rerank.json")
    made = set_at(picks, found, problem, manifest)
    if config.labels == "soft":
        chosen = search.candidates.at(torch.tensor(picks))
        search.judge.fit(chosen, search.train)
        made.text_labels = learned_labels(search.judge, chosen, search.train)
    elif config.labels == "teacher":
        teacher, _ = train_teacher(materials, problem.seed)
        batch = problem.reader()(problem.space.tokens(made.texts))
        made.text_labels = teacher.read(batch.x, batch.mask).detach().cpu()
    if made.texts != hard.texts or config.labels != "hard":
        recipe = tuned_recipe(config, made, problem, config.asked)
    made.recipe = recipe
    return made


def set_at(picks: list[int], found: Prepared, problem: Problem, manifest: dict[str, Any]) -> TextSet:
    """The candidates at some rows (M,) as a set with hard labels."""
    y = problem.task.as_labels(found.search.candidates.targets[picks]).float()
    texts, origins = [found.pool.texts[i] for i in picks], [found.pool.origins[i] for i in picks]
    return TextSet(texts, y, None, Recipe(), manifest, problem.space, origins)
