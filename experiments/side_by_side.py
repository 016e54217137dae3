"""What training K students side by side costs, as a share of what training them one by one costs, on one thread.

    OMP_NUM_THREADS=1 python experiments/side_by_side.py

Both ways take turns, so that other work on the machine disturbs them alike, and the seconds are those of the processor.
The result is written beside this file, as `table.md`.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import torch
from torch.nn import functional as F

from textdd.students import STUDENTS, make_student
from textdd.training import Lesson, Recipe, State, make_optimiser, train, unroll
from textdd.training.side_by_side import answers, train_all

HERE = Path(__file__).with_suffix("")
D, C = 100, 4
STEPS, REAL = 3, (128, 48)
"""Training steps of one measurement; real texts and their length."""

ROUNDS = 4
WAYS = ("never", "always")
CASES = [
    *(("textcnn", 4, length, 4, 5, order) for length in (12, 48) for order in ("fixed", "shuffled")),
    *(("textcnn", 120, 12, 40, students, order) for students in (5, 3) for order in ("fixed", "shuffled")),
    *(("textcnn", 120, 12, 8, 5, order) for order in ("fixed", "shuffled")),
    *(("textcnn", 120, 48, batch, 5, "shuffled") for batch in (20, 32)),
    *(("fasttext", size, 12, batch, 5, "shuffled") for size, batch in ((4, 4), (120, 40))),
    ("lstm", 4, 12, 4, 5, "shuffled"),
]
"""Student, M, L, B, K and the order of mini-batches: fixed ones are the same for all students."""

READING = [("textcnn", 120, 12, 40, students, "shuffled") for students in (5, 3)]
"""For which of them the real texts are measured, too."""


class Case:
    """K students, their lessons and real texts."""

    def __init__(self, name: str, size: int, length: int, batch: int, students: int, order: str) -> None:
        generator = torch.Generator().manual_seed(0)
        self.student, self.optimiser = make_student(STUDENTS[name][1](), D, C), make_optimiser("adam")
        # Texts are as large as word vectors usually are.
        self.x = (0.4 * torch.randn(size, length, D, generator=generator)).requires_grad_()
        self.real = 0.4 * torch.randn(*REAL, D, generator=generator)
        self.labels = torch.randint(C, (REAL[0],), generator=generator).repeat(students)
        recipe = Recipe("adam", STEPS, batch, order)
        rows = [recipe.schedule(size, seed) for seed in range(students)]
        y = F.one_hot(torch.arange(size) % C, C).float()
        lesson = Lesson(self.x, y, torch.full((STEPS,), 0.004), rows[0])
        self.lessons = [replace(lesson, rows=own) for own in rows]
        self.thetas = [self.student.fresh(seed) for seed in range(students)]
        self.towards = torch.randn(students, self.student.size, generator=generator)

    def training(self, way: str) -> None:
        """Some training steps."""
        self.trained(train, self.x.detach(), way)

    def outer(self, way: str) -> None:
        """An outer step but for the real texts: a gradient through these steps."""
        thetas = torch.stack([states[0].theta for states in self.trained(unroll, self.x, way)])
        torch.autograd.grad(thetas, self.x, self.towards)

    def judging(self, way: str) -> None:
        """The real texts of an outer step."""
        thetas = [theta.clone().requires_grad_() for theta in self.thetas]
        logits = answers(self.student, thetas, self.real, None, way)
        torch.autograd.grad(F.cross_entropy(logits.flatten(0, 1), self.labels), thetas)

    def trained(self, engine: Callable[..., list[State]], x: torch.Tensor, way: str) -> list[list[State]]:
        states = [State.fresh(theta, self.optimiser) for theta in self.thetas]
        lessons = [replace(lesson, x=x) for lesson in self.lessons]
        return train_all(engine, self.student, self.optimiser, states, lessons, [STEPS], way)


def compare(work: Callable[[str], None]) -> str:
    """Milliseconds one by one, and the share of them that side by side takes: medians, and the share of the minima."""
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    for turn in range(ROUNDS + 1):
        for way in WAYS if turn % 2 else WAYS[::-1]:
            start = time.process_time()
            work(way)
            if turn:  # the first warms up
                seconds[way].append(time.process_time() - start)
    one, beside = (statistics.median(seconds[way]) for way in WAYS)
    return f"{one * 1e3:.1f} | {beside / one:.2f} | {min(seconds['always']) / min(seconds['never']):.2f}"


def main() -> None:
    """Measure all cases and write the table."""
    torch.set_num_threads(1)
    torch.set_float32_matmul_precision("medium")
    rows = []
    for what in CASES:
        case = Case(*what)
        measured = {"training": case.training, "its gradient": case.outer}
        if what in READING:
            measured["the real texts"] = case.judging
        for part, work in measured.items():
            rows.append(f"| {' | '.join(map(str, (*what, part, compare(work))))} |\n")
            sys.stderr.write(rows[-1])
    heads = ["student", "M", "L", "B", "K", "order", "what", "ms one by one", "side by side", "of the minima"]
    table = (
        f"Made by `python {' '.join(sys.argv)}` on {date.today()}: {os.cpu_count()} cores, no GPU, one thread, torch "
        f"{torch.__version__}; load of the machine during the last 5 minutes {os.getloadavg()[1]:.1f}. Medians of "
        f"{ROUNDS} processor times; side by side as a share of one by one. Adam, {STEPS} training steps; an outer "
        f"step is the gradient through them and that of the loss on real texts, here {REAL[0]} x {REAL[1]}.\n\n"
        f"| {' | '.join(heads)} |\n| --- {'| ---: ' * 4}| --- | --- {'| ---: ' * 3}|\n" + "".join(rows)
    )
    HERE.mkdir(exist_ok=True)
    (HERE / "table.md").write_text(table)
    sys.stdout.write(table)


if __name__ == "__main__":
    main()
