"""Checks of a composed configuration that need no data, besides the range of every option: what cannot go together."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from textdd.choosing.method import TextMethodConfig
from textdd.config import RunConfig
from textdd.corpora.budget import check_kind_of_size
from textdd.corpora.sources import check_config
from textdd.distillers import DISTILLERS
from textdd.distillers.project import ProjectConfig
from textdd.errors import TextddError
from textdd.outer.chain import ChainConfig, Stage, stages_of
from textdd.outer.config import DistillerConfig
from textdd.outer.nested import check_nested
from textdd.private import check_private
from textdd.quality.perplexity import check_language_model
from textdd.sets.manifest import files_of
from textdd.sets.parametrisations import OF_WORDS
from textdd.students import NETWORKS, STUDENTS
from textdd.students.mixed import MixedConfig, models_of
from textdd.students.size import check_size


def check(run: RunConfig) -> None:
    """Check a configuration, every option of which is within its range, before any data is read.

    Raises:
        TextddError: two values exclude each other, or what they name is not there.
    """
    if run.budget is not None and run.per_class is not None:
        raise TextddError(
            f"Got budget={run.budget:g} and per_class={run.per_class}: give one of them. "
            f"Type: per_class={run.per_class}"
        )
    if run.budget is not None and run.pairs is not None:
        raise TextddError(f"Got budget={run.budget:g} and pairs={run.pairs}: give one of them. Type: pairs={run.pairs}")
    check_kind_of_size(run.per_class, run.pairs, written=run.dataset.target is not None)
    check_model(run)
    check_config(run.dataset)
    if run.logger.tensorboard and find_spec("tensorboard") is None:
        raise TextddError(
            "Got logger=tensorboard, but tensorboard is not installed. Type: pip install 'textdd[tensorboard]'"
        )
    if run.quality.language_model is not None:
        check_language_model(run.quality.language_model)
    if run.distiller.warm_start is not None:
        files_of(Path(run.distiller.warm_start))
    check_private(run)
    if isinstance(run.distiller, ChainConfig):
        check_chain(run.distiller)
    else:
        check_method(run.distiller)
        check_nested(getattr(run.distiller, "nested", []), run.per_class)
    first = stages_of(run.distiller)[0]
    if isinstance(first, ProjectConfig) and first.warm_start is None:
        raise TextddError(
            "Got distiller=project without matrices to turn into words. Type: distiller=chain "
            "distiller.stages=[meta_gradient,project], or distiller.warm_start=ARTEFACT of a run"
        )


def check_model(run: RunConfig) -> None:
    """Check the student, or the students that take turns."""
    if hasattr(run.model, "check"):
        run.model.check()
    for model in models_of(run.model):
        if model.name in NETWORKS:  # what it has at least; the words and classes of the corpus are not known yet
            dimension = 1 if run.embedding.name == "glove" else run.embedding.dimension
            check_size(STUDENTS[model.name][0], model, dimension, 2)
    if isinstance(run.model, MixedConfig):
        check_turns(run.model, stages_of(run.distiller))


def check_turns(model: MixedConfig, stages: Sequence[Stage]) -> None:
    """Check that students of several kinds can take turns in every stage.

    Raises:
        TextddError: a method looks at one student.
    """
    able = [name for name, (method, _) in DISTILLERS.items() if method.mixes]
    for stage in stages:
        if stage.name not in able:
            raise TextddError(
                f"Got model=[{','.join(model.kinds)}] and distiller={stage.name}, which looks at one student. These "
                f"take several in turn: {', '.join(able)}. Type: model={model.kinds[0]}"
            )


def check_chain(config: ChainConfig) -> None:
    """Check that the stages of a chain go together, and the options of each."""
    learned = [options for options in config.options.values() if isinstance(options, DistillerConfig)]
    for name, options in config.options.items():
        key = f"distiller.options.{name}"
        if options.name != name:
            raise TextddError(f"Got {key}.name={options.name}; a stage is its method. Type: {key}.name={name}")
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
    """Check that a method's options go together: there is something to learn, and it has a gradient for all of it."""
    config.check()
    if isinstance(config, TextMethodConfig | ProjectConfig):
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
