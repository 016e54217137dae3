"""Score an artefact again: train fresh students on it and read the test texts of its corpus.

python -m textdd.evaluate artifact=runs/.../artifact data_dir=data
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any, TypeVar

import hydra
from omegaconf import DictConfig, OmegaConf
from rich.markup import escape
from rich.table import Table

from textdd import cli
from textdd.config import EvaluateConfig, register
from textdd.corpora.corpus import Corpus, load_corpus
from textdd.corpora.sources import DatasetConfig
from textdd.errors import TextddError
from textdd.evaluation.protocol import EvaluationConfig, Protocol, Result
from textdd.groups import CONF
from textdd.help import print_help
from textdd.prepare import space_for
from textdd.problem import Problem
from textdd.quiet import quiet
from textdd.record import write_json
from textdd.recorded import rebuilt, within_ranges
from textdd.report.measures import called
from textdd.report.terminal import scores
from textdd.screen import Console, tell
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.manifest import AGAIN
from textdd.sets.matrices import MatrixSet
from textdd.spaces.space import Space
from textdd.spaces.store import TokenStore
from textdd.spaces.vectors import EmbeddingConfig
from textdd.spaces.words import stores_of
from textdd.students import make_student
from textdd.trainer import TrainerConfig, make_trainer, set_up_process

T = TypeVar("T")

PURPOSE = "Train fresh students on a distilled set and score them on the test texts of its corpus."
EXAMPLES = [
    ("artifact=runs/NAME/artifact", "by the set's own recipe, with hard labels, with a plain recipe"),
    ("artifact=runs/NAME/artifact model=lstm students=10 data_dir=data", "another student, plain recipe"),
    ("artifact=SET_OF_TEXTS model=pretrained model.path=FOLDER", "a set of texts, which every student reads"),
    (
        "artifact=FOLDER dataset=local dataset.path=my.csv",
        "of your own texts, or somebody else's: say where they are",
    ),
]


def execute(config: EvaluateConfig) -> Path:
    """Score an artefact and return the path of the result beside it.

    Raises:
        TextddError: the artefact is damaged, its corpus is not at hand or not the one it was made from, or the student
            reads another space than the set is in.
    """
    set_up_process(TrainerConfig())  # rounds as runs do by default, so that it finds their figures again
    artifact = Path(config.artifact)
    distilled = DistilledSet.load(artifact)
    model = distilled.model() if config.model is None else config.model
    problem = problem_of(distilled, model, config)
    evaluation = EvaluationConfig(students=config.students, transfer=[])
    device = make_trainer(TrainerConfig()).strategy.root_device
    protocol = Protocol(evaluation, problem, device, config.seed)
    results: dict[str, Result]
    if is_its_own(model, distilled):
        result = protocol.distilled(distilled)
        results = {"own recipe": result, **result["variants"]}
    else:
        examples = distilled.training_set(protocol.reader)
        results = {model.name: protocol.tuned([examples], f"distilled set, {model.name}")}
    measures = problem.task.measures
    caption = f"test {called(measures[0])}, mean ± std of {config.students} fresh students"
    table = Table(title=escape(str(artifact)), caption=caption)
    for heading in ("trained by", *map(called, measures)):
        table.add_column(heading)
    for name, scored in results.items():
        table.add_row(name.replace("_", " "), *scores(scored, measures)[: len(measures)])
    Console().print(table)
    path = artifact.parent / f"evaluation-{model.name}-{config.students}-s{config.seed}.json"
    write_json(path, {"artifact": str(artifact.resolve()), "model": dataclasses.asdict(model), "results": results})
    return path


def problem_of(distilled: DistilledSet, model: Any, config: EvaluateConfig) -> Problem:
    """The problem that a set was made for, with any student that can read it.

    Raises:
        TextddError: its corpus is not at hand, or the student reads another space.
    """
    manifest, cache = distilled.manifest, Path(config.cache_dir).expanduser()
    corpus, dataset = corpus_of(distilled, config, cache)
    seed = manifest["seed"]
    space: Space
    stores: dict[Path, TokenStore]
    if isinstance(distilled, MatrixSet) and distilled.words_space is not None and model.name != "pretrained":
        space = distilled.words_space
        stores = stores_of(space, corpus, dataset.vocabulary, cache)
    else:
        embedding = dataclasses.replace(recorded(EmbeddingConfig, manifest["embedding"], "embedding"), path=None)
        dataset.length = manifest["length"] if isinstance(distilled, MatrixSet) else dataset.length
        space, stores = space_for(model, embedding, dataset, corpus, config.data_dir, cache, seed)
    student = make_student(model, space.dimension, corpus.task)
    per_class = manifest["per_class"]
    share = per_class * len(corpus.classes) / corpus.train_rows
    return Problem(corpus, space, stores, student, model, per_class, share, seed, cache)


def is_its_own(model: Any, distilled: DistilledSet) -> bool:
    """Whether a student is the one that a set was made for, wherever it lies."""
    made_for, given = (
        {**options, "path": None, "target": None}
        for options in (distilled.manifest["student"], dataclasses.asdict(model))
    )
    return made_for == given


def corpus_of(distilled: DistilledSet, config: EvaluateConfig, cache: Path) -> tuple[Corpus, DatasetConfig]:
    """Load the corpus that a set was distilled from: the one that is given, or what `data_dir` has under its name.

    Raises:
        TextddError: it is not at hand, or has other content.
    """
    manifest = distilled.manifest
    if "corpus" not in manifest or "seed" not in manifest:
        raise TextddError(f"{config.artifact} does not say what it was made of, so it has no test texts. Distil again.")
    options = config.dataset or without_places(recorded(DatasetConfig, manifest["corpus"]["options"], "corpus.options"))
    try:
        corpus = load_corpus(options, config.data_dir, cache, manifest["seed"])
    except TextddError as error:
        if config.dataset is not None:
            raise
        raise TextddError(
            f"{error} Or say which texts {config.artifact} is to be scored on, since it opens none by itself: "
            f"dataset={options.name}, or dataset=local dataset.path=/your/texts.csv"
        ) from error
    # Version 0.3 made its keys otherwise.
    if manifest["format"] > 2 and corpus.key != manifest["corpus"]["key"]:
        raise TextddError(
            f"The texts of {corpus.name} at hand are not those that {config.artifact} was distilled from (content "
            f"{corpus.key}, expected {manifest['corpus']['key']}). Type data_dir=... with the folder that was used "
            "then, or dataset=... with the same options."
        )
    if (corpus.classes, corpus.task) != (distilled.classes, distilled.task):
        raise TextddError(
            f"{corpus.name} has other classes than {config.artifact}: {', '.join(corpus.classes[:5])} ... in place of "
            f"{', '.join(distilled.classes[:5])} ... Type dataset=... with the corpus that it was made of."
        )
    return corpus, options


def recorded(kind: type[T], options: dict[str, Any], where: str) -> T:
    """Options as an artefact records them; what this version does not know is left out.

    Raises:
        TextddError: one is of another kind than it must be.
    """
    try:
        return within_ranges(rebuilt(kind, options, where, strict=False), where)
    except ValueError as error:
        raise TextddError(f"The artefact's manifest.json is not what textdd writes: {error}. {AGAIN}") from error


def without_places(options: DatasetConfig) -> DatasetConfig:
    """Options that name no file and no address; nor does the name of the corpus lead out of `data_dir`.

    Raises:
        TextddError: it does.
    """
    if Path(options.name).name != options.name:
        raise TextddError(f"The artefact calls its corpus {options.name!r}, which is no name. {AGAIN}")
    return dataclasses.replace(options, path=None, test_path=None, hub=None)


def check(cfg: DictConfig) -> None:
    """Check that an artefact is named."""
    if OmegaConf.is_missing(cfg, "artifact"):
        raise TextddError("Which artefact? Type: python -m textdd.evaluate artifact=runs/NAME/artifact")


def main() -> None:
    """Entry point of `python -m textdd.evaluate`."""
    arguments = sys.argv[1:]
    if any(flag in arguments for flag in cli.HELP_FLAGS):
        print_help("evaluate", PURPOSE, EXAMPLES, "evaluate", ["artifact=PATH"])
        return
    try:
        cli.check_arguments("evaluate", arguments, check)
    except TextddError as error:
        cli.exit_with(error)
    quiet()
    job()


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="evaluate")
def job(cfg: DictConfig) -> None:
    """One scoring."""
    config = OmegaConf.to_object(cfg)
    assert isinstance(config, EvaluateConfig)
    try:
        path = execute(config)
    except TextddError as error:
        cli.exit_with(error)
    tell(f"result: {path.resolve()}")


register()

if __name__ == "__main__":
    main()
