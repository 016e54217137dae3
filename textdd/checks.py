"""Checks of a composed configuration that need no data: closed lists, ranges, and combinations that cannot work."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from textdd.artifact import read_manifest
from textdd.config import RunConfig
from textdd.data.vectors import EMBEDDINGS
from textdd.distillers import (
    DISTILLERS,
    STARTS,
    TRUNCATIONS,
    DistillerConfig,
    MetaGradientConfig,
    TrajectoryMatchingConfig,
)
from textdd.distillers.chain import ChainConfig
from textdd.errors import TextddError, nearest_first, unknown_choice
from textdd.inner import ENGINES, OPTIMISERS
from textdd.inner.recipe import ORDERS
from textdd.students import STUDENTS

PRECISIONS = ("32-true", "bf16-mixed", "16-mixed", "64-true")


def check(run: RunConfig) -> None:
    """Check a configuration before any data is read.

    Raises:
        TextddError: a value is not allowed, or two values exclude each other.
    """
    if run.budget is not None and run.per_class is not None:
        raise TextddError(
            f"Got budget={run.budget:g} and per_class={run.per_class}: give one of them. "
            f"Type: per_class={run.per_class}"
        )
    if run.budget is not None and not 0 < run.budget <= 1:
        raise TextddError(f"Got budget={run.budget:g}; a fraction in (0, 1] is allowed. Type: budget=0.001")
    at_least("per_class", run.per_class, 1, 10)
    at_least("trainer.devices", run.trainer.devices, 1, 1)
    at_least("evaluation.students", run.evaluation.students, 1, 5)
    at_least("evaluation.tuning_students", run.evaluation.tuning_students, 1, 3)
    one_of("precision", run.trainer.precision, PRECISIONS, "trainer.precision")
    one_of("embedding", run.embedding.name, EMBEDDINGS, "embedding")
    for name in run.evaluation.transfer:
        one_of("student", name, STUDENTS, "evaluation.transfer")
    if run.distiller.warm_start is not None:
        read_manifest(Path(run.distiller.warm_start))
    if isinstance(run.distiller, ChainConfig):
        check_chain(run.distiller)
    else:
        check_distiller(run.distiller)


def check_chain(config: ChainConfig) -> None:
    """Check the stages of a chain, and the options of each."""
    if not config.stages:
        raise TextddError("Got distiller.stages=[]; a chain has a stage. Type: distiller.stages=[meta_gradient]")
    for i, name in enumerate(config.stages):
        if name not in config.options:
            best = nearest_first(name, DISTILLERS)
            mended = [*config.stages[:i], best[0], *config.stages[i + 1 :]]
            raise TextddError(
                f"Unknown stage {name!r}. Allowed (nearest first): {', '.join(best)}. "
                f"Type: distiller.stages=[{','.join(mended)}]"
            )
    positive("distiller.minutes", config.minutes, 4)
    first = config.options[config.stages[0]]
    for name, options in config.options.items():
        key = f"distiller.options.{name}"
        try:
            check_distiller(options)
        except TextddError as error:  # it speaks of a method alone, whose options have shorter names
            raise TextddError(str(error).replace("distiller.", f"{key}.")) from error
        if options.warm_start is not None:
            raise TextddError(
                f"Got {key}.warm_start; the first stage alone starts from another run's set. "
                f"Type: distiller.warm_start={options.warm_start}"
            )
        if options.length != first.length:
            raise TextddError(
                f"Got {key}.length={options.length} and distiller.options.{first.name}.length={first.length}: all "
                f"stages have texts of one length. Type: {key}.length={first.length}"
            )


def check_distiller(config: DistillerConfig) -> None:
    """Check the options of a distiller."""
    one_of("start of the distilled texts", config.start, STARTS, "distiller.start")
    one_of("kind of labels", config.labels, ("hard", "soft"), "distiller.labels")
    one_of("order of mini-batches", config.order, ORDERS, "distiller.order")
    one_of("inner optimiser", config.inner_optimiser, OPTIMISERS, "distiller.inner_optimiser")
    one_of("outer optimiser", config.outer_optimiser, ("adam", "sgd"), "distiller.outer_optimiser")
    one_of("decay of the outer step sizes", config.decay, ("cosine", "none"), "distiller.decay")
    for key, value, least, usual in (
        ("length", config.length, 0, 24),
        ("inner_steps", config.inner_steps, 1, 16),
        ("inner_batch", config.inner_batch, 0, 0),
        ("outer_steps", config.outer_steps, 0, 1000),
        ("outer_batch", config.outer_batch, 1, 256),
        ("check_every", config.check_every, 1, 100),
        ("check_students", config.check_students, 1, 2),
        ("check_texts", config.check_texts, 1, 2000),
    ):
        at_least(f"distiller.{key}", value, least, usual)
    positive("distiller.step_size", config.step_size, 0.01)
    positive("distiller.minutes", config.minutes, 4)
    if not 0 < config.confidence < 1:
        raise TextddError(
            f"Got distiller.confidence={config.confidence:g}; it lies between 0 and 1. Type: distiller.confidence=0.9"
        )
    if not 0 <= config.averaging < 1:
        raise TextddError(
            f"Got distiller.averaging={config.averaging:g}; it lies in [0, 1). Type: distiller.averaging=0.99"
        )
    if isinstance(config, MetaGradientConfig):
        one_of("truncation", config.truncation, TRUNCATIONS, "distiller.truncation")
        one_of("engine", config.engine, ENGINES, "distiller.engine")
        at_least("distiller.students", config.students, 1, 1)
        at_least("distiller.pool", config.pool, 1, 6)
        at_least("distiller.window", config.window, 1, 8)
        if config.truncation != "none" and config.window > config.inner_steps:
            raise TextddError(
                f"Got distiller.window={config.window} and distiller.inner_steps={config.inner_steps}: a window is no "
                f"longer than the training. Type: distiller.window={config.inner_steps}"
            )
    if isinstance(config, TrajectoryMatchingConfig):
        one_of("engine", config.engine, ENGINES, "distiller.engine")
        one_of("optimiser of experts", config.expert_optimiser, OPTIMISERS, "distiller.expert_optimiser")
        at_least("distiller.experts", config.experts, 1, 10)
        at_least("distiller.expert_batch", config.expert_batch, 1, 128)
        at_least("distiller.pace", config.pace, 1, 10)
        at_least("distiller.students", config.students, 1, 1)
        at_least("distiller.window", config.window, 0, 0)
        positive("distiller.expert_step_size", config.expert_step_size, 0.001)
        if config.window > config.inner_steps:
            raise TextddError(
                f"Got distiller.window={config.window} and distiller.inner_steps={config.inner_steps}: a window is no "
                f"longer than the training. Type: distiller.window={config.inner_steps}"
            )


def one_of(what: str, got: str, allowed: Iterable[str], key: str) -> None:
    """Raise the error for a value outside a closed list."""
    allowed = tuple(allowed)
    if got not in allowed:
        raise unknown_choice(what, got, allowed, key)


def positive(key: str, got: float, usual: float) -> None:
    """Raise the error for a number that is not positive."""
    if got <= 0:
        raise TextddError(f"Got {key}={got:g}; it must be positive. Type: {key}={usual:g}")


def at_least(key: str, got: int | None, least: int, usual: int) -> None:
    """Raise the error for a number that is too small; None is a number that was not given."""
    if got is not None and got < least:
        raise TextddError(f"Got {key}={got}; {least} or more is allowed. Type: {key}={usual}")
