"""One trial of a setting: distil, then score the set on validation texts; test texts are never read.

    python experiments/trial.py RESULT.json dataset=ag_news per_class=30 distiller.inner_steps=12 ...

With `selector=NAME` real texts are scored in place of distilled ones. Ablation, search and the comparison of bytes are
made of trials.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from textdd.checks import check
from textdd.cli import check_arguments, compose_config
from textdd.config import RunConfig, register, to_run
from textdd.evaluation.scoring import score
from textdd.evaluation.tuning import tune
from textdd.experiment import manifest_of
from textdd.loggers import Mirrors
from textdd.outer.distil import Place, distil
from textdd.prepare import materials_folder, prepare, short_hash
from textdd.problem import Problem
from textdd.quiet import quiet
from textdd.record import write_json
from textdd.seeds import derive
from textdd.selectors import SELECTORS
from textdd.sets.training_set import TrainingSet, real_set, train_students
from textdd.trainer import set_up_process
from textdd.training import Recipe

STUDENTS = 5
LONGEST = 60
"""Letters of a file's name."""

PLACES = ("data_dir=", "embedding.path=")
"""Options that say where things lie on this machine, and decide nothing."""


class Judge(NamedTuple):
    """What scores sets on validation texts."""

    run: RunConfig
    problem: Problem

    def score(self, sets: list[TrainingSet], recipe: Recipe, step_sizes: Tensor | None = None) -> dict[str, float]:
        """Mean and standard deviation of the first measure of fresh students."""
        problem, reader = self.problem, self.problem.reader()
        seeds = [derive(self.run.seed, "trial", i) for i in range(STUDENTS)]
        trained = train_students(problem.student, sets, recipe, seeds, [recipe.steps], step_sizes)
        found = score([theta for (theta,) in trained], problem.validation, reader)[problem.task.measures[0]]
        return {"mean": float(found.mean()), "std": float(found.std())}

    def plain(self, sets: list[TrainingSet]) -> dict[str, float]:
        """The same with a plain recipe, chosen on validation, too."""
        asked = self.run.evaluation
        recipe = tune(
            sets,
            self.problem.validation.sample(asked.texts),
            self.problem.reader(),
            step_sizes=asked.step_sizes,
            most_steps=asked.steps,
            batch=asked.batch,
            students=asked.tuning_students,
            seed=self.run.seed,
            what="plain recipe",
        )
        return self.score(sets, recipe)


def distilled(judge: Judge) -> dict:
    """Distil, and score the set with its own and with a plain recipe."""
    run, problem = judge
    with tempfile.TemporaryDirectory() as folder:
        mirrors = Mirrors(run.logger, Path(folder), "trial", "trial", {})
        place = Place(Path(folder), materials_folder(run, problem), mirrors)
        made = distil(run.distiller, problem, run.trainer, place, manifest_of(run, problem, run.distiller))
    own = made.training_set(problem.reader())
    scores = {"own": judge.score([own], made.recipe, made.step_sizes), "plain": judge.plain([own])}
    return {**made.manifest["distilling"], **scores, "bytes": own.bytes}


def selected(judge: Judge, selector: str) -> dict:
    """Score as many real texts, a subset for each student."""
    problem, reader = judge.problem, judge.problem.reader()
    seeds = [derive(judge.run.seed, f"{selector} subset", i) for i in range(STUDENTS)]
    picks = [SELECTORS[selector](problem.train, reader, problem.per_class, seed) for seed in seeds]
    sets = [real_set(problem.train, rows, reader) for rows in picks]
    return {"plain": judge.plain(sets), "bytes": round(sum(examples.bytes for examples in sets) / len(sets))}


def trial(overrides: list[str]) -> dict:
    """The result of one trial, and its options."""
    register()
    quiet()
    asked = [option for option in overrides if not option.startswith("selector=")]
    check_arguments("config", asked, lambda _: None)
    run = to_run(compose_config("config", [*asked, "logger=none"]))
    check(run)
    set_up_process(run.trainer)
    judge = Judge(run, prepare(run))
    selectors = [option.removeprefix("selector=") for option in overrides if option not in asked]
    result = selected(judge, selectors[0]) if selectors else distilled(judge)
    return {"options": [option for option in overrides if not option.startswith(PLACES)], **result}


def path_of(folder: Path, name: str) -> Path:
    """Where the result of a trial is kept; a long name, of many options, is told by its first word and a hash."""
    key = re.sub(r"\W+", "-", name)
    return folder / f"{key if len(key) <= LONGEST else f'{name.split()[0]}-{short_hash(name)}'}.json"


def trials(folder: Path, named: dict[str, list[str]], arguments: list[str]) -> dict[str, dict]:
    """Results of several trials by name; those in the folder are not repeated.

    Args:
        folder: where they are kept.
        named: name -> options.
        arguments: options of all; `jobs=2` runs two at a time with one thread each.
    """
    jobs = next((int(argument.removeprefix("jobs=")) for argument in arguments if argument.startswith("jobs=")), 1)
    passed = [argument for argument in arguments if not argument.startswith("jobs=")]
    environment = {**os.environ, "OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // jobs))}

    def work(name: str) -> dict:
        path = path_of(folder, name)
        if not path.exists():
            command = [sys.executable, __file__, str(path), *named[name], *passed]
            subprocess.run(command, check=True, env=environment)
        return json.loads(path.read_text())

    with ThreadPoolExecutor(jobs) as executor:
        return dict(zip(named, executor.map(work, named), strict=True))


def line(result: dict) -> str:
    """A trial in a table: validation accuracies and what they cost."""
    own, plain = (f"{result[name]['mean']:.4f} ± {result[name]['std']:.4f}" for name in ("own", "plain"))
    return f"{own} | {plain} | {result['seconds']:.0f} | {result['outer_steps']}"


if __name__ == "__main__":
    write_json(Path(sys.argv[1]), trial(sys.argv[2:]))
