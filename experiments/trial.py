"""One trial of a setting: distil, then score the set on validation texts; test texts are never read.

    python experiments/trial.py RESULT.json dataset=ag_news per_class=30 distiller.inner_steps=12 ...

Ablation and search are made of trials.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from textdd.checks import check
from textdd.cli import compose_config
from textdd.config import register, to_run
from textdd.distil import distil
from textdd.evaluation.scoring import score
from textdd.evaluation.training_set import TrainingSet
from textdd.evaluation.tuning import train_students, tune
from textdd.loggers import Mirrors
from textdd.prepare import prepare, setting, short_hash
from textdd.record import write_json
from textdd.seeds import derive
from textdd.students import make_student
from textdd.trainer import set_up_process

STUDENTS = 5
PLACES = ("data_dir=", "embedding.path=")
"""Options that say where things lie on this machine, and decide nothing."""


def trial(overrides: list[str]) -> dict:
    """Distil with these options and score the set with its own and with a plain recipe."""
    register()
    run = to_run(compose_config("config", [*overrides, "logger=none"]))
    check(run)
    set_up_process(run.trainer)
    prepared = prepare(run)
    corpus, table = prepared.corpus, prepared.vectors.table
    student = make_student(run.model, table.shape[1], len(corpus.classes))
    shared = Path(run.cache_dir).expanduser() / "materials" / short_hash(setting(run, prepared))
    with tempfile.TemporaryDirectory() as folder:
        mirrors = Mirrors(run.logger, Path(folder), "trial", "trial", {})
        per_class = prepared.per_class
        stuff = (student, corpus, prepared.vectors, per_class, run.seed, Path(folder), shared, mirrors)
        synthetic, facts = distil(run.distiller, run.trainer, *stuff)
    learned = synthetic.step_sizes().detach() if run.distiller.learn_step_sizes else None
    sets = [TrainingSet(synthetic.x.detach(), synthetic.labels().detach(), synthetic.texts.mask, 0)]
    asked = run.evaluation
    choosing = {"most_steps": asked.steps, "batch": asked.batch, "students": asked.tuning_students, "seed": run.seed}
    texts = corpus.validation.sample(asked.texts)
    plain = tune(student, sets, texts, table, step_sizes=asked.step_sizes, what="plain recipe", **choosing)
    seeds = [derive(run.seed, "trial", i) for i in range(STUDENTS)]
    named = [option for option in overrides if not option.startswith(PLACES)]
    result = {"options": named, **facts}
    for name, recipe, step_sizes in (("own", synthetic.recipe, learned), ("plain", plain, None)):
        trained = train_students(student, sets, recipe, seeds, [recipe.steps], step_sizes)
        accuracy = score(student, [theta for (theta,) in trained], corpus.validation, table).accuracy
        result[name] = {"mean": float(accuracy.mean()), "std": float(accuracy.std())}
    return result


def path_of(folder: Path, name: str) -> Path:
    """Where the result of a trial is kept."""
    return folder / (re.sub(r"\W+", "-", name) + ".json")


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
