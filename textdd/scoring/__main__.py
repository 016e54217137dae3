"""What the sets of a method are worth, beside baselines that are tuned as they are.

python -m textdd.score set=sets/ dataset=sst2 data_dir=data
"""

from __future__ import annotations

import sys
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from textdd import cli
from textdd.config import ScoreConfig, register
from textdd.corpora.sources import check_config
from textdd.ending import ending
from textdd.errors import TextddError
from textdd.help import print_help
from textdd.places import check_place, in_places
from textdd.quiet import quiet
from textdd.scoring.given import sets_at
from textdd.scoring.score import Result, scored
from textdd.scoring.table import print_scores
from textdd.screen import announce
from textdd.students.bodies import BODIES
from textdd.typed import expanded

PURPOSE = (
    "Score any sets of labelled examples: students trained on them beside random, herding and k-means, tuned alike."
)
EXAMPLES = [
    ("set=set.csv dataset=sst2 data_dir=data", "a file of texts and labels, from anywhere"),
    ("set=runs/NAME/artifact dataset=ag_news data_dir=data score.students=[textcnn,lstm]", "an artefact"),
    ("set=dilm/dpc_5 dataset=sst2 score.sets=3", "the first three of a folder of sets of one method"),
    (
        "set=set.csv dataset=sst2 score.students=[textcnn,pretrained] model.pretrained.path=FOLDER",
        "several students, with options of each",
    ),
    ("set=set.csv dataset=sst2 score.entry=experiments/leaderboard/sst2-mine.json", "a row of the leaderboard"),
]


def execute(config: ScoreConfig) -> tuple[Path, Result]:
    """Score the sets at a path; returns where the result lies, and the result.

    Raises:
        TextddError: something about the sets, the corpus or a student has to be mended by the user.
    """
    sets = sets_at(expanded(config.set), config.score.sets)
    with in_places(output_dir=config.output_dir, cache_dir=config.cache_dir):
        check_place("output_dir", config.output_dir)
        return scored(config, sets)


def composed(arguments: list[str]) -> ScoreConfig:
    """Check and compose a command line.

    Raises:
        TextddError: something is wrong with it.
    """
    config = cli.composed("score", arguments, ScoreConfig, check)
    if "custom" in config.score.students:
        config.model.custom.check()  # it notes what the file of the class holds
    return config


def check(cfg: DictConfig) -> None:
    """Check what has to be named, before anything is read."""
    if OmegaConf.is_missing(cfg, "set"):
        raise TextddError("Which set? Type: textdd score set=PATH dataset=NAME")
    config = OmegaConf.to_object(cfg)
    assert isinstance(config, ScoreConfig)
    if config.dataset is None:
        raise TextddError(f"Whose test texts are to be read? Type: textdd score set={config.set} dataset=NAME")
    check_config(config.dataset)
    students = config.score.students
    if len(set(students)) < len(students):
        once = ",".join(dict.fromkeys(students))
        raise TextddError(
            f"Got score.students=[{','.join(students)}], one of them twice. Type: score.students=[{once}]"
        )
    for name in BODIES:
        if name in students and getattr(config.model, name).path is None:
            raise TextddError(
                f"Got score.students with {name}, and no model. Type: model.{name}.path=FOLDER, or its id on the hub"
            )
    if config.score.entry is not None and Path(config.score.entry).suffix != ".json":
        raise TextddError(
            f"Got score.entry={config.score.entry}; an entry is a .json file. Type: "
            f"score.entry={Path(config.score.entry).with_suffix('.json')}"
        )


def main() -> None:
    """Entry point of `textdd score`."""
    arguments = sys.argv[1:]
    if any(flag in arguments for flag in cli.HELP_FLAGS):
        print_help("score", PURPOSE, EXAMPLES, "score", ["set=PATH"])
        return
    quiet()
    with ending():
        config = composed(arguments)
        path, result = execute(config)
        print_scores(result)
        if config.score.entry is not None:
            announce(f"entry: {expanded(config.score.entry).resolve()}")
        announce(f"result: {path.resolve()}")


register()

if __name__ == "__main__":
    main()
