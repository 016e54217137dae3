"""Score an artefact again: train fresh students on it and read the test texts of its corpus.

python -m textdd.evaluate artifact=runs/.../artifact data_dir=data
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import hydra
from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from rich.table import Table

from textdd import cli
from textdd.config import CONF, EvaluateConfig, register
from textdd.corpora.corpus import Corpus, load_corpus
from textdd.corpora.sources import DatasetConfig
from textdd.errors import TextddError
from textdd.evaluation.protocol import EvaluationConfig, Protocol, Result
from textdd.quiet import quiet
from textdd.record import write_json
from textdd.report.terminal import scores
from textdd.sets.distilled_set import DistilledSet
from textdd.students import STUDENTS, make_student
from textdd.trainer import TrainerConfig, set_up_process

PURPOSE = "Train fresh students on a distilled set and score them on the test texts of its corpus."
EXAMPLES = [
    ("artifact=runs/NAME/artifact", "by the set's own recipe, with hard labels, with a plain recipe"),
    ("artifact=runs/NAME/artifact model=lstm students=10 data_dir=data", "another student, plain recipe"),
]


def execute(config: EvaluateConfig) -> Path:
    """Score an artefact and return the path of the result beside it.

    Raises:
        TextddError: the artefact is damaged, or its corpus is not at hand or not the one it was made from.
    """
    set_up_process(TrainerConfig())  # rounds as runs do by default, so that it finds their figures again
    artifact = Path(config.artifact)
    distilled = DistilledSet.load(artifact)
    corpus = corpus_of(distilled, config)
    student = distilled.student()
    _, options = STUDENTS[distilled.manifest["student"]["name"]]
    model = options(**distilled.manifest["student"])
    evaluation = EvaluationConfig(students=config.students, transfer=[])
    protocol = Protocol(evaluation, student, model, corpus, distilled.vectors, config.seed)
    results: dict[str, Result]
    if config.model is None:
        result = protocol.distilled(distilled)
        results = {"own recipe": result, **result["variants"]}
    else:
        name = config.model.name
        other = make_student(config.model, distilled.x.shape[2], len(corpus.classes))
        results = {name: protocol.tuned([distilled.training_set()], f"distilled set, {name}", other)}
    table = Table(title=f"{artifact}", caption=f"test accuracy, mean ± std of {config.students} fresh students")
    for heading in ("trained by", "accuracy", "macro-F1"):
        table.add_column(heading)
    for name, scored in results.items():
        table.add_row(name.replace("_", " "), *scores(scored)[:2])
    Console().print(table)
    chosen = model if config.model is None else config.model
    path = artifact.parent / f"evaluation-{chosen.name}-{config.students}-s{config.seed}.json"
    write_json(path, {"artifact": str(artifact.resolve()), "model": dataclasses.asdict(chosen), "results": results})
    return path


def corpus_of(distilled: DistilledSet, config: EvaluateConfig) -> Corpus:
    """Load the corpus that a set was distilled from.

    Raises:
        TextddError: the corpus at hand has other content.
    """
    recorded = distilled.manifest["corpus"]
    options = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(DatasetConfig), recorded["options"]))
    assert isinstance(options, DatasetConfig)
    cache = Path(config.cache_dir).expanduser()
    corpus = load_corpus(options, config.data_dir, cache, distilled.manifest["seed"])
    if corpus.key != recorded["key"]:
        raise TextddError(
            f"The texts of {corpus.name} at hand are not those that {config.artifact} was distilled from (content "
            f"{corpus.key}, expected {recorded['key']}). Type data_dir=... with the folder that was used then."
        )
    return corpus


def check(cfg: DictConfig) -> None:
    """Check that an artefact is named."""
    if OmegaConf.is_missing(cfg, "artifact"):
        raise TextddError("Which artefact? Type: python -m textdd.evaluate artifact=runs/NAME/artifact")


def main() -> None:
    """Entry point of `python -m textdd.evaluate`."""
    arguments = sys.argv[1:]
    if any(flag in arguments for flag in cli.HELP_FLAGS):
        cli.print_help("textdd.evaluate", PURPOSE, EXAMPLES, "evaluate", ["artifact=PATH"])
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
    sys.stdout.write(f"result: {path.resolve()}\n")


register()

if __name__ == "__main__":
    main()
