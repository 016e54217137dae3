"""TensorBoard: a line per method in every chart, and the comparison as text and picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.image import imread
from pytorch_lightning.loggers import TensorBoardLogger

from textdd.loggers.results import result_columns, result_rows
from textdd.report.measures import FORMER


class TensorBoardMirror:
    """The event files of one experiment, in a folder per method: `tensorboard --logdir runs` shows all.

    Args:
        folder: the run's folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open: TensorBoardLogger | None = None

    def logger(self, method: str) -> TensorBoardLogger:
        """The events of one method, opened on first use."""
        if self._open is None:
            self._open = TensorBoardLogger(self.folder, "tensorboard", method)
        return self._open

    def log_results(self, methods: dict[str, Any], figure: Path, measures: Sequence[str] = FORMER) -> None:
        """Log every method under the same names; the comparison itself with the first, the distilled."""
        headline = measures[0]
        for method, result in methods.items():
            writer = self.logger(method).experiment
            for step, mean in zip(result["curve"]["steps"], result["curve"]["mean"], strict=True):
                writer.add_scalar(f"student/validation_{headline}", mean, step)
            for measure in measures:
                writer.add_scalar(f"test/{measure}", result[measure]["mean"])
            if method == "distilled":
                writer.add_text("results", markdown(methods, measures))
                writer.add_image(f"{headline}_against_steps", imread(figure)[..., :3], dataformats="HWC")
            self.close()

    def close(self) -> None:
        """Close the events that are open."""
        if self._open is not None:
            self._open.experiment.close()
            self._open = None


def markdown(methods: dict[str, Any], measures: Sequence[str] = FORMER) -> str:
    """The table of results as TensorBoard shows it."""
    columns = result_columns(measures)
    rows = [columns, ["---"] * len(columns), *result_rows(methods, measures)]
    return "\n".join("| " + " | ".join("" if cell is None else str(cell) for cell in row) + " |" for row in rows)
