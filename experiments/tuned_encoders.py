"""Sets for pretrained encoders that are tuned: attention labels, adapters, single layers, and plain lessons beside.

    python experiments/tuned_encoders.py model=FOLDER data_dir=DIR [dataset=trec6 seed=0 minutes=40 only=cls,none]

One text per class, `experiment=attention_labels`, and for each row below what it names; one thread. Every figure is of
five fresh students, the test texts are read once: all those of trec6, the first thousand of a fixed order of larger
corpora. The plain recipe (Adam on all that is learned, shuffled, without attention labels) is chosen on 200 validation
texts. Each row is a file of its own beside this one, `tuned_encoders/DATASET-ROW-sSEED.json`, and what is there is not
measured again; `minutes` ends the work before the next one. The table is `tuned_encoders.md`.
"""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from textdd.api import distil
from textdd.api.composing import problem_of
from textdd.evaluation.protocol import EvaluationConfig, Protocol, Result
from textdd.evaluation.scoring import score
from textdd.machine import machine
from textdd.problem import Problem
from textdd.progress import say
from textdd.record import write_bytes, write_json
from textdd.selectors import SELECTORS
from textdd.sets.training_set import TrainingSet, real_set, train_students

HERE = Path(__file__).with_suffix("")
STUDENTS, TEST, CPU = 5, 1000, torch.device("cpu")
STEPS = {"trec6": 150, "ag_news": 150}
ROWS: dict[str, dict[str, Any]] = {
    "cls": {},
    "none": {"distiller.attention": "none"},
    "half_plain": {"distiller.plain_part": "head", "distiller.plain_share": 0.5},
    "lora": {"model.tuning": "lora:8"},
    "top2": {"model.tuning": "top:2"},
    "all": {"distiller.attention": "all"},
    "random": {},
}
"""Row -> what it changes of the experiment."""


def measured(problem: Problem, sets: Sequence[TrainingSet], own: Any, seed: int) -> Result:
    """The accuracy of students by the set's own recipe, if it has one, and by the plain one."""
    config = EvaluationConfig(students=STUDENTS, texts=200, steps=100, tuning_students=1, transfer=[])
    protocol, found = Protocol(config, problem, CPU, seed), {}
    test, seeds = problem.test.sample(TEST), protocol.seeds("evaluation")

    def tested(recipe: Any, examples: Sequence[TrainingSet], step_sizes: Any = None) -> list[float]:
        trained = train_students(problem.student, examples, recipe, seeds, [recipe.steps], step_sizes)
        values: list[float] = score([theta for (theta,) in trained], test, protocol.reader)["accuracy"].tolist()
        return values

    if own is not None:
        found["own"] = tested(own.recipe, sets, own.step_sizes)
    plain = [examples.plain() for examples in sets]
    recipe = protocol.recipe(plain, "plain recipe")
    return found | {"plain": tested(recipe, plain), "recipe": [recipe.steps, recipe.step_size]}


def work(dataset: str, row: str, seed: int, given: dict[str, Any]) -> Result:
    """Distil what a row says, and measure it."""
    options = {"experiment": "attention_labels", "model.tuning": "full", "seed": seed, "trainer.threads": 1}
    options |= {"trainer.accelerator": "cpu", "distiller.outer_steps": STEPS[dataset], "distiller.length": 16}
    options |= ROWS[row] | given
    problem = problem_of(dataset, None, "pretrained", options)
    if row == "random":
        reader = problem.reader()
        picks = [SELECTORS["random"](problem.train, reader, 1, number) for number in range(STUDENTS)]
        return measured(problem, [real_set(problem.train, pick, reader) for pick in picks], None, seed)
    began = time.perf_counter()
    small = distil(dataset, per_class=1, student="pretrained", **options)
    seconds = time.perf_counter() - began
    found = measured(problem, [small.training_set(problem.reader())], small, seed)
    validation = small.manifest["distilling"]
    return found | {"wall_seconds": seconds, "distilling": validation, "bytes": small.stored_bytes()}


def main() -> None:
    """Measure what is missing, one row after the other, and write the table."""
    given: dict[str, Any] = dict(argument.split("=", 1) for argument in sys.argv[1:])
    began, minutes = time.monotonic(), float(given.pop("minutes", 40))
    dataset, seed = given.pop("dataset", "trec6"), int(given.pop("seed", 0))
    given["model.path"] = given.pop("model")
    for row in given.pop("only", ",".join(ROWS)).split(","):
        place = HERE / f"{dataset}-{row}-s{seed}.json"
        if place.exists() or time.monotonic() - began > 60 * minutes:
            continue
        start = time.perf_counter()
        found = work(dataset, row, seed, given)
        found |= {"seconds": time.perf_counter() - start, "machine": machine()}
        say(f"{dataset} {row}: {found}")
        write_json(place, found)
    table()


def told(values: list[float] | None) -> str:
    """Mean and standard deviation over students."""
    if not values:
        return ""
    spread = torch.tensor(values)
    return f"{spread.mean():.3f} ± {spread.std():.3f}"


def table() -> None:
    """Write what there is, a line for each file."""
    lines = ["| corpus | row | seed | own recipe | plain recipe | bytes | outer steps | seconds of distilling |"]
    lines.append("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for place in sorted(HERE.glob("*.json")):
        found, (dataset, row, seed) = json.loads(place.read_text()), place.stem.rsplit("-", 2)
        made = found.get("distilling", {})
        size = sum(found.get("bytes", {}).values()) or ""
        took = f"{made['seconds']:.0f}" if made else ""
        cells = (dataset, row, seed[1:], told(found.get("own")), told(found["plain"]), size)
        lines.append(f"| {' | '.join(map(str, (*cells, made.get('outer_steps', ''), took)))} |")
    write_bytes(HERE.with_suffix(".md"), ("\n".join(lines) + "\n").encode())


if __name__ == "__main__":
    main()
