"""Silence for remarks of libraries that a user of textdd can do nothing about; errors and our own remarks stay."""

from __future__ import annotations

import logging
import os
import warnings


def quiet() -> None:
    """Silence them in this process."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    os.environ.setdefault("WANDB_SILENT", "true")
    for message in (
        ".*does not have many workers.*",  # batches are ready-made: workers would only copy them
        ".*Your `IterableDataset` has `__len__` defined.*",  # on purpose, for one worker
        ".*Checkpoint directory .* exists and is not empty.*",  # a resumed run
        ".*your dataloader is not resumable.*",  # OuterData goes on at the checkpoint's step
        ".*isinstance.treespec, LeafSpec.*",  # Lightning 2.6.6 with torch 2.13
        ".*Implicitly cleaning up <TemporaryDirectory.*",  # wandb, of every table that it was given
        ".*GPU available but not used.*",  # trainer=cpu was asked for
    ):
        warnings.filterwarnings("ignore", message)
