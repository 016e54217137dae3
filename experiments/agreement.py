"""Do the gradients of two outer steps agree, each with a student and real texts of its own?

    python experiments/agreement.py TABLE.md dataset=... per_class=1 ...

Where they do not, an outer step goes anywhere. Told are the mean cosine between the gradients of one text of a set, at
its start, in two outer steps, and how long the longest gradient of the set is, as a multiple of the median.
"""

import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from textdd.cli import compose_config
from textdd.config import register, to_run
from textdd.outer.distil import make_distiller, materials_of
from textdd.outer.distiller import Distiller
from textdd.prepare import materials_folder, prepare
from textdd.problem import Problem
from textdd.quiet import quiet
from textdd.record import write_bytes
from textdd.seeds import numpy_generator
from textdd.trainer import set_up_process

GRADIENTS = 8
"""Outer steps whose gradients are compared."""

TRIED = [(name, texts) for name in ("adam", "smooth_adam") for texts in (128, 512)]
"""Inner optimiser, and real texts of an outer step."""


def gradients(distiller: Distiller, problem: Problem, texts: int) -> Tensor:
    """The gradients (S, M, L D) of a set's texts in S = GRADIENTS outer steps."""
    reader, found = problem.reader(), []
    for step in range(GRADIENTS):
        rows = numpy_generator(problem.seed, "agreement", step).choice(len(problem.train), texts, replace=False)
        loss = distiller.objective(reader(problem.train.batch(rows)), step)
        (gradient,) = torch.autograd.grad(loss, list(distiller.synthetic.texts.parameters()))
        found.append(gradient.flatten(1))
    return torch.stack(found)


def agreement(found: Tensor) -> float:
    """The mean cosine between the gradients (S, M, L D) of one text in two outer steps."""
    unit = F.normalize(found, dim=-1)
    cosines = torch.einsum("smd,tmd->mst", unit, unit).sum((1, 2)) - len(found)
    return float(cosines.mean()) / (len(found) * (len(found) - 1))


def main(path: Path, options: list[str]) -> None:
    """Measure what is tried, and write a table."""
    register()
    quiet()
    run = to_run(compose_config("config", [*options, "logger=none"]))
    set_up_process(run.trainer)
    problem = prepare(run)
    heads = ("inner optimiser", "real texts", "agreement", "longest gradient", "seconds")
    lines = [f"| {' | '.join(heads)} |", "| --- | ---: | ---: | ---: | ---: |"]
    for name, texts in TRIED:
        config = replace(run.distiller, inner_optimiser=name, outer_batch=texts, outer_steps=1, plain_share=0.0)
        distiller = make_distiller(config, problem)
        distiller.prepare(materials_of(problem, run.trainer, materials_folder(run, problem)))
        began = time.process_time()
        found = gradients(distiller, problem, texts)
        seconds = (time.process_time() - began) / GRADIENTS
        norms = found.flatten(1).norm(dim=1).numpy()
        longest = norms.max() / np.median(norms)
        lines.append(f"| {name} | {texts} | {agreement(found):.3f} | {longest:.1f} | {seconds:.2f} |")
    write_bytes(path, ("\n".join(lines) + "\n").encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
