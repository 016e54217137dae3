"""A Weights & Biases report that compares distilled vs random vs full over all runs of a project.

python -m textdd.dashboard entity=my-team project=textdd
"""

from __future__ import annotations

if __name__ == "__main__":  # what follows takes seconds to import, and may be stopped meanwhile
    from textdd.stopping import listen

    listen()

import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import hydra
from omegaconf import DictConfig, OmegaConf

from textdd import cli
from textdd.config import DashboardConfig, register
from textdd.ending import ending
from textdd.errors import TextddError
from textdd.groups import CONF
from textdd.help import print_help
from textdd.quiet import quiet
from textdd.record import write_bytes
from textdd.screen import announce

if TYPE_CHECKING:
    import wandb_workspaces.reports.v2 as wr

PURPOSE = "Make a W&B report that compares distilled vs random vs full over all runs of a project."
EXAMPLES = [
    ("entity=my-team", "publish it for the runs in the project textdd"),
    ("entity=my-team project=mine offline=true", "write what would be sent to dashboard.json instead"),
]


def build(config: DashboardConfig) -> wr.Report:
    """Build the report; nothing is sent.

    One line or bar stands for a corpus, a size and a method, and is the mean and spread over the runs that share these.
    """
    import wandb_workspaces.reports.v2 as wr

    # Without a project of its own a set of runs is that of the report, and no server is asked for it.
    runs = wr.Runset(
        name="corpus, examples per class, method",
        groupby=["config.dataset.name", "config.per_class", "config.method"],
    )
    over_runs = {"groupby_aggfunc": "mean", "groupby_rangefunc": "stddev"}
    curves = wr.LinePlot(
        title="a student's validation accuracy against training steps",
        x=wr.Metric("student/step"),
        y=[wr.Metric("student/validation_accuracy")],
        log_x=True,
        title_x="training steps of the student",
        layout=wr.Layout(w=24, h=10),
        **over_runs,
    )
    bars = [
        wr.BarPlot(title=title, metrics=[wr.SummaryMetric(name)], layout=wr.Layout(w=8, h=8), **over_runs)
        for name, title in (
            ("test/accuracy", "test accuracy"),
            ("recovery", "recovery: share of the full data's accuracy"),
            ("bytes", "bytes stored"),
        )
    ]
    sizes = wr.ScatterPlot(
        title="test accuracy against the size of the set",
        x=wr.Config("budget"),
        y=wr.SummaryMetric("test/accuracy"),
        log_x=True,
        layout=wr.Layout(w=12, h=8),
    )
    seconds = wr.ScatterPlot(
        title="test accuracy against seconds of work",
        x=wr.SummaryMetric("seconds"),
        y=wr.SummaryMetric("test/accuracy"),
        log_x=True,
        layout=wr.Layout(w=12, h=8),
    )
    distilling = wr.LinePlot(
        title="validation accuracy while distilling",
        x=wr.Metric("trainer/global_step"),
        y=[wr.Metric("validation/accuracy")],
        title_x="outer steps",
        layout=wr.Layout(w=24, h=8),
        **over_runs,
    )
    return wr.Report(
        entity=config.entity or "",
        project=config.project,
        title=config.title,
        description="Made by textdd: what students learn from distilled texts, from random ones and from all of them.",
        width="fluid",
        blocks=[
            wr.H1("Distilled vs random vs full"),
            wr.P("Every method is a run of its own; the runs of one configuration are a group."),
            wr.PanelGrid(runsets=[runs], panels=[curves, *bars, sizes, seconds]),
            wr.H1("While distilling"),
            wr.PanelGrid(runsets=[runs], panels=[distilling]),
        ],
    )


def specification(report: wr.Report) -> str:
    """What W&B would be sent, as JSON, checked by building the panels from it again.

    Raises:
        ValueError: other panels came out.
    """
    import wandb_workspaces.reports.v2 as wr
    from wandb_workspaces.reports.v2.internal import ReportViewspec

    def panels(some: wr.Report) -> list[wr.interface.Panel]:
        return [panel for block in some.blocks if isinstance(block, wr.PanelGrid) for panel in block.panels]

    content: str = report._to_model().model_dump_json(by_alias=True, exclude_none=True, indent=1)
    if panels(wr.Report._from_model(ReportViewspec.model_validate_json(content))) != panels(report):
        raise ValueError("The panels of the report do not survive being read back from its specification.")
    return content


def check(cfg: DictConfig) -> None:
    """Check that the report has a place to go, and that what builds it is installed."""
    try:
        version("wandb-workspaces")
    except PackageNotFoundError as error:
        raise TextddError("The dashboard needs wandb-workspaces. Type: pip install 'textdd[dashboard]'") from error
    if cfg.entity is None and not cfg.offline:
        raise TextddError("Whose report? Type: entity=my-team, or offline=true to write it to a file.")


def execute(config: DashboardConfig) -> str:
    """Publish the report and return its address; offline or without a key, write it to a file and return its path."""
    from textdd.loggers.server import has_key

    report = build(config)
    content = specification(report)
    if not config.offline and has_key():
        return str(report.save().url)
    if not config.offline:
        sys.stderr.write("No W&B key: set WANDB_API_KEY, or type: wandb login. The report goes to a file.\n")
    path = Path(config.file)
    write_bytes(path, content.encode())
    return str(path.resolve())


def main() -> None:
    """Entry point of `python -m textdd.dashboard`."""
    arguments = sys.argv[1:]
    if any(flag in arguments for flag in cli.HELP_FLAGS):
        print_help("dashboard", PURPOSE, EXAMPLES, "dashboard", [])
        return
    with ending():
        arguments = sys.argv[1:] = cli.as_meant("dashboard", arguments)
        cli.check_arguments("dashboard", arguments, check)
    quiet()
    job()


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="dashboard")
def job(cfg: DictConfig) -> None:
    """One report."""
    config = OmegaConf.to_object(cfg)
    assert isinstance(config, DashboardConfig)
    with ending(file=config.file):
        announce(f"report: {execute(config)}")


register()

if __name__ == "__main__":
    main()
