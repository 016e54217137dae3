"""All loggers of one experiment, behind the three moments at which a run speaks to them."""

from __future__ import annotations

import csv
from argparse import Namespace
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import Logger
from pytorch_lightning.utilities import rank_zero_only

from textdd.loggers.config import LoggerConfig
from textdd.loggers.metrics import MetricsFile
from textdd.loggers.results import result_columns, result_rows
from textdd.progress import say
from textdd.report.measures import FORMER


class Mirrors:
    """The record of an experiment and its mirrors.

    Args:
        config: which mirrors.
        folder: the run's folder.
        title: a short name of what is compared, such as "ag_news-30".
        group: identifies the configuration.
        settings: the configuration as plain values, with the actual `per_class` and `budget`.
    """

    def __init__(self, config: LoggerConfig, folder: Path, title: str, group: str, settings: dict[str, Any]) -> None:
        self.config, self.folder = config, folder
        self.metrics = MetricsFile(folder / "metrics.jsonl")
        self.others: list[Any] = []
        # Imported here because these libraries take seconds, and not everybody has them or wants them.
        if config.tensorboard:
            from textdd.loggers.tensorboard import TensorBoardMirror

            self.others.append(TensorBoardMirror(folder))
        if config.wandb:
            from textdd.loggers.wandb import WandbMirror

            self.others.append(WandbMirror(config, folder, title, group, settings))

    def distilling(self) -> list[Logger]:
        """Loggers for the outer optimisation."""
        loggers: list[Logger] = []
        self._each(lambda mirror: loggers.append(Guarded(mirror, mirror.logger("distilled"), self)))
        return [self.metrics, *loggers]

    def _each(self, act: Callable[[Any], None]) -> None:
        """Speak to every mirror; one that fails is left out from then on, as the record is what counts."""
        for mirror in [*self.others]:
            try:
                act(mirror)
            except Exception as error:  # a dozen kinds of three libraries, some of them private
                self.leave_out(mirror, error)

    def leave_out(self, mirror: Any, error: Exception) -> None:
        """Go on without a mirror that has failed."""
        say(f"{type(mirror).__name__} failed and is left out: {type(error).__name__}: {error}")
        self.others.remove(mirror)
        with suppress(Exception):  # what it has open would be taken for that of the next job
            mirror.close()

    def log_results(self, methods: dict[str, Any], figure: Path, measures: Sequence[str] = FORMER) -> None:
        """Log what became of every method, once at the end.

        Args:
            methods: what result.json holds about each, the distilled set's first.
            figure: the PNG of accuracy, or what else the headline is, against steps.
            measures: what they were measured by, the headline first.
        """
        self._each(lambda mirror: mirror.log_results(methods, figure, measures))
        if self.config.csv:
            with (self.folder / "results.csv").open("w", newline="") as file:
                csv.writer(file).writerows([result_columns(measures), *result_rows(methods, measures)])

    def close(self) -> None:
        """End what is open, so that the next job does not write into it; mirror the metrics as CSV."""
        self._each(lambda mirror: mirror.close())
        if self.config.csv and self.metrics.path.exists():
            self.metrics.write_csv()


class Guarded(Logger):
    """What a mirror logs while distilling, which no failure of it ends.

    Args:
        mirror: the mirror.
        logger: its logger.
        mirrors: from which it is left out when it fails.
    """

    def __init__(self, mirror: Any, logger: Logger, mirrors: Mirrors) -> None:
        super().__init__()
        self.mirror, self.logger, self.mirrors = mirror, logger, mirrors

    @property
    def name(self) -> str | None:
        """What Lightning calls it."""
        return self.logger.name

    @property
    def version(self) -> int | str | None:
        """Which of several it is."""
        return self.logger.version

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Hand numbers on."""
        if self.mirror in self.mirrors.others:
            try:
                self.logger.log_metrics(metrics, step)
            except Exception as error:  # see `Mirrors`
                self.mirrors.leave_out(self.mirror, error)

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """Every mirror has been given the configuration."""
        del params, args, kwargs
