"""Checks of a composed configuration that need no data: closed lists, ranges, and combinations that cannot work."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from textdd.allowed import all_of, at_least, one_of, positive
from textdd.choosing.method import TextMethodConfig
from textdd.config import RunConfig
from textdd.corpora.sources import check_config
from textdd.distillers import DISTILLERS, OPTIONS
from textdd.errors import TextddError, nearest_first
from textdd.outer.chain import ChainConfig, Stage
from textdd.outer.nested import check_nested
from textdd.quality.perplexity import check_language_model
from textdd.selectors import SELECTORS
from textdd.sets.manifest import files_of
from textdd.sets.parametrisations import OF_WORDS
from textdd.spaces.vectors import EMBEDDINGS
from textdd.students import STUDENTS
from textdd.training.side_by_side import CHOICES

PRECISIONS = ("32-true", "bf16-mixed", "16-mixed", "64-true")
PRODUCTS = ("highest", "high", "medium")


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
    one_of("way of training several students", run.evaluation.side_by_side, CHOICES, "evaluation.side_by_side")
    one_of("precision", run.trainer.precision, PRECISIONS, "trainer.precision")
    one_of("precision of matrix products", run.trainer.matmul, PRODUCTS, "trainer.matmul")
    one_of("embedding", run.embedding.name, EMBEDDINGS, "embedding")
    if hasattr(run.model, "check"):
        run.model.check()
    check_config(run.dataset)
    all_of("selector", run.evaluation.selectors, SELECTORS, "evaluation.selectors")
    all_of("student", run.evaluation.transfer, STUDENTS, "evaluation.transfer")
    if run.logger.tensorboard and find_spec("tensorboard") is None:
        raise TextddError(
            "Got logger=tensorboard, but tensorboard is not installed. Type: pip install 'textdd[tensorboard]'"
        )
    if run.quality.language_model is not None:
        check_language_model(run.quality.language_model)
    if run.distiller.warm_start is not None:
        files_of(Path(run.distiller.warm_start))
    if isinstance(run.distiller, ChainConfig):
        check_chain(run.distiller)
    else:
        check_method(run.distiller)
        check_nested(getattr(run.distiller, "nested", []), run.per_class)


def check_chain(config: ChainConfig) -> None:
    """Check the stages of a chain, and the options of each."""
    if not config.stages:
        raise TextddError("Got distiller.stages=[]; a chain has a stage. Type: distiller.stages=[meta_gradient]")
    for i, name in enumerate(config.stages):
        if name not in config.options:
            best = nearest_first(name, OPTIONS)
            mended = [*config.stages[:i], best[0], *config.stages[i + 1 :]]
            raise TextddError(
                f"Unknown stage {name!r}. Allowed (nearest first): {', '.join(best)}. "
                f"Type: distiller.stages=[{','.join(mended)}]"
            )
    positive("distiller.minutes", config.minutes, 4)
    learned = [options for options in config.options.values() if not isinstance(options, TextMethodConfig)]
    for name, options in config.options.items():
        key = f"distiller.options.{name}"
        try:
            check_method(options)
        except TextddError as error:  # it speaks of a method alone, whose options have shorter names
            raise TextddError(str(error).replace("distiller.", f"{key}.")) from error
        if options.warm_start is not None:
            raise TextddError(
                f"Got {key}.warm_start; the first stage alone starts from another run's set. "
                f"Type: distiller.warm_start={options.warm_start}"
            )
        if options in learned and options.length != learned[0].length:
            first = learned[0]
            raise TextddError(
                f"Got {key}.length={options.length} and distiller.options.{first.name}.length={first.length}: all "
                f"stages have texts of one length. Type: {key}.length={first.length}"
            )


def check_method(config: Stage) -> None:
    """Check a method's options, that there is something to learn, and that it has a gradient for all of it."""
    one_of("distiller", config.name, OPTIONS, "distiller")
    config.check()
    if isinstance(config, TextMethodConfig):
        return
    method, _ = DISTILLERS[config.name]
    if config.parametrisation in OF_WORDS and config.start == "noise":
        raise TextddError(
            f"Got distiller.parametrisation={config.parametrisation} and distiller.start=noise: noise has no words. "
            "Type: distiller.start=real"
        )
    if config.parametrisation == "real" and config.labels != "soft" and not config.learn_step_sizes:
        raise TextddError(
            f"Got distiller.parametrisation=real, distiller.labels={config.labels} and "
            "distiller.learn_step_sizes=false: nothing is left to learn. Type: distiller.labels=soft"
        )
    if config.parametrisation == "real" and config.pieces > 1:
        raise TextddError(
            f"Got distiller.parametrisation=real and distiller.pieces={config.pieces}: real texts stay as they are. "
            "Type: distiller.pieces=1"
        )
    if config.nested and not method.nests:
        able = ", ".join(name for name, (other, _) in DISTILLERS.items() if other.nests)
        raise TextddError(
            f"Got distiller.nested with distiller={config.name}, which makes no nested sets; these do: {able}. "
            "Type: distiller.nested=[]"
        )
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
