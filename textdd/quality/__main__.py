"""What a set of texts is like, and each text beside the nearest real one.

python -m textdd.quality artifact=set.jsonl dataset=sst2 data_dir=data
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from textdd import cli
from textdd.config import ExamineConfig, RunConfig, register
from textdd.ending import ending
from textdd.errors import TextddError
from textdd.evaluate import result_path
from textdd.help import print_help
from textdd.outer.materials import Materials
from textdd.outer.teacher import train_teacher
from textdd.prepare import materials_folder
from textdd.quality.agreement import agreement
from textdd.quality.perplexity import check_language_model
from textdd.quality.report import examined
from textdd.quiet import quiet
from textdd.record import write_json
from textdd.report.texts import print_quality
from textdd.screen import announce
from textdd.set_problem import corpus_of, fitted, problem_of
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.texts import TextSet
from textdd.trainer import TrainerConfig, make_trainer, set_up_process
from textdd.typed import expanded

PURPOSE = (
    "Say what a set of texts is like: size, variety, duplicates, copies, overlap, and what a teacher says of labels."
)
EXAMPLES = [
    ("artifact=runs/NAME/artifact", "a set and the corpus that it was made from"),
    ("artifact=set.jsonl dataset=sst2 data_dir=data", "a file of texts and labels, against any corpus"),
    ("artifact=set.csv dataset=sst2 teacher=false quality.language_model=FOLDER", "perplexity, and no teacher"),
]


def execute(config: ExamineConfig) -> Path:
    """Examine a set, print what was found, and return the path of the result.

    Raises:
        TextddError: the set is damaged or has no texts, or its corpus or the language model is not at hand.
    """
    set_up_process(TrainerConfig())
    place = expanded(config.artifact)
    distilled = DistilledSet.load(place)
    if not isinstance(distilled, TextSet):
        raise TextddError(
            f"{place} holds matrices of numbers, which have no words. Allowed: a set of texts. Type: textdd report "
            "runs=runs, whose page has the words nearest to them"
        )
    corpus, _ = corpus_of(distilled, config, expanded(config.cache_dir))
    texts = fitted(distilled, corpus, config)
    assert isinstance(texts, TextSet)
    result = examined(texts, corpus, config.quality, measured=False)
    asked = config.teacher and texts.task.name != "generation"  # a response is no label that a teacher might give
    result["teacher_agreement"] = teachers_opinion(texts, config) if asked else None
    print_quality(result, result["teacher_agreement"])
    path = result_path(place, "quality", corpus.name)
    write_json(path, result)
    return path


def teachers_opinion(distilled: TextSet, config: ExamineConfig) -> float:
    """How often a teacher agrees with the labels; it is trained once for a corpus and a student, and kept."""
    model: Any = distilled.model() if config.model is None else config.model
    problem = problem_of(distilled, model, config)
    run = RunConfig(seed=problem.seed, dataset=config.dataset or RunConfig().dataset, model=model)
    make = partial(make_trainer, TrainerConfig(), alone=True)
    teacher, _ = train_teacher(Materials(problem, materials_folder(run, problem), make), problem.seed)
    return agreement(distilled, problem.reader(), teacher.theta)


def composed(arguments: list[str]) -> ExamineConfig:
    """Check and compose a command line.

    Raises:
        TextddError: something is wrong with it.
    """
    return cli.composed("quality", arguments, ExamineConfig, check)


def check(cfg: DictConfig) -> None:
    """Check that a set is named, and that a language model can be asked for."""
    if OmegaConf.is_missing(cfg, "artifact"):
        raise TextddError("Which set of texts? Type: textdd quality artifact=runs/NAME/artifact")
    if cfg.quality.language_model is not None:
        check_language_model(cfg.quality.language_model)


def main() -> None:
    """Entry point of `textdd quality`."""
    arguments = sys.argv[1:]
    if any(flag in arguments for flag in cli.HELP_FLAGS):
        print_help("quality", PURPOSE, EXAMPLES, "quality", ["artifact=PATH"])
        return
    quiet()
    with ending():
        path = execute(composed(arguments))
        announce(f"result: {path.resolve()}")


register()

if __name__ == "__main__":
    main()
