"""Where numbers go: a metrics file that is the record, and mirrors of it in CSV and Weights & Biases."""

from __future__ import annotations

import csv
import json
import netrc
import os
from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import Logger, WandbLogger
from pytorch_lightning.utilities import rank_zero_only

from textdd.record import write_bytes


@dataclass
class LoggerConfig:
    """Mirrors of the record.

    Attributes:
        csv: write metrics.csv beside metrics.jsonl.
        wandb: log to Weights & Biases, offline where no key is set.
        project: the W&B project.
        entity: the W&B user or team; null takes the key's own.
    """

    csv: bool = False
    wandb: bool = False
    project: str = "textdd"
    entity: str | None = None


class MetricsFile(Logger):
    """One JSON object per line: the record of what happened while distilling.

    Args:
        path: the file; a resumed run goes on in it.

    Attributes:
        offset: outer steps of the stages before this one; the file counts on.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path, self.offset = path, 0

    @property
    def name(self) -> str:
        """What Lightning calls this logger."""
        return "metrics"

    @property
    def version(self) -> str:
        """There is one file per run."""
        return ""

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Append a line."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if step is not None:
            step += self.offset
        with self.path.open("a") as file:
            file.write(json.dumps({"step": step, **metrics}) + "\n")

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """The configuration is in result.json and in the manifest."""
        del params, args, kwargs

    @rank_zero_only
    def rewind(self, step: int) -> None:
        """Forget what a killed run logged after its last checkpoint, at `step`, and a line that was cut off."""
        if not self.path.exists():
            return
        kept = []
        for line in self.path.read_text().splitlines(keepends=True):
            if not line.endswith("\n") or json.loads(line)["step"] >= self.offset + step:
                break
            kept.append(line)
        write_bytes(self.path, "".join(kept).encode())

    def write_csv(self) -> None:
        """Mirror the file as metrics.csv, a column per metric."""
        rows = [json.loads(line) for line in self.path.read_text().splitlines()]
        columns = list(dict.fromkeys(key for row in rows for key in row))
        with self.path.with_suffix(".csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)


class Mirrors:
    """The loggers of one experiment: one W&B run per method, in one group, so that a chart holds them all.

    Args:
        config: which mirrors.
        folder: the run's folder.
        title: a short name of what is compared, such as "ag_news-30".
        group: identifies the configuration; the methods' runs share it.
        settings: the configuration as plain values.
    """

    def __init__(self, config: LoggerConfig, folder: Path, title: str, group: str, settings: dict[str, Any]) -> None:
        self.config, self.folder, self.title, self.group, self.settings = config, folder, title, group, settings
        self.metrics = MetricsFile(folder / "metrics.jsonl")
        self._wandb: WandbLogger | None = None

    def distilling(self) -> list[Logger]:
        """Loggers for the outer optimisation."""
        return [self.metrics, self.wandb("distilled")] if self.config.wandb else [self.metrics]

    def wandb(self, method: str) -> WandbLogger:
        """The W&B run of one method, opened on first use."""
        if self._wandb is None:
            self._wandb = WandbLogger(
                project=self.config.project,
                entity=self.config.entity,
                save_dir=self.folder,
                name=f"{self.title}-{method}",
                group=self.group,
                job_type=method,
                tags=[self.settings["dataset"]["name"], method],
                config={**self.settings, "method": method},
                mode=os.environ.get("WANDB_MODE") or ("online" if has_key() else "offline"),
            )
            # Lightning passes this setting on even where nobody gave it; wandb no longer has it, and warns.
            self._wandb._wandb_init.pop("anonymous", None)
        return self._wandb

    def log_method(self, method: str, result: dict[str, Any]) -> None:
        """Log what became of one method under names that are the same for all of them, and end its W&B run."""
        if not self.config.wandb:
            return
        run = self.wandb(method).experiment
        run.define_metric("student/*", step_metric="student/step")
        for step, mean in zip(result["curve"]["steps"], result["curve"]["mean"], strict=True):
            run.log({"student/step": step, "student/validation_accuracy": mean})
        for metric in ("accuracy", "macro_f1"):
            run.summary[f"test/{metric}"] = result[metric]["mean"]
            run.summary[f"test/{metric}_std"] = result[metric]["std"]
        run.summary.update({name: result[name] for name in ("recovery", "seconds", "bytes", "peak_memory_bytes")})
        self.close()

    def close(self) -> None:
        """End the W&B run that is open, so that the next job does not write into it; mirror the metrics as CSV."""
        if self._wandb is not None:
            self._wandb.experiment.finish()
            self._wandb = None
        if self.config.csv and self.metrics.path.exists():
            self.metrics.write_csv()


def has_key() -> bool:
    """Whether W&B would find a key: in the environment, or in the netrc file that `wandb login` writes."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    try:
        return netrc.netrc().authenticators("api.wandb.ai") is not None
    except (OSError, netrc.NetrcParseError):
        return False
