"""The plan of `generate`: one prompt and one step of each tuning are timed; real texts stand in for written ones."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from textdd.choosing.choose import plan
from textdd.choosing.method import prepared
from textdd.choosing.pool import real_pool
from textdd.distillers.generate import GenerateConfig, prompts_for, writer_of
from textdd.outer.materials import Materials
from textdd.outer.plan import Plan
from textdd.progress import say
from textdd.students.adapters import Adapters
from textdd.writing.matching import Line, losses_of
from textdd.writing.prompts import Prompt
from textdd.writing.sampling import Sampler
from textdd.writing.tuning import learn
from textdd.writing.writer import BATCH, Manner, Writer


def plan_of_writing(config: GenerateConfig, materials: Materials) -> Plan:
    """Measure what writing and then choosing will take; nothing that was written for it is kept, or sent anywhere.

    Args:
        config: the method's options.
        materials: the problem and the cache.

    Raises:
        TextddError: the language model cannot be had, or a class has too few texts.
    """
    problem, writer = materials.problem, writer_of(config)
    prompts, manner = prompts_for(config, writer, problem)
    stand_ins = real_pool(problem, BATCH * len(prompts))
    chosen = plan(prepared(config, materials, stand_ins))
    if writer.address is not None:
        say(f"{len(prompts)} prompts would go to {writer.address}; how long it takes is not known before it is asked.")
        return chosen
    return replace(chosen, seconds_before=seconds_of(config, writer, prompts, manner, problem.classes))


def seconds_of(config: GenerateConfig, writer: Writer, prompts: list[Prompt], manner: Manner, classes: int) -> float:
    """Seconds of all writing, and of the tuning before it."""
    found = len(prompts) * timed(lambda: writer.write(prompts[0].words, 0, manner))
    tune = config.tune
    if not (tune.steps or tune.matching):
        return found
    assert isinstance(writer, Sampler)
    base, first = writer.language_model, prompts[0]
    adapters = Adapters(base.model.base_model, tune.rank, base.path).to(base.device)  # type: ignore[arg-type]
    if tune.steps:
        found += tune.steps * timed(lambda: learn(base, adapters, 0, [(first.words, first.header)], tune))
    if tune.matching:
        example = first.words[first.header :].splitlines()[0]
        lines = [Line(first.words[: first.header], example)] * tune.drafts_together
        found += tune.matching * timed(lambda: losses_of(base, adapters, lines).sum().backward())
        found += classes * -(-tune.drafts // BATCH) * timed(lambda: writer.write(first.words, 0, manner))
    return found


def timed(work: Callable[[], object]) -> float:
    """Seconds of some work, done once."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
