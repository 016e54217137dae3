"""Hand a set of texts on: one file of texts and labels that every program reads, with a card beside it.

python -m textdd.export artifact=runs/.../artifact to=shared/set.parquet
"""

from __future__ import annotations

import sys
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from textdd import cli
from textdd.config import ExportConfig, register
from textdd.ending import ending
from textdd.errors import TextddError
from textdd.help import print_help
from textdd.quiet import quiet
from textdd.screen import announce
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.exported import check_target, export
from textdd.typed import expanded

PURPOSE = "Write a set of texts as one file (parquet, jsonl or csv), with a data card that the hub accepts."
EXAMPLES = [
    ("artifact=runs/NAME/artifact to=shared/set.parquet", "datasets.load_dataset('shared') reads the folder"),
    ("artifact=shared/set.parquet to=other/set.csv", "one format to another"),
]


def execute(config: ExportConfig) -> Path:
    """Write the file and return its path.

    Raises:
        TextddError: the set is damaged or has no texts, or the path is none for such a file.
    """
    path = expanded(config.to)
    check_target(path)
    export(DistilledSet.load(expanded(config.artifact)), path)
    return path


def composed(arguments: list[str]) -> ExportConfig:
    """Check and compose a command line.

    Raises:
        TextddError: something is wrong with it.
    """
    return cli.composed("export", arguments, ExportConfig, check)


def check(cfg: DictConfig) -> None:
    """Check that a set and a file are named."""
    for name in ("artifact", "to"):
        if OmegaConf.is_missing(cfg, name):
            raise TextddError(
                f"There is no {name}=. Type: textdd export artifact=runs/NAME/artifact to=shared/set.parquet"
            )


def main() -> None:
    """Entry point of `textdd export`."""
    arguments = sys.argv[1:]
    if any(flag in arguments for flag in cli.HELP_FLAGS):
        print_help("export", PURPOSE, EXAMPLES, "export", ["artifact=PATH", "to=FILE"])
        return
    quiet()
    with ending():
        path = execute(composed(arguments))
        announce(f"texts: {path.resolve()}")


register()

if __name__ == "__main__":
    main()
