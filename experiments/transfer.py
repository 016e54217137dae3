"""Does a set that was made for one student train another? The matrix distilled-on x trained-on, with a mixed set.

    python experiments/transfer.py data_dir=DIR embedding.path=DIR/vectors/glove_100d_10k.txt \\
        [dataset=trec6 seed=0 minutes=60]

Ten texts per class. A set is made for each student alone, in SINGLE counted minutes, and one for all of them in turn
(`model=[textcnn,lstm,fasttext,transformer]`), in TURNS outer steps of each, which is about the work of the four single
sets together. Every student is then trained on every set: by a plain recipe that is chosen on validation texts, and by
the set's own recipe where it took part. Beside that, on all training texts. Five fresh students, of all texts two; the
test texts are read once, of larger corpora the first two thousand of a fixed order. Sets lie in `output_dir` (runs/),
where a killed run is taken up again; every cell is a file of its own beside this one,
`transfer/DATASET-SET-STUDENT-sSEED.json`, and what is there is not measured again. `minutes` ends the work before the
next cell. Table and heat maps: `transfer.md`, `transfer.png`.
"""

import json
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from textdd.api import distil
from textdd.api.composing import problem_of
from textdd.evaluation.full_data import FullDataConfig, train_full
from textdd.evaluation.protocol import EvaluationConfig, Protocol
from textdd.evaluation.scoring import score
from textdd.machine import machine
from textdd.progress import say
from textdd.record import write_bytes, write_json
from textdd.report.drawing import Panel, picture
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.training_set import TrainingSet, train_students
from textdd.trainer import TrainerConfig, make_trainer
from textdd.training import Recipe

HERE = Path(__file__).with_suffix("")
KINDS = ("textcnn", "lstm", "fasttext", "transformer")
MIXED, FULL = "mixed", "full"
PER_CLASS, STUDENTS, TEST, SINGLE, TURNS, CPU = 10, 5, 2000, 0.5, 60, torch.device("cpu")
EPOCHS = {"ag_news": 2, "trec6": 30}
"""Most passes over the training texts; a training ends earlier when validation accuracy falls."""


def protocol_of(dataset: str, student: str, seed: int, given: dict[str, Any]) -> Protocol:
    """The comparison for a student, with little tuning."""
    full = FullDataConfig(step_sizes=[1e-3], epochs=EPOCHS[dataset])
    config = EvaluationConfig(students=STUDENTS, texts=500, steps=200, tuning_students=1, transfer=[], full=full)
    return Protocol(config, problem_of(dataset, None, student, {"seed": seed, **given}), CPU, seed)


def made(dataset: str, name: str, seed: int, given: dict[str, Any]) -> DistilledSet:
    """Distil the set that a row of the matrix is of, or find it."""
    options = {"distiller.targets": "labels", "trainer.threads": 1, "trainer.accelerator": "cpu", "seed": seed}
    if name != MIXED:
        return distil(dataset, per_class=PER_CLASS, student=name, minutes=SINGLE, **options, **given)
    options |= {"distiller.outer_steps": TURNS * len(KINDS), "distiller.check_every": TURNS}
    return distil(dataset, per_class=PER_CLASS, student=KINDS, **options, **given)


def reached(protocol: Protocol, examples: TrainingSet, recipe: Recipe, step_sizes: torch.Tensor | None) -> list[float]:
    """Test accuracies of fresh students."""
    trained = train_students(
        protocol.problem.student, [examples], recipe, protocol.seeds("evaluation"), [recipe.steps], step_sizes
    )
    return accuracies(protocol, [theta for (theta,) in trained])


def accuracies(protocol: Protocol, thetas: list[torch.Tensor]) -> list[float]:
    """Test accuracies of trained students."""
    values: list[float] = score(thetas, protocol.problem.test.sample(TEST), protocol.reader)["accuracy"].tolist()
    return values


def cell(dataset: str, name: str, student: str, seed: int, given: dict[str, Any]) -> dict[str, Any]:
    """What a student reaches by a set, or by all texts."""
    protocol = protocol_of(dataset, student, seed, given)
    if name == FULL:
        seeds, make = protocol.seeds("full")[:2], partial(make_trainer, TrainerConfig("cpu", threads=1), alone=True)
        cache = protocol.problem.cache / "transfer" / f"{dataset}-{student}-s{seed}"
        thetas, facts = train_full(protocol.config.full, protocol.problem, seeds, cache, make, CPU)
        return {"own": accuracies(protocol, thetas), "curve": facts["curve"]}
    small = made(dataset, name, seed, given)
    examples, found = small.training_set(protocol.reader), {}
    if student in small.kinds:
        alone = small.of(student)
        found["own"] = reached(protocol, examples, alone.recipe, alone.step_sizes)
    recipe = protocol.recipe([examples.plain()], f"{name} set, {student}")
    found |= {"plain": reached(protocol, examples.plain(), recipe, None), "recipe": [recipe.steps, recipe.step_size]}
    return found | {"distilling": small.manifest["distilling"]}


def results(dataset: str, seed: int) -> dict[tuple[str, str], dict[str, Any]]:
    """What has been measured: (set, student) -> its file, each with the accuracy that counts, `best`.

    That is by the set's own recipe where it has one for the student, else by the plain one.
    """
    found = {}
    for name in (*KINDS, MIXED, FULL):
        for student in KINDS:
            place = HERE / f"{dataset}-{name}-{student}-s{seed}.json"
            if place.exists():
                one = json.loads(place.read_text())
                values = one.get("own") or one["plain"]
                found[name, student] = one | {"best": sum(values) / len(values)}
    return found


def draw(axes: Axes, found: dict[tuple[str, str], dict[str, Any]], of: str) -> None:
    """A heat map of the share of what each student reaches on all texts, or by the set that was made for it."""
    rows = (*KINDS, MIXED)
    for i, name in enumerate(rows):
        for j, student in enumerate(KINDS):
            whole = found.get((student if of == "own" else FULL, student))
            if (name, student) in found and whole is not None:
                share = found[name, student]["best"] / whole["best"]
                shade = min(max((share - 0.8) / 0.2, 0.0), 1.0)
                axes.add_patch(
                    Rectangle((j - 0.5, i - 0.5), 1, 1, color=(1 - 0.75 * shade, 1 - 0.4 * shade, 1 - 0.25 * shade))
                )
                axes.text(j, i, f"{share:.3f}", ha="center", va="center")
    axes.set(
        xlim=(-0.5, len(KINDS) - 0.5), ylim=(len(rows) - 0.5, -0.5), xlabel="trained on it", ylabel="distilled for"
    )
    axes.set_xticks(range(len(KINDS)), KINDS)
    axes.set_yticks(range(len(rows)), rows)


def told(values: list[float] | None) -> str:
    """Mean and standard deviation over students."""
    if not values:
        return ""
    spread = torch.tensor(values)
    return f"{spread.mean():.3f} ± {spread.std():.3f}"


def tables() -> None:
    """Write the table and the heat maps of what there is."""
    seeds = sorted({(place.stem.split("-")[0], int(place.stem.rsplit("-s", 1)[1])) for place in HERE.glob("*.json")})
    lines, panels = [], []
    for dataset, seed in seeds:
        found = results(dataset, seed)
        lines += [f"## {dataset}, seed {seed}", "", "| distilled for | " + " | ".join(KINDS) + " |"]
        lines += ["| --- |" + " ---: |" * len(KINDS)]
        for name in (*KINDS, MIXED, FULL):
            for recipe in ("own", "plain") if name != FULL else ("own",):
                cells = [told(found.get((name, student), {}).get(recipe)) for student in KINDS]
                what = "all texts" if name == FULL else f"{name}, {recipe} recipe"
                if any(cells):
                    lines.append(f"| {what} | {' | '.join(cells)} |")
        lines.append("")
        for of, words in ((FULL, "by all texts"), ("own", "by its own set")):
            if of == "own" or any(name == FULL for name, _ in found):
                title = f"{dataset}: share of what it reaches {words}"
                panels.append(Panel(title, partial(draw, found=found, of=of)))
    write_bytes(HERE.with_suffix(".md"), "\n".join(lines).encode())
    (png,) = picture(panels, "png")
    write_bytes(HERE.with_suffix(".png"), png)


def main() -> None:
    """Measure what is missing, one cell after the other, and write table and pictures."""
    given: dict[str, Any] = dict(argument.split("=", 1) for argument in sys.argv[1:])
    began, minutes = time.monotonic(), float(given.pop("minutes", 60))
    dataset, seed = given.pop("dataset", "trec6"), int(given.pop("seed", 0))
    given = {"embedding": "glove"} | given
    for name in (*KINDS, MIXED, FULL):
        for student in KINDS:
            place = HERE / f"{dataset}-{name}-{student}-s{seed}.json"
            if place.exists() or time.monotonic() - began > 60 * minutes:
                continue
            start = time.perf_counter()
            found = cell(dataset, name, student, seed, given)
            write_json(place, found | {"seconds": time.perf_counter() - start, "machine": machine()})
            say(f"{place.stem}: {told(found.get('own'))} own, {told(found.get('plain'))} plain")
            tables()


if __name__ == "__main__":
    main()
