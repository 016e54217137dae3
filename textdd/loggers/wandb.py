"""Weights & Biases: a run per method, in one group, so that a chart holds distilled, random and full."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import wandb
from pytorch_lightning.loggers import WandbLogger

from textdd.corpora.budget import counted
from textdd.loggers.config import LoggerConfig
from textdd.loggers.results import result_columns, result_rows
from textdd.loggers.server import has_key, is_reachable, server
from textdd.progress import say
from textdd.report.measures import FORMER, called

INIT_SECONDS, FINISH_SECONDS = 20.0, 120.0
"""Longest that a run waits for the server, as it begins and as it ends; what was not sent by then is kept, to be sent
by `wandb sync`."""


class WandbMirror:
    """The W&B runs of one experiment.

    Args:
        config: project and entity.
        folder: the run's folder.
        title: a short name of what is compared, such as "ag_news-30".
        group: identifies the configuration; the methods' runs share it.
        settings: the configuration as plain values, with the actual `per_class` and `budget`.
    """

    def __init__(self, config: LoggerConfig, folder: Path, title: str, group: str, settings: dict[str, Any]) -> None:
        self.config, self.folder, self.title, self.group, self.settings = config, folder, title, group, settings
        self._open: WandbLogger | None = None

    @cached_property
    def mode(self) -> str:
        """Where runs go: to the server where there is a key and the server answers, else to files."""
        if chosen := os.environ.get("WANDB_MODE"):
            return chosen
        if not has_key():
            return "offline"
        if is_reachable(server()):
            return "online"
        return self._fallen_back("it does not answer")

    def _fallen_back(self, why: str) -> str:
        say(f"W&B at {server()}: {why}. Its runs are kept in {self.folder / 'wandb'}; to send them, type:")
        say(f"  wandb sync {shlex.quote(str(self.folder / 'wandb'))}/offline-run-*")
        return "offline"

    def logger(self, method: str) -> WandbLogger:
        """The run of one method, opened on first use."""
        if self._open is None:
            try:
                self._open = self._begun(method)
            except (wandb.Error, TimeoutError) as error:  # a wrong key, a server that fails
                if self.mode == "offline":
                    raise
                self.mode = self._fallen_back(str(error).strip().partition("\n")[0])
                self._open = self._begun(method)
        return self._open

    def _begun(self, method: str) -> WandbLogger:
        os.environ.setdefault("WANDB_SILENT", "true")
        if self.mode == "offline":
            os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # would look up a host
        task = "one_class" if self.settings["dataset"].get("target") is None else "generation"
        choices = [self.settings[kind]["name"] for kind in ("dataset", "model", "embedding", "distiller")]
        logger = WandbLogger(
            project=self.config.project,
            entity=self.config.entity,
            save_dir=self.folder,
            name=f"{self.title}-{method}-s{self.settings['seed']}",
            group=self.group,
            job_type=method,
            tags=[method, *choices, counted(self.settings["per_class"], task)],
            config={**self.settings, "method": method},
            mode=self.mode,
            settings=wandb.Settings(init_timeout=INIT_SECONDS, finish_timeout=FINISH_SECONDS),
        )
        # Lightning passes this setting on even where nobody gave it; wandb no longer has it, and warns.
        logger._wandb_init.pop("anonymous", None)
        # wandb learns that it is to be silent as its run begins; where processes are spawned it speaks before that.
        _ = logger.experiment
        return logger

    def log_results(self, methods: dict[str, Any], figure: Path, measures: Sequence[str] = FORMER) -> None:
        """Log every method in its own run under the same names; the comparison itself with the first, the distilled."""
        for method, result in methods.items():
            run = self.logger(method).experiment
            run.define_metric("student/*", step_metric="student/step")
            for step, mean in zip(result["curve"]["steps"], result["curve"]["mean"], strict=True):
                run.log({"student/step": step, f"student/validation_{measures[0]}": mean})
            for measure in measures:
                run.summary[f"test/{measure}"] = result[measure]["mean"]
                run.summary[f"test/{measure}_std"] = result[measure]["std"]
            run.summary.update({name: result[name] for name in ("recovery", "seconds", "bytes", "peak_memory_bytes")})
            if method == "distilled":
                run.log(comparison(methods, figure, measures))
            self.close()

    def close(self) -> None:
        """End the run that is open, so that the next method or job does not write into it."""
        if self._open is not None:
            self._open.experiment.finish()
            self._open = None


def comparison(methods: dict[str, Any], figure: Path, measures: Sequence[str] = FORMER) -> dict[str, Any]:
    """The table of results, the curves of all methods in one chart, and the figure."""
    curves = [method["curve"] for method in methods.values()]
    return {
        "results": wandb.Table(columns=result_columns(measures), data=result_rows(methods, measures)),
        f"{measures[0]}_against_steps": wandb.plot.line_series(
            xs=[list(curve["steps"]) for curve in curves],
            ys=[list(curve["mean"]) for curve in curves],
            keys=list(methods),
            title=f"validation {called(measures[0])} against training steps",
            xname="training steps",
        ),
        "figure": wandb.Image(str(figure)),
    }
