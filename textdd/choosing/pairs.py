"""Bilevel selection where targets are texts: real pairs on which a step is a step on many others.

A student in closed form says nothing of what a language model writes, so gradients are compared in its place
(`response_gradients.py`), and the set is the one that matches those of other pairs best (`matching.py`).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from textdd.allowed import shown
from textdd.choosing.matching import Matching
from textdd.choosing.method import TextMethodConfig
from textdd.choosing.recipe import tuned_recipe
from textdd.choosing.response_gradients import Gradients, gradients_of, warm_writer
from textdd.errors import TextddError
from textdd.evaluation.cost import Cost, resident
from textdd.locks import claim
from textdd.outer.materials import Materials, Place
from textdd.outer.plan import Plan
from textdd.problem import Problem
from textdd.progress import Bar, say
from textdd.quality.against import measured_on
from textdd.record import write_tensors
from textdd.seeds import numpy_generator
from textdd.sets.texts import TextSet
from textdd.training import Recipe

SEARCHED, MADE = ("start", "warm_start", "encoders", "layers", "ridges", "pool"), ("labels", "form", "tokens")
WITHOUT_MEANING = (*SEARCHED, *MADE, "minutes", "redraw", "patience", "rerank")
"""Options of bilevel selection that say nothing where targets are texts."""

TIMED, VALIDATED = 16, 100
"""Pairs that are read to tell how long all will take, and validation pairs on which the recipe is chosen."""

ROUNDS = 10
"""Exchanges that are tried for each pair of the set, unless `rounds` says how many in all."""


class Drawn(NamedTuple):
    """Training pairs.

    Attributes:
        candidates: rows of those that may be picked (n,).
        asked: rows of two halves of others, whose gradients are to be matched.
    """

    candidates: np.ndarray
    asked: tuple[np.ndarray, np.ndarray]


def check_meaning(config: TextMethodConfig) -> None:
    """Check that no option is set that says nothing where targets are texts.

    Raises:
        TextddError: one is.
    """
    usual = type(config)()
    for item in fields(config):
        given, default = getattr(config, item.name), getattr(usual, item.name)
        if item.name in WITHOUT_MEANING and given != default:
            raise TextddError(
                f"Got distiller.{item.name}={shown(given)}, and the targets of the corpus are texts: pairs are chosen "
                f"by their gradients, of which that says nothing. Type: distiller.{item.name}={shown(default)}"
            )


def drawn_from(config: TextMethodConfig, problem: Problem) -> Drawn:
    """Draw candidates (`looked_at`, or twice as many as are picked) and other pairs (`asked`), or as many as there are.

    Pairs that figures are measured on are none, and no pair is there twice.
    """
    train = problem.train.split
    texts = train.texts(np.arange(len(train)))
    first = {text: row for row, text in reversed(list(enumerate(texts)))}
    rows = np.array(sorted(first.values()))
    rows = rows[~measured_on([texts[row] for row in rows], problem.corpus)]
    rows = numpy_generator(problem.seed, "pairs").permutation(rows)
    size = min(max(config.looked_at, 2 * problem.per_class), max(problem.per_class, len(rows) // 2))
    others = rows[size : size + config.asked]
    others = others if len(others) >= 2 else rows
    half = len(others) // 2
    return Drawn(np.sort(rows[:size]), (others[:half], others[half:]))


def choose_pairs(config: TextMethodConfig, materials: Materials, place: Place, manifest: dict[str, Any]) -> TextSet:
    """Choose a set of pairs; of what a killed run had read nothing is read again.

    Args:
        config: options of bilevel selection.
        materials: the problem and the cache.
        place: the run's folder and loggers.
        manifest: what is known of the set beforehand; what it cost is added as `distilling`.
    """
    problem, size = materials.problem, materials.problem.per_class
    with Cost() as cost:
        drawn = drawn_from(config, problem)
        say(str(plan_pairs(config, problem, drawn)))
        gradients, targets = kept_gradients(problem, drawn)
        matching, rounds = Matching(gradients, targets), config.rounds or ROUNDS * size
        bar = Bar("choosing pairs", size + rounds)
        try:
            picks = matching.greedy(size, bar.update)
            first = matching.distance(picks, float(targets[0].square().sum()))
            picks, exchanges = matching.exchanged(picks, rounds, lambda done: bar.update(size + done))
        finally:
            bar.close()
        missed = matching.distance(picks, float(targets[0].square().sum()))
        for logger in place.mirrors.distilling():
            logger.log_metrics({"outer/loss": first}, size)
            logger.log_metrics({"outer/loss": missed}, size + exchanges)
        say(f"{exchanges} exchanges; of the squared gradient {missed:.3f} is missed, {first:.3f} before them")
        made = set_of_pairs(drawn.candidates[picks], problem, manifest)
        made.recipe = tuned_recipe(config, made, problem, VALIDATED)
    costs = {"seconds": cost.seconds, "peak_memory_bytes": cost.peak_memory_bytes}
    made.manifest["distilling"] = {**costs, "outer_steps": size + exchanges, "swaps": exchanges, "engine": ""}
    return made


def kept_gradients(problem: Problem, drawn: Drawn) -> tuple[Gradients, list[Tensor]]:
    """Gradients of the candidates, and the mean gradients (H, H) of all others and of their halves, from the cache."""
    reader, train = problem.reader(), problem.train
    told = repr((problem.space.sha256, problem.model, problem.space.length, problem.seed, problem.corpus.key))

    def kept(what: str, rows: np.ndarray, work: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
        content = f"{told} {what}".encode() + rows.tobytes()
        path = problem.cache / "gradients" / f"{hashlib.blake2b(content, digest_size=10).hexdigest()}.safetensors"
        with claim(path, f"reading {what}") as ours:
            if ours:
                write_tensors(path, work())
        return load_file(path)

    def factors() -> dict[str, Tensor]:
        found = gradients_of(theta, train, drawn.candidates, reader, "reading candidates")
        return {"errors": found.errors, "states": found.states, "owners": found.owners}

    def mean(rows: np.ndarray) -> dict[str, Tensor]:
        return {"mean": gradients_of(theta, train, rows, reader, "reading other pairs").mean()}

    theta = kept("warm-up", np.empty(0), lambda: {"theta": warm_writer(train, reader, problem.seed)})["theta"]
    candidates = kept("candidates", drawn.candidates, factors)
    halves = [kept("other pairs", rows, partial(mean, rows))["mean"] for rows in drawn.asked]
    return Gradients(**candidates, size=len(drawn.candidates)), [torch.stack(halves).mean(0), *halves]


def set_of_pairs(rows: np.ndarray, problem: Problem, manifest: dict[str, Any]) -> TextSet:
    """Training pairs, at rows (M,) of the split, as a set."""
    y = torch.zeros(len(rows), 1)  # a pair has no label
    return TextSet(problem.train.split.texts(rows), y, None, Recipe(), manifest, problem.space)


def plan_pairs(config: TextMethodConfig, problem: Problem, drawn: Drawn | None = None) -> Plan:
    """Measure what choosing takes, most of which is reading pairs: an outer step of the plan is one of them."""
    drawn = drawn or drawn_from(config, problem)
    reader = problem.reader()
    begin = time.perf_counter()
    theta = problem.student.fresh(problem.seed)
    gradients_of(theta, problem.train, drawn.candidates[:TIMED], reader, "reading a few pairs")
    seconds = (time.perf_counter() - begin) / min(TIMED, len(drawn.candidates))
    pairs = len(drawn.candidates) + sum(map(len, drawn.asked))
    return Plan("", 1.5 * resident(), seconds, pairs, 0.0, 0)
