"""What torch.compile would bring: each hot path of a run with the student compiled, as a share of its time as it is.

    OMP_NUM_THREADS=1 python experiments/compiled.py

Both ways take turns, so that other work on the machine disturbs them alike. Seconds of compiling are counted apart: a
path has to save as much before compiling it pays. torch.compile on a CPU needs a C++ compiler. The result is written
beside this file, as `table.md`.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import torch
import torch._functorch.config
from torch import Tensor
from torch.nn import functional as F

from textdd.students import STUDENTS, make_student
from textdd.training import Lesson, Recipe, State, make_optimiser, train, unroll
from textdd.training.student import FlatStudent

HERE = Path(__file__).with_suffix("")
D, C, SIZE, LENGTH, BATCH, STEPS = 100, 4, 120, 12, 40, 3
REAL = (128, 48)
"""Real texts and their length."""

ROUNDS = 9


class Compiled(FlatStudent):
    """A student whose forward pass is compiled, as a function of a vector; its module is compiled apart."""

    def __init__(self, student: FlatStudent) -> None:
        super().__init__(student.module)
        self.compiled = torch.compile(super().__call__)

    def __call__(self, theta: Tensor, x: Tensor, mask: Tensor | None = None) -> Tensor:
        return self.compiled(theta, x, mask)


class Paths:
    """The hot paths of a run, for one student, as it is or compiled."""

    def __init__(self, name: str, compiled: bool) -> None:
        generator = torch.Generator().manual_seed(0)
        student, self.optimiser = make_student(STUDENTS[name][1](), D, C), make_optimiser("adam")
        self.student = Compiled(student) if compiled else student
        self.module = torch.compile(student.module) if compiled else student.module
        self.adam = torch.optim.Adam(student.module.parameters(), 1e-4)
        # Texts are as large as word vectors usually are.
        self.real = 0.4 * torch.randn(*REAL, D, generator=generator)
        self.mask = torch.arange(REAL[1]) < torch.randint(20, REAL[1] + 1, (REAL[0], 1), generator=generator)
        self.labels = torch.randint(C, (REAL[0],), generator=generator)
        self.x = (0.4 * torch.randn(SIZE, LENGTH, D, generator=generator)).requires_grad_()
        rows = Recipe("adam", STEPS, BATCH).schedule(SIZE, 0)
        self.lesson = Lesson(self.x, F.one_hot(torch.arange(SIZE) % C, C).float(), torch.full((STEPS,), 4e-3), rows)
        self.theta = student.fresh(0)

    @torch.no_grad()
    def reading(self) -> None:
        """Answers on real texts, as scoring and teachers need them."""
        self.student(self.theta, self.real, self.mask)

    def full_data(self) -> None:
        """A training step on real texts."""
        self.adam.zero_grad()
        F.cross_entropy(self.module(self.real, self.mask), self.labels).backward()
        self.adam.step()

    def training(self) -> None:
        """Training steps on a distilled set."""
        train(self.student, self.optimiser, State.fresh(self.theta, self.optimiser), self.lesson, [STEPS])

    def differentiating(self) -> None:
        """The gradient through such steps."""
        (state,) = unroll(self.student, self.optimiser, State.fresh(self.theta, self.optimiser), self.lesson, [STEPS])
        torch.autograd.grad(state.theta.sum(), self.x)


PATHS = {
    "reading real texts": Paths.reading,
    "a training step on real texts": Paths.full_data,
    f"{STEPS} training steps on a set": Paths.training,
    "the gradient through them": Paths.differentiating,
}


def clocked(work: Callable[[], None]) -> float:
    """Processor seconds."""
    start = time.process_time()
    work()
    return time.process_time() - start


def compare(name: str, path: Callable[[Paths], None]) -> list[str]:
    """Milliseconds as it is, the share of them that compiled takes (medians), and what compiling takes."""
    plain, compiled = Paths(name, compiled=False), Paths(name, compiled=True)
    start = time.perf_counter()
    try:
        path(compiled)
    except RuntimeError as error:
        return [f"{clocked(lambda: path(plain)) * 1e3:.1f}", "not possible", str(error).splitlines()[0]]
    seconds = time.perf_counter() - start
    found: dict[bool, list[float]] = {False: [], True: []}
    for turn in range(ROUNDS + 1):
        for way in (False, True) if turn % 2 else (True, False):
            taken = clocked(lambda way=way: path(compiled if way else plain))
            if turn:  # the first warms up
                found[way].append(taken)
    one, other = (statistics.median(found[way]) for way in (False, True))
    return [f"{one * 1e3:.1f}", f"{other / one:.2f}", f"{seconds:.0f} s to compile"]


def main() -> None:
    """Measure every path of every student and write the table."""
    torch.set_num_threads(1)
    torch._functorch.config.donated_buffer = False  # or that is what a gradient through training steps fails of first
    rows = []
    for name in STUDENTS:
        for what, path in PATHS.items():
            torch.compiler.reset()
            rows.append(f"| {' | '.join([name, what, *compare(name, path)])} |\n")
            sys.stderr.write(rows[-1])
    table = (
        f"Made by `python {' '.join(sys.argv)}` on {date.today()}: {os.cpu_count()} cores, no GPU, one thread, torch "
        f"{torch.__version__}; load of the machine during the last 5 minutes {os.getloadavg()[1]:.1f}. Medians of "
        f"{ROUNDS} processor times, compiled as a share of as it is. {REAL[0]} real texts of up to {REAL[1]} tokens; a "
        f"set of {SIZE} texts of {LENGTH}, in batches of {BATCH}; D = {D}.\n\n"
        "| student | what | ms as it is | compiled | |\n| --- | --- | ---: | ---: | --- |\n" + "".join(rows)
    )
    HERE.mkdir(exist_ok=True)
    (HERE / "table.md").write_text(table)
    sys.stdout.write(table)


if __name__ == "__main__":
    main()
