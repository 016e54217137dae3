"""Seconds of training steps beside what the students' formulas count: distiller.minutes rests on them.

python experiments/work.py
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from textdd.record import write_bytes
from textdd.students import STUDENTS, make_student
from textdd.training import Lesson, Recipe, State, make_optimiser, train, unroll
from textdd.training.student import FlatStudent
from textdd.training.work import PER_MINUTE

OUT = Path(__file__).parent / "work" / "table.md"
STEPS, REPEATS, CLASSES = 4, 5, 4
SETTINGS = [(8, 12), (40, 12), (128, 48)]
CASES = [
    ("textcnn", 100, {}),
    ("fasttext", 100, {}),
    ("lstm", 100, {}),
    ("transformer", 100, {}),
    ("transformer", 300, {"width": 128, "layers": 4}),
    ("fasttext", 300, {"hidden": 300}),
    ("lstm", 300, {"hidden": 128}),
    ("custom", 100, {"target": "tests/students/own_student.py:GatedMean"}),
]


def seconds(work: Callable[[], object]) -> float:
    """The least of several repeats, after one to warm up."""
    work()
    taken = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)


def measured(student: FlatStudent, batch: int, length: int, dimension: int) -> dict[str, float]:
    """Seconds of one step of each kind."""
    x = torch.randn(batch, length, dimension, requires_grad=True)
    y = torch.full((batch, CLASSES), 1 / CLASSES, requires_grad=True)
    recipe, adam = Recipe("adam", STEPS, batch, "fixed", 1e-3), make_optimiser("adam")
    lesson = Lesson(x, y, recipe.step_sizes().requires_grad_(), recipe.schedule(batch, 0))
    plain = Lesson(x.detach(), y.detach(), recipe.step_sizes(), lesson.rows)
    state = State.fresh(student.fresh(0), adam)
    theta = state.theta.clone().requires_grad_()

    def differentiated() -> None:
        (end,) = unroll(student, adam, state, lesson, [STEPS])
        torch.autograd.grad(end.theta.square().sum(), [x, y, lesson.step_sizes])

    def read() -> None:
        with torch.no_grad():
            student(state.theta, x)

    def learn() -> None:
        torch.autograd.grad(student(theta, x.detach()).square().sum(), theta)

    return {
        "differentiated": seconds(differentiated) / STEPS,
        "plain": seconds(lambda: train(student, adam, state, plain, [STEPS])) / STEPS,
        "read": seconds(read),
        "learn": seconds(learn),
    }


HEAD = """| student | D | step | batch x tokens | ms | counted, as ms | ratio |
| --- | ---: | --- | ---: | ---: | ---: | ---: |
"""


def unit() -> float:
    """Milliseconds of a token-step here, from what the default does in an outer step with a TextCNN."""
    student = make_student(STUDENTS["textcnn"][1](), 100, CLASSES)
    work, inner, real = student.module.work(), (40, 12), (128, 48)
    taken = 24 * measured(student, *inner, 100)["differentiated"] + measured(student, *real, 100)["learn"]
    return 1e3 * taken / (work.differentiated.of(24, *inner) + work.learn.of(1, *real))


def main() -> None:
    """Print the table, and write it."""
    torch.set_num_threads(1)
    torch.set_float32_matmul_precision("medium")
    scale, lines = unit(), []
    sys.stdout.write(f"a token-step takes {scale:.5f} ms here, and was {6e4 / PER_MINUTE:.5f} where it was fitted\n")
    for name, dimension, options in CASES:
        student = make_student(STUDENTS[name][1](**options), dimension, CLASSES)
        work, shown = student.module.work(), ", ".join(f"{key} {value}" for key, value in options.items())
        for batch, length in SETTINGS:
            for kind, taken in measured(student, batch, length, dimension).items():
                counted = getattr(work, kind).of(1, batch, length) * scale
                cells = [f"{name} ({shown})" if shown else name, dimension, kind, f"{batch} x {length}"]
                cells += [f"{1e3 * taken:.2f}", f"{counted:.2f}", f"{counted / (1e3 * taken):.2f}"]
                lines.append("| " + " | ".join(map(str, cells)) + " |\n")
                sys.stdout.write(lines[-1])
    write_bytes(OUT, (HEAD + "".join(lines)).encode())


if __name__ == "__main__":
    main()
