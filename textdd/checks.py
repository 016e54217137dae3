"""Checks of a composed configuration that need no data: closed lists, ranges, and combinations that cannot work."""

from __future__ import annotations

from collections.abc import Iterable

from textdd.config import RunConfig
from textdd.data.vectors import EMBEDDINGS
from textdd.distillers import (
    DISTILLERS,
    GRADIENTS,
    STARTS,
    TRUNCATIONS,
    DistillerConfig,
    GradientMatchingConfig,
    KernelRidgeConfig,
    MetaGradientConfig,
    PooledConfig,
)
from textdd.errors import TextddError, unknown_choice
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
    check_distiller(run.distiller)


def check_distiller(config: DistillerConfig) -> None:
    """Check the options of a distiller."""
    one_of("distiller", config.name, DISTILLERS, "distiller")
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
    if config.step_size <= 0:
        raise TextddError(
            f"Got distiller.step_size={config.step_size:g}; it must be positive. Type: distiller.step_size=0.01"
        )
    if not 0 < config.confidence < 1:
        raise TextddError(
            f"Got distiller.confidence={config.confidence:g}; it lies between 0 and 1. Type: distiller.confidence=0.9"
        )
    if not 0 <= config.averaging < 1:
        raise TextddError(
            f"Got distiller.averaging={config.averaging:g}; it lies in [0, 1). Type: distiller.averaging=0.99"
        )
    check_learned(config)
    check_method(config)


def check_method(config: DistillerConfig) -> None:
    """Check the options that only some methods have."""
    if isinstance(config, PooledConfig):
        at_least("distiller.pool", config.pool, 1, 6)
        at_least("distiller.oldest", config.oldest, 0, 0)
    if isinstance(config, KernelRidgeConfig | GradientMatchingConfig):
        at_least("distiller.online_steps", config.online_steps, 1, 1)
        if config.online_steps > config.inner_steps:
            raise TextddError(
                f"Got distiller.online_steps={config.online_steps} and distiller.inner_steps={config.inner_steps}: no "
                f"student is trained for longer. Type: distiller.online_steps={config.inner_steps}"
            )
    if isinstance(config, KernelRidgeConfig) and config.regularisation <= 0:
        raise TextddError(
            f"Got distiller.regularisation={config.regularisation:g}; it must be positive. "
            "Type: distiller.regularisation=0.1"
        )
    if isinstance(config, GradientMatchingConfig):
        one_of("gradient", config.gradient, GRADIENTS, "distiller.gradient")
    if isinstance(config, MetaGradientConfig):
        one_of("truncation", config.truncation, TRUNCATIONS, "distiller.truncation")
        one_of("engine", config.engine, ENGINES, "distiller.engine")
        at_least("distiller.students", config.students, 1, 1)
        at_least("distiller.window", config.window, 1, 8)
        if config.truncation != "none" and config.window > config.inner_steps:
            raise TextddError(
                f"Got distiller.window={config.window} and distiller.inner_steps={config.inner_steps}: a window is no "
                f"longer than the training. Type: distiller.window={config.inner_steps}"
            )


def check_learned(config: DistillerConfig) -> None:
    """Check that a method has a gradient for all that shall be learned."""
    method, _ = DISTILLERS[config.name]
    if config.learn_step_sizes and "step_sizes" not in method.learnable:
        raise TextddError(
            f"Got distiller.learn_step_sizes=true; distiller={config.name} differentiates no training, so it has no "
            "gradient for step sizes. Type: distiller.learn_step_sizes=false"
        )
    if config.labels == "soft" and "labels" not in method.learnable:
        raise TextddError(
            f"Got distiller.labels=soft; distiller={config.name} compares texts alone, so it has no gradient for "
            "labels. Type: distiller.labels=hard"
        )


def one_of(what: str, got: str, allowed: Iterable[str], key: str) -> None:
    """Raise the error for a value outside a closed list."""
    allowed = tuple(allowed)
    if got not in allowed:
        raise unknown_choice(what, got, allowed, key)


def at_least(key: str, got: int | None, least: int, usual: int) -> None:
    """Raise the error for a number that is too small; None is a number that was not given."""
    if got is not None and got < least:
        raise TextddError(f"Got {key}={got}; {least} or more is allowed. Type: {key}={usual}")
