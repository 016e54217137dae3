"""What a second process costs: outer steps of the default per second and process, with one and with two processes.

    python experiments/processes.py

Processes have one thread each and average their gradients by gloo (Lightning's ddp); the corpus is the built-in one.
The result is written beside this file, as `table.md`.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import pytorch_lightning as pl

from textdd.cli import compose_config
from textdd.config import register, to_run
from textdd.outer.batches import OuterData
from textdd.outer.distil import make_distiller
from textdd.outer.teacher import Teacher
from textdd.prepare import prepare
from textdd.trainer import SetUpProcess, TrainerConfig, make_trainer

HERE = Path(__file__).with_suffix("")
STEPS, WARM_UP = 60, 10


class Clock(pl.Callback):
    """Times the outer steps after the first few."""

    def on_train_batch_end(self, trainer: pl.Trainer, *_: object) -> None:
        if trainer.global_step == WARM_UP:
            self.start, self.processor = time.perf_counter(), time.process_time()

    def on_train_end(self, trainer: pl.Trainer, *_: object) -> None:
        if trainer.is_global_zero:
            count = trainer.global_step - WARM_UP
            seconds, processor = time.perf_counter() - self.start, time.process_time() - self.processor
            sys.stdout.write(json.dumps({"steps": count / seconds, "processor": processor / count}) + "\n")


def distil(processes: int, cache: Path) -> None:
    """Take some outer steps; the teacher's opinion costs the same before its training, so it is not trained."""
    register()
    run = to_run(compose_config("config", ["per_class=10", "logger=none", f"cache_dir={cache}"]))
    problem = prepare(run)
    config = TrainerConfig(accelerator="cpu", devices=processes, strategy="ddp" if processes > 1 else "auto", threads=1)
    distiller = make_distiller(run.distiller, problem)
    distiller.teacher = Teacher(problem.student, problem.student.fresh(0))
    data = OuterData(problem, distiller.config.outer_batch, STEPS, check_texts=1)
    callbacks = [SetUpProcess(config), Clock()]
    make_trainer(config, max_steps=STEPS, limit_val_batches=0, callbacks=callbacks).fit(distiller, datamodule=data)


def main() -> None:
    """Run with one process and with two, and write the table."""
    found = {}
    with tempfile.TemporaryDirectory() as cache:
        for processes in (1, 2):
            command = [sys.executable, __file__, str(processes), cache]
            output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            found[processes] = json.loads(output.strip().splitlines()[-1])
    rows = [
        f"| {processes} | {facts['steps']:.2f} | {facts['processor'] * 1e3:.0f} |\n"
        for processes, facts in found.items()
    ]
    table = (
        f"Made by `python {' '.join(sys.argv)}` on {date.today()}: {os.cpu_count()} cores, no GPU; one thread "
        f"per process; load of the machine during the last 5 minutes {os.getloadavg()[1]:.1f}.\n\n"
        "| processes | outer steps per second, each | processor milliseconds per step and process |\n"
        "| ---: | ---: | ---: |\n" + "".join(rows)
    )
    HERE.mkdir(exist_ok=True)
    (HERE / "table.md").write_text(table)
    sys.stdout.write(table)


if __name__ == "__main__":
    if sys.argv[1:]:
        distil(int(sys.argv[1]), Path(sys.argv[2]))
    else:
        main()
