"""Seconds, memory and exactness of a hypergradient, beside what else computes it; or seconds until an accuracy.

    python experiments/bench.py                  # the table: experiments/bench/table.md
    python experiments/bench.py until data_dir=DIR embedding=glove embedding.path=DIR/vectors/glove_100d_10k.txt

Every candidate trains the same TextCNN from the same parameters on the same texts by plain gradient descent and
differentiates the loss on the same real texts, in a process of its own on one thread; rounds are interleaved. Seconds
are those of the processor, which other work on the machine disturbs least; memory is the growth of the process's peak.
"""

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from bench_until import until
from torch import Tensor, nn
from torch.nn import functional as F

from textdd.evaluation.cost import reset_peak, resident, resident_peak
from textdd.students import make_student
from textdd.students.textcnn import Filters, TextCNN, TextCNNConfig
from textdd.training import ENGINES, Lesson, Recipe, State, make_optimiser

HERE = Path(__file__).with_suffix("")
M, L, D, C = 120, 48, 100, 4
STEPS = {10: 3, 50: 3, 200: 1}
"""T -> rounds."""

ROOM = 2_000_000_000
"""Bytes that a candidate may take."""

STEP_SIZE = 0.05


class Conv1dTextCNN(nn.Module):
    """TextCNN as it is usually written, with the parameters of textdd's."""

    def __init__(self) -> None:
        super().__init__()
        self.filters = nn.ModuleList(nn.Conv1d(D, 100, width) for width in (3, 4, 5))
        self.head = nn.Linear(300, C)

    def forward(self, x: Tensor) -> Tensor:
        x = F.pad(x, (0, 0, 0, 4)).transpose(1, 2)
        found = [F.relu(conv(x)[..., :L]).amax(2) for conv in self.filters]
        return self.head(torch.cat(found, 1))


class OwnTextCNN(nn.Module):
    """Textdd's TextCNN without its abstract base class, which `higher` cannot patch."""

    def __init__(self) -> None:
        super().__init__()
        self.filters = nn.ModuleList(Filters(width, D, 100) for width in (3, 4, 5))
        self.head = nn.Linear(300, C)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(TextCNN.features(self, x))


class Problem:
    """The set, the student's start and the real texts, the same for all candidates."""

    def __init__(self, steps: int, learned: bool, dtype: torch.dtype = torch.float32) -> None:
        generator = torch.Generator().manual_seed(0)
        self.steps = steps
        # Texts are as large as word vectors usually are.
        texts = 0.4 * torch.randn(2, M, L, D, generator=generator)
        self.x, self.real = texts[0].to(dtype).requires_grad_(), texts[1].to(dtype)
        self.logits = torch.randn(M, C, generator=generator).to(dtype).requires_grad_(learned)
        self.step_sizes = torch.full((steps,), STEP_SIZE, dtype=dtype).requires_grad_(learned)
        self.labels = torch.randint(C, (M,), generator=generator)
        self.student = make_student(TextCNNConfig(), D, C)
        self.theta = self.student.fresh(0, dtype=dtype)

    def gradients(self, loss: Tensor) -> list[Tensor]:
        leaves = [leaf for leaf in (self.x, self.logits, self.step_sizes) if leaf.requires_grad]
        return list(torch.autograd.grad(loss, leaves))

    def module(self, kind: str) -> nn.Module:
        """The student as a module with its parameters: textdd's own, or by Conv1d."""
        named = self.student.unflatten(self.theta)
        module: nn.Module = Conv1dTextCNN() if kind == "conv1d" else OwnTextCNN()
        if kind == "conv1d":
            for name, weight in named.items():
                if name.endswith(".weight") and name.startswith("filters"):
                    named[name] = weight.view(len(weight), -1, D).transpose(1, 2)
        module.to(self.theta.dtype).load_state_dict(named)
        return module

    def inner_loss(self, logits: Tensor) -> Tensor:
        return F.cross_entropy(logits, self.logits.softmax(1))


def by_textdd(engine: str, problem: Problem) -> list[Tensor]:
    optimiser, student = make_optimiser("sgd"), problem.student
    rows = Recipe("sgd", problem.steps, M, "fixed").schedule(M, 0)
    lesson = Lesson(problem.x, problem.logits.softmax(1), problem.step_sizes, rows)
    state = State.fresh(problem.theta, optimiser)
    (state,) = ENGINES[engine](student, optimiser, state, lesson, [problem.steps])
    return problem.gradients(F.cross_entropy(student(state.theta, problem.real), problem.labels))


def by_higher(kind: str, problem: Problem) -> list[Tensor]:
    import higher

    module = problem.module(kind)
    with higher.innerloop_ctx(module, torch.optim.SGD(module.parameters(), STEP_SIZE)) as (student, optimiser):
        for t in range(problem.steps):
            optimiser.step(problem.inner_loss(student(problem.x)), override={"lr": [problem.step_sizes[t]]})
        return problem.gradients(F.cross_entropy(student(problem.real), problem.labels))


def by_torchopt(kind: str, problem: Problem) -> list[Tensor]:
    import torchopt

    module = problem.module(kind)
    optimiser = torchopt.MetaOptimizer(module, torchopt.sgd(lambda t: problem.step_sizes[int(t)]))
    for _ in range(problem.steps):
        optimiser.step(problem.inner_loss(module(problem.x)))
    return problem.gradients(F.cross_entropy(module(problem.real), problem.labels))


def by_plain_loop(kind: str, problem: Problem) -> list[Tensor]:
    """As in the code of Dataset Distillation (Wang et al. 2018) and those that followed it."""
    module = problem.module(kind)
    weights = {name: parameter.detach().requires_grad_() for name, parameter in module.named_parameters()}
    for t in range(problem.steps):
        loss = problem.inner_loss(torch.func.functional_call(module, weights, (problem.x,)))
        gradients = torch.autograd.grad(loss, list(weights.values()), create_graph=True)
        weights = {
            name: weight - problem.step_sizes[t] * gradient
            for (name, weight), gradient in zip(weights.items(), gradients, strict=True)
        }
    return problem.gradients(
        F.cross_entropy(torch.func.functional_call(module, weights, (problem.real,)), problem.labels)
    )


CANDIDATES: dict[str, Callable[[Problem], list[Tensor]]] = {
    "textdd recompute": partial(by_textdd, "recompute"),
    "textdd unroll": partial(by_textdd, "unroll"),
    "higher": partial(by_higher, "textdd"),
    "torchopt": partial(by_torchopt, "textdd"),
    "plain loop": partial(by_plain_loop, "textdd"),
    "higher, Conv1d": partial(by_higher, "conv1d"),
    "torchopt, Conv1d": partial(by_torchopt, "conv1d"),
    "plain loop, Conv1d": partial(by_plain_loop, "conv1d"),
}


def worker(name: str, steps: int, learned: bool, path: Path) -> None:
    """Compute one hypergradient for every line that is read; answer with seconds and bytes, or say what was wrong.

    The gradients of a short training are left at `path`, in float64: in float32 rounding decides which of two windows
    that respond alike wins, which says nothing about a method.
    """
    torch.set_num_threads(1)
    CANDIDATES[name](Problem(1, learned))  # libraries allocate once and for all
    problem = Problem(steps, learned)
    virtual = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (virtual + ROOM, resource.RLIM_INFINITY))
    for _ in sys.stdin:
        reset_peak()
        before, start = resident(), time.process_time()
        try:
            CANDIDATES[name](problem)
        except (RuntimeError, MemoryError) as error:
            if "memory" not in str(error):
                raise
            answer(error=f"> {ROOM / 1e9:.0f} GB")
            return
        answer(seconds=time.process_time() - start, bytes=resident_peak() - before)
    if steps == min(STEPS):
        torch.save(CANDIDATES[name](Problem(steps, learned, torch.float64)), path)


def answer(**content: object) -> None:
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()


def case(steps: int, learned: bool, folder: Path) -> list[list[str]]:
    """The lines of the table for one T."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    workers, answers = {}, {}
    for name in CANDIDATES:
        command = [sys.executable, __file__, "worker", name, str(steps), str(int(learned)), str(folder / name)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": environment}
        workers[name] = subprocess.Popen(command, **pipes)
        answers[name] = []
    for _ in range(STEPS[steps]):
        for name, process in workers.items():
            if not any("error" in found for found in answers[name]):
                process.stdin.write("go\n")
                process.stdin.flush()
                answers[name].append(json.loads(process.stdout.readline() or '{"error": "failed"}'))
    for process in workers.values():
        process.stdin.close()
        process.wait()
    first = answers["textdd recompute"]
    own = summary(first)
    lines = []
    for name, found in answers.items():
        line = [str(steps), "learned" if learned else "fixed", name]
        if "error" in found[-1]:
            lines.append([*line, found[-1]["error"], "", "", "", ""])
            continue
        seconds, size = summary(found)
        line += [f"{seconds:.2f}", f"{seconds / own[0]:.2f}", f"{size / 1e6:.0f}", f"{size / own[1]:.2f}"]
        lines.append([*line, difference(folder / name, folder / "plain loop, Conv1d") if steps == min(STEPS) else ""])
    return lines


def summary(answers: list[dict]) -> tuple[float, float]:
    """Median seconds, and the most bytes: a later round finds memory that an earlier one has left."""
    return statistics.median(found["seconds"] for found in answers), max(found["bytes"] for found in answers)


def difference(path: Path, reference: Path) -> str:
    """The largest relative difference among the gradients for texts, labels and step sizes."""
    pairs = zip(torch.load(path), torch.load(reference), strict=True)
    return f"{max(float((a - b).norm() / b.norm()) for a, b in pairs):.0e}"


def share_of_peak() -> str:
    """How much of the processor's speed in matrix products the dense part of a training step has."""
    torch.set_num_threads(1)
    a, b, problem = torch.randn(1024, 1024), torch.randn(1024, 1024), Problem(10, learned=True)
    peak = 2 * 1024**3 / best(lambda: a @ b)
    search = 2 * M * L * 12 * D * 100  # one product of all windows and all filters
    step = best(lambda: by_textdd("recompute", problem)) / 10
    return (
        f"Matrix products reach {peak / 1e9:.0f} Gflop/s (1024 x 1024). A hypergradient through ten steps multiplies "
        f"densely {search / 1e9:.2f} Gflop a step, {search / step / peak:.0%} of that peak; the rest of the time goes "
        "into maxima over time and into sums over the windows that won, which wait for memory and not for "
        "multiplications. Multiplied out, these sums would make the dense work seven to eight times as much."
    )


def best(work: Callable[[], object]) -> float:
    """Least seconds of the processor."""
    found = []
    for _ in range(5):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found)


def table() -> None:
    """Measure, and write the table."""
    head = ["T", "labels, step sizes", "candidate", "seconds", "ratio", "MB", "ratio", "difference"]
    lines = [head, ["---:", "---", "---", *["---:"] * 5]]
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        for steps in STEPS:
            for learned in (False, True):
                lines += case(steps, learned, Path(folder))
                write(lines, time.perf_counter() - start)
    sys.stdout.write((HERE / "table.md").read_text())


def write(lines: list[list[str]], seconds: float) -> None:
    """Write what is known so far: a run that is interrupted leaves the cases that it has finished."""
    text = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    where = f"{platform.machine()}, {os.cpu_count()} shared cores, torch {torch.__version__}"
    how = f"`python experiments/bench.py`: {seconds:.0f} s on {where}, one thread each."
    what = (
        f"Batch {M}, L = {L}, D = {D}, TextCNN 3/4/5 x 100, SGD; seconds of the processor, medians; "
        f"difference from the last candidate, in float64, at T = {min(STEPS)}."
    )
    HERE.mkdir(exist_ok=True)
    (HERE / "table.md").write_text(f"{how} {what}\n\n{text}\n\n{share_of_peak()}\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["worker"]:
        worker(sys.argv[2], int(sys.argv[3]), sys.argv[4] == "1", Path(sys.argv[5]))
    elif sys.argv[1:2] == ["until"]:
        until(sys.argv[2:], HERE / "until.md")
    else:
        table()
