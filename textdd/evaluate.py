"""Score a set again: train fresh students on it and read the test texts of its corpus.

python -m textdd.evaluate artifact=runs/.../artifact data_dir=data
"""

from __future__ import annotations

if __name__ == "__main__":  # what follows takes seconds to import, and may be stopped meanwhile
    from textdd.stopping import listen

    listen()

import dataclasses
import sys
from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf
from rich.markup import escape
from rich.table import Table

from textdd import cli
from textdd.config import EvaluateConfig, register
from textdd.ending import ending
from textdd.errors import TextddError
from textdd.evaluation.protocol import EvaluationConfig
from textdd.evaluation.summary import Result
from textdd.evaluation.writing import protocol_of
from textdd.groups import CONF
from textdd.help import print_help
from textdd.problem import Problem
from textdd.quality.overlap import check_overlap, overlap_note
from textdd.quality.report import compared
from textdd.quiet import quiet
from textdd.record import write_json
from textdd.report.measures import called
from textdd.report.terminal import scores
from textdd.screen import Console, announce
from textdd.set_problem import fitted, problem_of
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.texts import TextSet
from textdd.students.mixed import models_of
from textdd.trainer import TrainerConfig, make_trainer, set_up_process

PURPOSE = "Train fresh students on a distilled set, or on a file of texts and labels, and score them on test texts."
EXAMPLES = [
    ("artifact=runs/NAME/artifact", "by the set's own recipe, with hard labels, with a plain recipe"),
    ("artifact=runs/NAME/artifact model=lstm students=10 data_dir=data", "another student, plain recipe"),
    ("artifact=runs/NAME/artifact model=[lstm,fasttext]", "several, each by a recipe of its own where it has one"),
    ("artifact=SET_OF_TEXTS model=pretrained model.path=FOLDER", "a set of texts, which every student reads"),
    ("artifact=SET_OF_TEXTS model=causal_lm model.path=FOLDER texts=200 steps=60", "a language model, tuned less"),
    ("artifact=set.jsonl dataset=sst2 data_dir=data", "a file of texts and labels, from anywhere"),
    ("artifact=FOLDER dataset=local dataset.path=my.csv", "of your own texts, or somebody else's: say where they are"),
]


GIVEN = ("students", "texts", "step_sizes", "steps", "tuning_students", "writing")
"""Options of a comparison that are this command's own."""


def execute(config: EvaluateConfig) -> Path:
    """Score a set and return the path of the result.

    Raises:
        TextddError: the artefact is damaged, its corpus is not at hand or not the one it was made from, or the student
            reads another space than the set is in.
    """
    set_up_process(TrainerConfig())  # rounds as runs do by default, so that it finds their figures again
    artifact = Path(config.artifact)
    distilled = DistilledSet.load(artifact)
    models = models_of(config.model) if config.model is not None else models_made_for(distilled)
    results: dict[str, Result] = {}
    for model in models:
        problem, found, note = scored(distilled, model, config)
        results |= found if len(models) == 1 else {f"{model.name}, {name}": one for name, one in found.items()}
    measures = problem.task.measures
    caption = f"test {called(measures[0])}, mean ± std of {config.students} fresh students"
    table = Table(title=escape(str(artifact)), caption="; ".join(filter(None, [caption, note])))
    for heading in ("trained by", *map(called, measures)):
        table.add_column(heading)
    for name, one in results.items():
        table.add_row(name.replace("_", " "), *scores(one, measures)[: len(measures)])
    Console().print(table)
    told_apart = f"{'+'.join(model.name for model in models)}-{config.students}-s{config.seed}"
    path = result_path(artifact, "evaluation", problem.corpus.name, told_apart)
    options = [dataclasses.asdict(model) for model in models]
    write_json(
        path,
        {
            "artifact": str(artifact.resolve()),
            "model": options[0] if len(options) == 1 else options,
            "results": results,
            "overlap": note,
        },
    )
    return path


def models_made_for(distilled: DistilledSet) -> list[Any]:
    """The options of every student that a set was made for."""
    return [distilled.of(kind).model() for kind in distilled.kinds] if distilled.others else [distilled.model()]


def scored(distilled: DistilledSet, model: Any, config: EvaluateConfig) -> tuple[Problem, dict[str, Result], str]:
    """The problem of a student with a set, the results of training it, and what is to be said beside them."""
    if distilled.others and model.name in distilled.kinds:
        distilled = distilled.of(model.name)
    problem = problem_of(distilled, model, config)
    distilled, note = fitted(distilled, problem.corpus, config), ""
    if isinstance(distilled, TextSet):
        found = compared(distilled, problem.corpus)
        check_overlap(distilled, found, allowed=config.quality.allow_overlap)
        note = overlap_note(found.overlap, len(distilled))
    given = {name: getattr(config, name) for name in GIVEN}
    evaluation = EvaluationConfig(**given, transfer=[])
    device = make_trainer(TrainerConfig()).strategy.root_device
    protocol = protocol_of(evaluation, problem, device, config.seed)
    results: dict[str, Result]
    if is_its_own(problem.model, distilled) and not (isinstance(distilled, TextSet) and distilled.from_file):
        result = protocol.distilled(distilled)
        return problem, {"own recipe": result, **result["variants"]}, note
    examples = distilled.training_set(protocol.reader)
    results = {model.name: protocol.tuned([examples], f"distilled set, {model.name}")}
    if isinstance(distilled, TextSet):
        labels = distilled.text_labels.argmax(1).tolist()
        results |= protocol.in_context([list(zip(distilled.texts, labels, strict=True))])
    return problem, results, note


def result_path(artifact: Path, what: str, dataset: str, told_apart: str = "") -> Path:
    """Where the result goes: beside an artefact's folder; of a file, which may lie anywhere, into the working folder.

    Args:
        artifact: the folder or file.
        what: was done with it.
        dataset: the corpus.
        told_apart: from others of the same set and corpus.
    """
    parts = (what, told_apart) if artifact.is_dir() else (what, artifact.stem, dataset, told_apart)
    return (artifact.parent if artifact.is_dir() else Path()) / f"{'-'.join(filter(None, parts))}.json"


def is_its_own(model: Any, distilled: DistilledSet) -> bool:
    """Whether a student is the one that a set was made for, wherever it lies."""
    made_for, given = (
        {**options, "path": None, "target": None}
        for options in (distilled.manifest["student"], dataclasses.asdict(model))
    )
    return made_for == given


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
    with ending():
        arguments = sys.argv[1:] = cli.as_meant("evaluate", arguments)
        cli.check_arguments("evaluate", arguments, check)
    quiet()
    job()


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="evaluate")
def job(cfg: DictConfig) -> None:
    """One scoring."""
    config = OmegaConf.to_object(cfg)
    assert isinstance(config, EvaluateConfig)
    with ending(cache_dir=config.cache_dir, artifact=str(Path(config.artifact).parent)):
        path = execute(config)
        announce(f"result: {path.resolve()}")


register()

if __name__ == "__main__":
    main()
