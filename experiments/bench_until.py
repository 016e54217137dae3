"""Seconds of distilling until students trained on the set reach some accuracies on the test texts; see bench.py."""

import os
import sys
import time
from datetime import date
from pathlib import Path

import pytorch_lightning as pl
import torch
from hydra import compose, initialize_config_dir

from textdd.config import register, to_run
from textdd.evaluation.scoring import score
from textdd.groups import CONF
from textdd.outer.batches import OuterData
from textdd.outer.distil import make_distiller, materials_of
from textdd.outer.distiller import Distiller
from textdd.prepare import materials_folder, prepare
from textdd.problem import Problem
from textdd.quiet import quiet
from textdd.trainer import make_trainer, set_up_process
from textdd.training import train

GOALS, MOST_SECONDS = (0.85, 0.875), 3600

# Whole set in every step, texts as long as real ones, the whole graph kept: as one would write it first.
PLAIN = ["distiller.engine=unroll", "distiller.length=0", "distiller.pieces=1", "distiller.inner_batch=-1"]
PATIENT = ["distiller.minutes=60"]  # counted work: room to get there at all

VARIANTS = {
    "default": [],
    "default, plain full unroll": [*PLAIN, *PATIENT],
    "paper": ["distiller=paper", *PATIENT],
}


class Until(pl.Callback):
    """Score fresh students on the test texts now and then, off the clock, until the goals or the end of patience."""

    def __init__(self, distiller: Distiller, problem: Problem, most_seconds: float) -> None:
        self.distiller, self.problem, self.most_seconds = distiller, problem, most_seconds
        self.seconds, self.next, self.accuracy, self.steps = distiller.prepared_seconds, 0.0, 0.0, 0
        self.reached: dict[float, str] = {}
        self.clock = time.perf_counter()

    def on_train_batch_end(self, trainer: pl.Trainer, *_: object, **__: object) -> None:
        self.seconds += time.perf_counter() - self.clock
        if self.seconds >= self.next:
            self.next = self.seconds + max(5, 0.15 * (self.seconds - self.distiller.prepared_seconds))
            self.look(trainer)
            trainer.should_stop = len(self.reached) == len(GOALS) or self.seconds >= self.most_seconds
        self.clock = time.perf_counter()

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        del pl_module
        if self.steps < trainer.global_step:
            self.look(trainer)

    def look(self, trainer: pl.Trainer) -> None:
        """Mean test accuracy of five fresh students."""
        distiller, synthetic, thetas = self.distiller, self.distiller.averaged.mean, []
        for seed in range(5):
            lesson = synthetic.lesson(seed)
            (state,) = train(
                distiller.student,
                distiller.optimiser,
                distiller.fresh_student(seed),
                lesson,
                [synthetic.recipe.steps],
            )
            thetas.append(state.theta)
        self.steps = trainer.global_step
        self.accuracy = float(score(thetas, self.problem.test, self.problem.reader())["accuracy"].mean())
        for goal in GOALS:
            if self.accuracy >= goal:
                self.reached.setdefault(goal, f"{self.seconds:.0f}")
        sys.stdout.write(f"  {self.seconds:.0f} s, step {self.steps}: {self.accuracy:.4f}\n")
        sys.stdout.flush()


def measure(arguments: list[str], most_seconds: float) -> Until:
    """Distil as the arguments say until the goals are reached."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        run = to_run(compose("config", arguments))
    set_up_process(run.trainer)
    problem = prepare(run)
    distiller = make_distiller(run.distiller, problem)
    distiller.prepare(materials_of(problem, run.trainer, materials_folder(run, problem)))
    config = distiller.config
    callback = Until(distiller, problem, most_seconds)
    trainer = make_trainer(
        run.trainer, max_steps=config.outer_steps, max_epochs=-1, callbacks=[callback], limit_val_batches=0
    )
    trainer.fit(distiller, OuterData(problem, config.outer_batch, config.outer_steps, 1))
    return callback


def until(arguments: list[str], path: Path) -> None:
    """Measure every variant, one after the other, and write the table."""
    register()
    quiet()
    patience = [argument for argument in arguments if argument.startswith("most_seconds=")]
    most_seconds = float(patience[-1].partition("=")[2]) if patience else MOST_SECONDS
    given = [argument for argument in arguments if argument not in patience]
    if not any(argument.startswith("dataset=") for argument in given):
        given = ["dataset=ag_news", "per_class=30", *given]
    goals = [f"seconds until {goal}" for goal in GOALS]
    lines = [["variant", "preparing", *goals, "last", "outer steps", "test accuracy"], ["---", *["---:"] * 6]]
    for name, options in VARIANTS.items():
        sys.stdout.write(f"{name}\n")
        found = measure([*options, *given], most_seconds)
        reached = [found.reached.get(goal, "never") for goal in GOALS]
        facts = [f"{found.distiller.prepared_seconds:.0f}", *reached, f"{found.seconds:.0f}", str(found.steps)]
        lines.append([name, *facts, f"{found.accuracy:.4f}"])
        path.parent.mkdir(exist_ok=True)
        load = f"load of the machine during the last 15 minutes {os.getloadavg()[2]:.1f}"
        how = (
            f"`python experiments/bench.py until` on {date.today()}: {os.cpu_count()} cores, no GPU, "
            f"{torch.get_num_threads()} threads; {load}. Seconds include preparing; looks at the test texts are off "
            f"the clock; a variant ends after {most_seconds:.0f} s.\n\n"
        )
        path.write_text(how + "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n")
    sys.stdout.write(path.read_text())
