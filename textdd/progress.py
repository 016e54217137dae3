"""Progress with time left for everything that takes more than a few seconds, on terminals and in log files."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import pytorch_lightning as pl
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from textdd.screen import Console

T = TypeVar("T")

console = Console(stderr=True, quiet=os.environ.get("LOCAL_RANK", "0") != "0")
"""Where progress and remarks go, of the first process only; results go to standard output."""

QUIET_SECONDS = 20.0
"""Seconds between two lines where the output is no terminal."""


def say(remark: str) -> None:
    """Print a remark to standard error."""
    console.print(remark, markup=False, emoji=False, highlight=False, soft_wrap=True)


class Bar:
    """A progress bar on a terminal; a line now and then elsewhere.

    Args:
        what: what is being done.
        total: how many units of work; 0 if that is not known.
        done: units done before (a resumed run).
    """

    def __init__(self, what: str, total: int, done: int = 0) -> None:
        self.what, self.total, self.done, self.before = what, total, done, done
        self._start = self._spoke = time.monotonic()
        self._bar: Progress | None = None
        if console.is_terminal:
            columns = (
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                TextColumn("{task.fields[note]}", markup=False),
            )
            self._bar = Progress(*columns, console=console, transient=True)
            self._bar.add_task(what, total=total or None, completed=done, note="")
            self._bar.start()

    def update(self, done: int, note: str = "") -> None:
        """Say that `done` units are done, with a remark such as the current accuracy."""
        self.done = done
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=done, note=note)
        elif time.monotonic() - self._spoke >= QUIET_SECONDS:
            self._spoke = time.monotonic()
            say(f"{self.what}: {done}/{self.total or '?'}, {self._left()}  {note}".rstrip())

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.stop()

    def _left(self) -> str:
        fresh = self.done - self.before
        if not self.total or fresh <= 0:
            return "time left unknown"
        seconds = (time.monotonic() - self._start) / fresh * (self.total - self.done)
        return f"{seconds:.0f} s left"


def track(items: Sequence[T], what: str) -> Iterator[T]:
    """Go through items behind a progress bar."""
    bar = Bar(what, len(items))
    try:
        for i, item in enumerate(items):
            yield item
            bar.update(i + 1)
    finally:
        bar.close()


class TrainingBar(pl.Callback):
    """The same bar for a Lightning Trainer, with the metrics that the module marks for it.

    Args:
        what: what is being trained.
        total: optimiser steps of the whole run.
    """

    def __init__(self, what: str, total: int) -> None:
        self.what, self.total = what, total
        self._bar: Bar | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Open the bar where a resumed run stands."""
        del pl_module
        if trainer.is_global_zero:
            self._bar = Bar(self.what, self.total, trainer.global_step)

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        """Move it on."""
        del pl_module
        if self._bar is not None:
            notes = (f"{name} {float(value):.4f}" for name, value in sorted(trainer.progress_bar_metrics.items()))
            self._bar.update(trainer.global_step, "  ".join(notes))

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Close it, also after an error."""
        del trainer, pl_module, stage
        if self._bar is not None:
            self._bar.close()
