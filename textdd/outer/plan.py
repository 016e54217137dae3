"""The plan of a distilling before it starts: the engine that fits, peak memory and time, from a short measured probe.

Memory is counted and not timed. A training of W steps is differentiated with one step and with a few on tensors that
are counted (textdd/outer/memory.py); every further step adds the same. So K students take

    K (first step + (W - 1) growth per step) bytes,

`first step` including the real texts that judge them. The growth is a whole graph for `unroll`, a state for
`recompute`, or for every k-th state a k-th of it. Time is that of a few outer steps after one to warm up.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from pytorch_lightning import Trainer
from rich.table import Table

from textdd.errors import TextddError
from textdd.evaluation.cost import resident
from textdd.machine import available
from textdd.outer.distiller import Distiller
from textdd.outer.engine import EngineConfig, EngineDistiller, Training, engine_of
from textdd.outer.memory import Allocations
from textdd.problem import Problem
from textdd.report.terminal import readable
from textdd.screen import Console
from textdd.seeds import numpy_generator
from textdd.spaces.reading import Batch
from textdd.training import State
from textdd.training.recompute import LEARNED
from textdd.training.side_by_side import answers
from textdd.training.training import as_read

STEPS = 3
"""Outer steps that are timed at least, after one of every kind of student that warms up."""

SPARE = 1.2
"""Memory that has to be free, as a multiple of what is predicted: freed memory is not reused without gaps."""


class Need(NamedTuple):
    """Bytes that differentiating a training takes: with one step, and for each further step."""

    first: float
    growth: float

    def of(self, steps: int) -> float:
        """Bytes with so many steps."""
        return self.first + (steps - 1) * self.growth


@dataclass(frozen=True)
class Plan:
    """What a distilling will take.

    Attributes:
        engine: the engine chosen; empty for methods that differentiate no training.
        peak_memory_bytes: predicted, of the process or of the GPU.
        seconds_per_step: of an outer step, measured.
        outer_steps: how many there are.
        seconds_per_check: of a look at the validation accuracy, measured.
        checks: how many there are.
        seconds_before: of what comes before the first step and takes long, measured: of writing texts to choose from.
    """

    engine: str
    peak_memory_bytes: float
    seconds_per_step: float
    outer_steps: int
    seconds_per_check: float
    checks: int
    seconds_before: float = 0.0

    @property
    def seconds(self) -> float:
        """Of all outer steps and checks, and of what comes before them; other preparation is not counted."""
        steps = self.outer_steps * self.seconds_per_step + self.checks * self.seconds_per_check
        return self.seconds_before + steps

    def __str__(self) -> str:
        """One line for the log."""
        engine = f"engine {self.engine}, " if self.engine else ""
        before = f"{readable_time(self.seconds_before)} of writing, " if self.seconds_before else ""
        return (
            f"plan: {engine}about {readable(self.peak_memory_bytes)}, {before}{self.outer_steps} outer steps of "
            f"{self.seconds_per_step:.3f} s, {self.checks} checks of {self.seconds_per_check:.1f} s = "
            f"{readable_time(self.seconds)}"
        )


def plan(distiller: Distiller, trainer: Trainer, problem: Problem) -> Plan:
    """Choose the engine, and measure what distilling will take; the distiller's set is left as it is.

    Args:
        distiller: at its start, prepared; where its engine is `auto`, its options are given the engine chosen.
        trainer: its devices and precision are used.
        problem: has the texts.

    Raises:
        TextddError: the memory at hand is not enough; it says which option would make it enough.
    """
    plugin, device = trainer.precision_plugin, trainer.strategy.root_device
    plugin.convert_module(distiller).to(device)
    reader = problem.reader(device, distiller.synthetic.one_hot.dtype)
    some = numpy_generator(0, "plan").choice(
        len(problem.train), min(distiller.config.outer_batch, len(problem.train)), replace=False
    )
    batch = reader(distiller.judging(problem).batch(some))
    on_cpu = device.type == "cpu"
    before = resident() if on_cpu else torch.cuda.memory_allocated(device)
    room = available(device) / (trainer.num_devices if on_cpu else 1)
    engine, probe = "", distiller.probe()  # a copy: probing must not advance a pool
    differentiating = [member for member in distiller.members if isinstance(member, EngineDistiller)]
    with plugin.forward_context():
        if differentiating:
            engine, needed = choose(differentiating, batch, room, alone=trainer.world_size == 1)
            settled = replace(differentiating[0].config, engine=engine)
            distiller.take(settled)
            probe.take(settled)
        else:
            needed = 0
            for turn in range(len(distiller.members)):
                with Allocations() as allocated:
                    outer_step(probe, batch, turn)
                needed = max(needed, allocated.peak)
        seconds, checking = seconds_per_step(probe, batch), seconds_per_check(probe, batch, problem)
    steps = distiller.config.outer_steps
    return Plan(engine, before + needed, seconds, steps, checking, max(1, steps // distiller.config.check_every))


def choose(distillers: Sequence[EngineDistiller], batch: Batch, room: float, *, alone: bool) -> tuple[str, float]:
    """The engine that the options name or that fits, and the bytes that it needs.

    Of distillers that take turns, one works at a time, and all by one engine: the greediest decides. Several processes
    recompute: they must not choose apart, whatever the memory is that each of them sees.

    Raises:
        TextddError: none fits into `room` bytes.
    """
    config = distillers[0].config
    trainings = [(distiller, training) for distiller in distillers for training in distiller.trainings()]

    def needed(changed: EngineConfig) -> float:
        return changed.students * max(
            need(distiller, training, batch, changed).of(training.steps) for distiller, training in trainings
        )

    given = ("unroll", "recompute") if alone else ("recompute",)
    for name in given if config.engine == "auto" else (config.engine,):
        least = needed(replace(config, engine=name))
        if least * SPARE <= room:
            return name, least
    root = math.ceil(math.sqrt(max(training.steps for _, training in trainings)))
    recomputing = replace(config, engine="recompute")
    keeping_few = replace(recomputing, keep_every=root)
    sparing = replace(keeping_few, students=1)
    remedies = {
        "distiller.engine=recompute": recomputing,
        f"distiller.engine=recompute distiller.keep_every={root}": keeping_few,
        f"distiller.engine=recompute distiller.keep_every={root} distiller.students=1": sparing,
    }
    fitting = (words for words, changed in remedies.items() if needed(changed) * SPARE <= room)
    length = distillers[0].synthetic.x.shape[1]
    remedy = next(fitting, None) or smaller(config, length, needed(sparing) * SPARE / room)
    raise TextddError(
        f"Distilling needs about {readable(least * SPARE)}; {readable(room)} are available. Type: {remedy}"
    )


def smaller(config: EngineConfig, length: int, excess: float) -> str:
    """The options that make a distilling fit that no engine makes fit: less text at a time, in as many pieces.

    Args:
        config: the method's options, the number of pieces decided.
        length: tokens of a piece.
        excess: the memory needed, as a multiple of what there is.
    """
    batch, length = (max(1, int(size / excess)) for size in (config.outer_batch, length))
    fewer = "distiller.engine=recompute distiller.students=1"
    shorter = f"distiller.length={config.pieces * length} distiller.pieces={config.pieces}"
    return f"{fewer} distiller.outer_batch={batch} {shorter}"


def need(distiller: EngineDistiller, training: Training, batch: Batch, config: EngineConfig) -> Need:
    """Count what differentiating one step takes, and what each further step adds."""
    once = peak_of(distiller, training, batch, config, 1)
    if training.steps == 1:
        return Need(once, 0)
    few = min(3, training.steps)
    all_kept = replace(config, keep_every=1)
    growth = max(0.0, (peak_of(distiller, training, batch, all_kept, few) - once) / (few - 1))
    every = min(config.keep_every, training.steps) if config.engine == "recompute" else 1
    # Between two states that are kept, one stretch of the others is held at a time.
    return Need(once + (every - 1) * growth, growth / every)


def peak_of(distiller: EngineDistiller, training: Training, batch: Batch, config: EngineConfig, steps: int) -> int:
    """Bytes of all tensors at the peak of a hypergradient through so many steps."""
    lesson = training.lesson
    leaves = {name: getattr(lesson, name) for name in LEARNED if getattr(lesson, name) is not None}
    leaves = {name: leaf.detach().requires_grad_(leaf.requires_grad) for name, leaf in leaves.items()}
    with Allocations() as allocated:
        state = State.fresh(distiller.student.fresh(0, lesson.x.device, lesson.x.dtype), training.optimiser)
        engine, lesson = engine_of(config), as_read(distiller.student, replace(lesson, **leaves))
        (state,) = engine(distiller.student, training.optimiser, state, lesson, [steps])
        x, mask, labels = (part[: training.read or None] for part in batch)
        held = 1 if training.read else training.losses  # at a time
        judged = [distiller.student(state.theta, x, mask) for _ in range(held)]
        loss = distiller.student.task.loss(torch.stack(judged).mean(0), labels)
        torch.autograd.grad(loss, [leaf for leaf in leaves.values() if leaf.requires_grad], allow_unused=True)
    return allocated.peak


def outer_step(distiller: Distiller, batch: Batch, step: int) -> None:
    """Loss and gradient of one outer step, without taking it."""
    learned = [parameter for parameter in distiller.synthetic.parameters() if parameter.requires_grad]
    torch.autograd.grad(distiller.objective(batch, step), learned, allow_unused=True)


def seconds_per_step(distiller: Distiller, batch: Batch) -> float:
    """Mean wall-clock seconds of a few outer steps, of every kind of student as many."""
    kinds = len(distiller.members)
    for step in range(kinds):
        outer_step(distiller, batch, step)
    synchronise(batch.x.device)
    steps = STEPS + -STEPS % kinds
    start = time.perf_counter()
    for step in range(kinds, kinds + steps):
        outer_step(distiller, batch, step)
    synchronise(batch.x.device)
    return (time.perf_counter() - start) / steps


@torch.no_grad()
def seconds_per_check(distiller: Distiller, batch: Batch, problem: Problem) -> float:
    """Wall-clock seconds of one check: its students are trained, and read as many texts as the batch has."""
    texts, seconds = min(distiller.config.check_texts, len(problem.validation)), 0.0
    for member in distiller.members:
        start = time.perf_counter()
        thetas = member.checked_students()
        synchronise(batch.x.device)
        training = time.perf_counter() - start
        answers(member.student, thetas, batch.x, batch.mask, member.config.side_by_side)
        synchronise(batch.x.device)
        reading = time.perf_counter() - start - training
        seconds += training + reading * texts / len(batch.x)
    return seconds


def synchronise(device: torch.device) -> None:
    """Wait until a GPU has done what it was given; a CPU has."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def readable_time(seconds: float) -> str:
    """Seconds, minutes or hours."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def print_plans(plans: dict[str, Plan]) -> None:
    """Print the plans of all stages, one a column."""
    table = Table(title="plan", caption="measured on a few outer steps and a check; preparation comes on top")
    table.add_column("distiller")
    for name in plans:
        table.add_column(name, justify="right")
    rows: dict[str, Callable[[Plan], str]] = {
        "engine": lambda plan: plan.engine or "none",
        "peak memory": lambda plan: readable(plan.peak_memory_bytes),
        "time of writing": lambda plan: readable_time(plan.seconds_before) if plan.seconds_before else "none",
        "seconds per outer step": lambda plan: f"{plan.seconds_per_step:.3f}",
        "outer steps": lambda plan: str(plan.outer_steps),
        "seconds per check": lambda plan: f"{plan.seconds_per_check:.1f}",
        "time of distilling": lambda plan: readable_time(plan.seconds),
    }
    if not any(plan.seconds_before for plan in plans.values()):
        del rows["time of writing"]
    for what, show in rows.items():
        table.add_row(what, *map(show, plans.values()))
    Console().print(table)
