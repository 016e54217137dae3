"""Choose: from a problem and its candidates to a set of texts, resumable at any moment."""

from __future__ import annotations

import time
from typing import Any

import torch

from textdd.choosing.method import Candidates, Prepared, TextMethodConfig, prepared, set_of
from textdd.choosing.search import State
from textdd.choosing.warm_start import with_source
from textdd.evaluation.cost import Cost, resident
from textdd.outer.materials import Materials, Place
from textdd.outer.plan import Plan
from textdd.progress import say
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.texts import TextSet

SEARCH = "search.json"
"""Where a search stands; what else is needed is found in the cache."""


def choose(
    config: TextMethodConfig,
    candidates: Candidates,
    materials: Materials,
    place: Place,
    manifest: dict[str, Any],
    source: DistilledSet | None = None,
) -> TextSet:
    """Choose a set of texts; a run that was killed goes on from its last look at validation to the same result.

    Args:
        config: the method's options.
        candidates: what there is to choose from.
        materials: the problem and the cache.
        place: where to keep what.
        manifest: what is known of the set beforehand; what it cost is added as `distilling`.
        source: the set to start from, if any.

    Raises:
        TextddError: a class has too few candidates, an encoder cannot be loaded, or `source` is of another shape.
    """
    path = place.folder / SEARCH
    path.parent.mkdir(parents=True, exist_ok=True)
    loggers, metrics = place.mirrors.distilling(), place.mirrors.metrics

    def log(step: int, seen: dict[str, float]) -> None:
        for logger in loggers:
            logger.log_metrics(seen, step)

    with Cost() as cost:
        found = start_of(config, candidates, materials, source)
        if path.exists():
            metrics.rewind(State.read(path).round + 1)
        say(str(plan(found)))
        state = found.search.run(found.start, found.rounds, path, log)
        facts = {
            "validation_accuracy": state.score,
            "outer_steps": state.round,
            "swaps": state.swaps,
            "engine": "",
        }
        made = set_of(config, materials, found, state, place.folder, manifest)
    costs = {"seconds": cost.seconds + state.seconds, "peak_memory_bytes": cost.peak_memory_bytes}
    made.manifest["distilling"] = {**costs, **facts, **found.pool.facts}
    return made


def start_of(
    config: TextMethodConfig, candidates: Candidates, materials: Materials, source: DistilledSet | None = None
) -> Prepared:
    """A search before its first round; arguments and errors as for `choose`."""
    pool, start = candidates(config, materials), None
    if source is not None:
        pool, start = with_source(pool, source, materials.problem)
    return prepared(config, materials, pool, start)


def plan(found: Prepared) -> Plan:
    """Measure what a search will take; encoders have read the texts by now."""
    search, state = found.search, State(0, list(found.start), list(found.start))
    chosen = search.candidates.at(torch.tensor(found.start))
    first, second = search.texts_of(0)
    begin = time.perf_counter()
    search.judge.fit(chosen, first)
    search.look(state)
    looked = time.perf_counter()
    search.swap(state, 0, first, second)
    seconds = time.perf_counter() - looked
    looks = -(-found.rounds // search.redraw)
    return Plan("", 1.5 * resident(), seconds, found.rounds, looked - begin, looks)
