"""Lightning Trainers from one configuration: devices, processes and precision are Lightning's business."""

from __future__ import annotations

import os
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.io import TorchCheckpointIO
from pytorch_lightning.utilities import rank_zero_only

from textdd.allowed import OneOf, Whole
from textdd.errors import TextddError
from textdd.record import write_bytes
from textdd.stopping import follow, listen, listening


@dataclass
class TrainerConfig:
    """Where and how to compute; the words are those of pytorch_lightning.Trainer.

    Attributes:
        accelerator: `auto`, `cpu` or `gpu`.
        devices: processes per machine, one device each.
        num_nodes: machines.
        strategy: how several processes work together: `auto`, `ddp`, `ddp_spawn` or `ddp_fork`.
        precision: `32-true`, `bf16-mixed`, `16-mixed` or `64-true`.
        matmul: how float32 matrices are multiplied: `highest` in float32, `high` and `medium` faster where the machine
            can (torch.set_float32_matmul_precision). Products of bfloat16 summed in float32, which is what `medium`
            is on current CPUs, halve the time of a run; accuracies do not change measurably.
        threads: CPU threads of each process; 0 leaves torch's choice.
    """

    accelerator: Annotated[str, OneOf("auto", "cpu", "gpu")] = "auto"
    devices: Annotated[int, Whole(1, 128)] = 1
    num_nodes: Annotated[int, Whole(1, 1024)] = 1
    strategy: Annotated[str, OneOf("auto", "ddp", "ddp_spawn", "ddp_fork")] = "auto"
    precision: Annotated[str, OneOf("32-true", "bf16-mixed", "16-mixed", "64-true")] = "32-true"
    matmul: Annotated[str, OneOf("highest", "high", "medium")] = "medium"
    threads: Annotated[int, Whole(0, 1024)] = 0


class AtomicCheckpointIO(TorchCheckpointIO):
    """Checkpoints that are whole or absent: Lightning's own may be half written when the process is killed."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Write the checkpoint beside its place, then move it there."""
        del storage_options
        buffer = BytesIO()
        torch.save(checkpoint, buffer)
        write_bytes(Path(path), buffer.getvalue())


def set_up_process(config: TrainerConfig) -> None:
    """Tell torch how this process is to compute.

    Raises:
        TextddError: the machine has not the devices, or they cannot compute so.
    """
    check_devices(config)
    torch.set_float32_matmul_precision(config.matmul)
    if config.threads:
        torch.set_num_threads(config.threads)


def check_devices(config: TrainerConfig) -> None:
    """Check that the machine has the devices that are asked for.

    Raises:
        TextddError: it has not, or they do not know the precision.
    """
    gpus = 0 if config.accelerator == "cpu" else torch.cuda.device_count()
    if config.accelerator == "gpu" and not gpus and not torch.backends.mps.is_available():
        raise TextddError("Got trainer.accelerator=gpu, and torch finds no GPU on this machine. Type: trainer=cpu")
    most = gpus or max(2, os.cpu_count() or 1)  # two processes can be tried anywhere
    if config.devices > most:
        there = f"{gpus} GPUs" if gpus else f"{os.cpu_count()} processor cores"
        raise TextddError(
            f"Got trainer.devices={config.devices}; this machine has {there}. Type: trainer.devices={most}"
        )
    if config.precision == "16-mixed" and not gpus:
        raise TextddError(
            "Got trainer.precision=16-mixed; CPUs compute in bfloat16 or not in 16 bits at all. "
            "Type: trainer.precision=bf16-mixed"
        )


class SetUpProcess(pl.Callback):
    """Does the same in processes that Lightning starts, which inherit nothing, and ends them with the first.

    Args:
        config: threads and matrix products.
    """

    def __init__(self, config: TrainerConfig) -> None:
        self.config = config

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Set this process up."""
        del trainer, pl_module, stage
        set_up_process(self.config)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take back the signals from Lightning, whose handler speaks to processes that may wait for something else."""
        del pl_module
        if trainer.global_rank:
            follow()
        elif listening():
            listen()

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """End the processes that this one started: they would wait for it."""
        del pl_module, exception
        started = getattr(trainer.strategy.launcher, "procs", [])
        for process in started:
            process.kill()
        started.clear()  # Lightning kills this process a moment after it finds one of them dead


def make_trainer(config: TrainerConfig, *, alone: bool = False, **options: Any) -> pl.Trainer:
    """Build a Trainer without Lightning's own bars, tables and sanity checks.

    Args:
        config: devices and precision.
        alone: use one device whatever the configuration says (evaluation on the first process).
        options: further arguments of pytorch_lightning.Trainer.
    """
    places: dict[str, Any] = (
        {"devices": 1}
        if alone
        else {
            "devices": config.devices,
            "num_nodes": config.num_nodes,
            "strategy": config.strategy,
        }
    )
    defaults: dict[str, Any] = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "num_sanity_val_steps": 0,  # would draw from the students' seeds before the first step
        "inference_mode": False,  # checks train students, which needs gradients
    }
    return pl.Trainer(
        **{**defaults, **places, "precision": config.precision, **options}, accelerator=config.accelerator
    )


def process_rank() -> int:
    """The number of this process among those that Lightning started; 0 before it started any."""
    return int(getattr(rank_zero_only, "rank", 0))
