"""What a set gives away of the texts that it was made from.

python -m textdd.trust artifact=runs/NAME/artifact data_dir=data
"""

from __future__ import annotations

import sys
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from textdd import cli
from textdd.config import TrustConfig, register
from textdd.ending import ending
from textdd.errors import TextddError
from textdd.evaluate import result_path
from textdd.help import print_help
from textdd.quiet import quiet
from textdd.record import write_json
from textdd.screen import announce
from textdd.sets.distilled_set import DistilledSet
from textdd.trainer import TrainerConfig, set_up_process
from textdd.trust.report import Result, examined
from textdd.trust.table import print_trust
from textdd.typed import expanded

PURPOSE = (
    "Say what a set gives away of its training texts, beyond what held-out texts show: matches, nearest texts, and "
    "attacks on its students beside those of random texts and of the full data."
)
EXAMPLES = [
    ("artifact=runs/NAME/artifact data_dir=data", "a set and the corpus that it was made from"),
    ("artifact=set.jsonl dataset=sst2 data_dir=data", "a file of texts and labels, from anywhere"),
    ("artifact=runs/NAME/artifact trust.against=[random]", "without students of the full data, which take minutes"),
]


def execute(config: TrustConfig) -> tuple[Path, Result]:
    """Examine a set; returns where the result lies, and the result.

    Raises:
        TextddError: the set is damaged, its corpus is not at hand, or nothing of it is held out.
    """
    set_up_process(TrainerConfig())
    place = expanded(config.artifact)
    result = examined(DistilledSet.load(place), config)
    path = result_path(place, "trust", result["corpus"]["name"])
    write_json(path, result)
    return path, result


def composed(arguments: list[str]) -> TrustConfig:
    """Check and compose a command line.

    Raises:
        TextddError: something is wrong with it.
    """
    return cli.composed("trust", arguments, TrustConfig, check)


def check(cfg: DictConfig) -> None:
    """Check that a set is named."""
    if OmegaConf.is_missing(cfg, "artifact"):
        raise TextddError("Which set? Type: textdd trust artifact=runs/NAME/artifact")


def main() -> None:
    """Entry point of `textdd trust`."""
    arguments = sys.argv[1:]
    if any(flag in arguments for flag in cli.HELP_FLAGS):
        print_help("trust", PURPOSE, EXAMPLES, "trust", ["artifact=PATH"])
        return
    quiet()
    with ending():
        path, result = execute(composed(arguments))
        print_trust(result)
        announce(f"result: {path.resolve()}")


register()

if __name__ == "__main__":
    main()
