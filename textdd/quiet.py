"""Silence for remarks of libraries that a user of textdd can do nothing about; errors and our own remarks stay."""

from __future__ import annotations

import logging
import multiprocessing
import warnings


def quiet() -> None:
    """Silence them in this process."""
    for name in ("pytorch_lightning", "lightning_fabric"):  # what they are doing, and what else could be installed
        logging.getLogger(name).setLevel(logging.WARNING)
    for message in (
        ".*does not have many workers.*",  # batches are ready-made: workers would only copy them
        ".*Your `IterableDataset` has `__len__` defined.*",  # on purpose, for one worker
        ".*Checkpoint directory .* exists and is not empty.*",  # a resumed run
        ".*your dataloader is not resumable.*",  # OuterData goes on at the checkpoint's step
        ".*is smaller than the logging interval.*",  # a short run; the record has what was logged
        ".*in eval mode at the start of training.*",  # parts of a student that are not trained
        ".*isinstance.treespec, LeafSpec.*",  # Lightning 2.6.6 with torch 2.13
        ".*Implicitly cleaning up <TemporaryDirectory.*",  # wandb, of every table that it was given
        ".*GPU available but not used.*",  # trainer=cpu was asked for
    ):
        warnings.filterwarnings("ignore", message)


# A process that is spawned inherits none of this; it comes by here when it imports the main module once more.
if multiprocessing.current_process().name != "MainProcess":
    quiet()
