"""The metrics file: one JSON object per line, the record of what happened while distilling."""

from __future__ import annotations

import csv
import json
from argparse import Namespace
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import Logger
from pytorch_lightning.utilities import rank_zero_only

from textdd.record import write_bytes


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
        for line in self.path.read_text(errors="replace").splitlines(keepends=True):
            try:
                whole = line.endswith("\n") and json.loads(line)["step"] < self.offset + step
            except (ValueError, KeyError, TypeError):  # damaged
                whole = False
            if not whole:
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
