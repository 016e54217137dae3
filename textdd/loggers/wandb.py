"""Weights & Biases: a run per method, in one group, so that a chart holds distilled, random and full."""

from __future__ import annotations

import netrc
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import wandb
from pytorch_lightning.loggers import WandbLogger

from textdd.loggers.config import LoggerConfig
from textdd.loggers.results import result_columns, result_rows
from textdd.report.measures import FORMER, called


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

    def logger(self, method: str) -> WandbLogger:
        """The run of one method, opened on first use."""
        if self._open is None:
            os.environ.setdefault("WANDB_SILENT", "true")
            choices = [self.settings[kind]["name"] for kind in ("dataset", "model", "embedding", "distiller")]
            self._open = WandbLogger(
                project=self.config.project,
                entity=self.config.entity,
                save_dir=self.folder,
                name=f"{self.title}-{method}-s{self.settings['seed']}",
                group=self.group,
                job_type=method,
                tags=[method, *choices, f"{self.settings['per_class']} per class"],
                config={**self.settings, "method": method},
                mode=os.environ.get("WANDB_MODE") or ("online" if has_key() else "offline"),
            )
            # Lightning passes this setting on even where nobody gave it; wandb no longer has it, and warns.
            self._open._wandb_init.pop("anonymous", None)
            # wandb learns that it is to be silent as its run begins; where processes are spawned it speaks before that.
            _ = self._open.experiment
        return self._open

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


def has_key() -> bool:
    """Whether W&B would find a key: in the environment, or in the netrc file that `wandb login` writes."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    try:
        return netrc.netrc().authenticators("api.wandb.ai") is not None
    except (OSError, netrc.NetrcParseError):
        return False
