"""Many results -> tables, figures and a page to look at.

python -m textdd.report runs=runs
"""

from __future__ import annotations

if __name__ == "__main__":  # what follows takes seconds to import, and may be stopped meanwhile
    from textdd.stopping import listen

    listen()

import sys
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from textdd import cli
from textdd.config import ReportConfig, register
from textdd.ending import ending
from textdd.errors import TextddError
from textdd.help import print_help
from textdd.places import in_places
from textdd.report.page import write_report
from textdd.report.results import RESULT, find
from textdd.screen import announce
from textdd.typed import expanded

PURPOSE = "Make tables, figures and one page to look at from the results of runs, without any network."
EXAMPLES = [
    ("runs=runs", "all runs in a folder; the page is runs/report/index.html"),
    ("runs=[runs,more/runs] out=report", "several folders, and where to write"),
    ("runs=runs/NAME", "one run"),
]


def execute(config: ReportConfig) -> Path:
    """Write a report and return the path of its page.

    Raises:
        TextddError: there are no runs where they should be.
    """
    places = [expanded(str(place)) for place in as_list(config.runs)]
    found = find(places)
    out = beside(places[0]) if config.out is None else expanded(config.out)
    with in_places(out=str(out)):
        return write_report(found, out)


def as_list(runs: object) -> list[object]:
    """One place, or several."""
    return runs if isinstance(runs, list) else [runs]


def beside(place: Path) -> Path:
    """The folder `report/` beside run folders."""
    is_run = place.is_file() or (place / RESULT).exists()
    return (place.parent if is_run else place) / "report"


def composed(arguments: list[str]) -> ReportConfig:
    """Check and compose a command line.

    Raises:
        TextddError: something is wrong with it.
    """
    return cli.composed("report", arguments, ReportConfig, check)


def check(cfg: DictConfig) -> None:
    """Check that runs are named."""
    if OmegaConf.is_missing(cfg, "runs"):
        raise TextddError("Which runs? Type: python -m textdd.report runs=runs")


def main() -> None:
    """Entry point of `python -m textdd.report`."""
    arguments = sys.argv[1:]
    if any(flag in arguments for flag in cli.HELP_FLAGS):
        print_help("report", PURPOSE, EXAMPLES, "report", ["runs=PATH"])
        return
    with ending():
        page = execute(composed(arguments))
        announce(f"report: {page.resolve()}")


register()

if __name__ == "__main__":
    main()
