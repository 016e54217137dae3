"""From Python: distil or pick a small training set of any texts, with the options of the command line.

    from textdd import distil

    small = distil(frame, text="review", label="stars", per_class=10)
    classify = small.train(seed=0)

Everything goes the way of the command `textdd run`: the same options by the same names, the same checks, the same cache
and the same folder, so that the same data and options give the same set, to the bit.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import torch

from textdd import cli
from textdd.config import RunConfig, ScoreConfig, register, to_run
from textdd.corpora.given import kept
from textdd.errors import TextddError, unknown_choice
from textdd.evaluation.tuning import tune
from textdd.experiment import distilled_set, manifest_of, mirrors_of
from textdd.locks import locked
from textdd.places import in_places
from textdd.prepare import prepare
from textdd.problem import Problem
from textdd.quiet import quiet
from textdd.run import check_line
from textdd.run_folder import folder_of
from textdd.scoring.__main__ import composed as composed_score
from textdd.scoring.config import ScoringConfig
from textdd.scoring.given import from_python
from textdd.scoring.score import scored
from textdd.selectors import SELECTORS
from textdd.sets.classifier import Classifier
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.responder import Responder, trained
from textdd.sets.texts import ABOUT_A_HUNDRED, TextSet
from textdd.sets.training_set import real_set, train_students
from textdd.spaces.reading import Reader
from textdd.students import STUDENTS, make_student
from textdd.students.bodies import BODIES, body_space, completed
from textdd.trainer import set_up_process
from textdd.typed import expanded, written

SHORT = {
    "text": "dataset.text",
    "label": "dataset.label",
    "labels": "dataset.labels",
    "target": "dataset.target",
    "pair": "dataset.pair",
    "length": "dataset.length",
    "test_path": "dataset.test_path",
    "path": "model.path",
    "tuning": "model.tuning",
}
"""Names that may be given without the group that they belong to."""


def distil(
    data: Any,
    labels: Sequence[Any] | None = None,
    *,
    per_class: int | None = None,
    student: str = "textcnn",
    minutes: float | None = None,
    **options: Any,
) -> DistilledSet:
    """Distil labelled texts into a tiny training set.

    Args:
        data: a pandas frame, a `datasets.Dataset` (or a dictionary of them with `train` and `test`), a list of texts, a
            path, or the name of a corpus such as "ag_news".
        labels: of a list of texts: a class for each, or a list of labels.
        per_class: examples per class; without it, `budget` or the corpus's usual share of the texts decides. Where
            targets are texts (`target="column"`), `pairs` takes its place.
        student: the choice `model=`.
        minutes: how long to distil on two cores, `distiller.minutes`.
        options: every other option of `textdd run` by its name, with two underscores for the dot or as a dictionary,
            `distiller__inner_steps=12` or `**{"distiller.inner_steps": 12}`; of the most usual ones the name alone:
            text, label, labels, target, pair, length, test_path, path, tuning. Groups as well: `embedding="glove"`.

    Returns:
        The set: matrices in the student's space, or texts where the distiller makes such. `small.train()` trains a
        student, `small.to_dataset()` hands it on, `small.save(folder)` keeps it.

    Raises:
        TextddError: something about the data or an option has to be mended; the message says how.
    """
    if minutes is not None:
        options["distiller.minutes"] = minutes
    run = composed(data, labels, per_class, student, options)
    set_up_process(run.trainer)
    with in_places(output_dir=run.output_dir, cache_dir=run.cache_dir):
        problem = prepare(run)
        folder = folder_of(run, problem)
        mirrors = mirrors_of(run, problem, folder)
        try:
            with locked(folder, f"the run {folder.name}"):
                distilled = distilled_set(run, problem, folder, mirrors)
        finally:
            mirrors.close()
    if isinstance(distilled, TextSet):
        distilled.made_in = problem.space
    return distilled


def select(
    data: Any,
    labels: Sequence[Any] | None = None,
    *,
    per_class: int | None = None,
    method: str = "herding",
    student: str = "textcnn",
    **options: Any,
) -> TextSet:
    """Pick real texts: the baselines of every comparison, as a set of texts that every student can be trained on.

    Args:
        data: as for `distil`.
        labels: as for `distil`.
        per_class: texts of every class; where targets are texts, `pairs` says how many there are.
        method: `random`, `herding`, `k_means`, `k_center` or `less`.
        student: in whose space texts are compared, and for whom the recipe is tuned on validation texts.
        options: as for `distil`.

    Raises:
        TextddError: as for `distil`.
    """
    if method not in SELECTORS:
        raise unknown_choice("selector", method, SELECTORS, "method")
    run = composed(data, labels, per_class, student, options)
    set_up_process(run.trainer)
    problem, config = prepare(run), run.evaluation
    reader = problem.reader()
    rows = SELECTORS[method](problem.train, reader, problem.per_class, run.seed)
    recipe = tune(
        [real_set(problem.train, rows, reader)],
        problem.validation.sample(config.texts),
        reader,
        step_sizes=config.step_sizes,
        most_steps=config.steps,
        batch=config.batch,
        students=config.tuning_students,
        seed=run.seed,
        what=f"{method} texts",
    )
    y = problem.task.as_labels(torch.from_numpy(problem.train.labels[rows])).float()
    manifest = {**manifest_of(run, problem, None), "distiller": {"name": method}}
    picked = TextSet(problem.train.split.texts(rows), y, None, recipe, manifest, problem.space)
    picked.given = run.model
    return picked


def train(
    small: DistilledSet, student: str, data: Any = None, labels: Any = None, seed: int = 0, **options: Any
) -> Classifier | Responder:
    """Train a student of any kind on a set of texts; `DistilledSet.train` does it for the student of the set.

    Args:
        small: the set.
        student: the choice `model=`.
        data: the corpus, for students that read its words; pretrained students have a space of their own.
        labels: of a list of texts.
        seed: decides the initialisation.
        options: as for `distil`; `path` is the folder of a pretrained model.

    Raises:
        TextddError: the student reads another space than the set is in, or its words are not at hand.
    """
    reader = reader_of(small, student, data, labels, options)
    scales, marks = reader.student.scales, [ABOUT_A_HUNDRED.steps]
    recipe = ABOUT_A_HUNDRED.for_parts(scales)
    ((theta,),) = train_students(reader.student, [small.training_set(reader).plain()], recipe, [seed], marks)
    return trained(small.classes, reader, theta)


def score(
    sets: Any, data: Any, labels: Sequence[Any] | None = None, *, students: Sequence[str] = ("textcnn",), **options: Any
) -> dict[str, Any]:
    """Score the sets of a method on test texts, beside baselines that are tuned as they are.

    Args:
        sets: a set, a path of one or of a folder of several, a `datasets.Dataset`, a pandas frame, or a list of these.
        data: the corpus, as for `distil`.
        labels: of a list of texts.
        students: who is trained on the sets.
        options: every other option of `textdd score` by its name, such as `score__seeds=10` or
            `**{"model.pretrained.path": FOLDER}`; of those of `score.` and of the corpus the name alone.

    Returns:
        What the command writes as its result: `students`, `overall`, ...; see textdd/scoring/score.py.

    Raises:
        TextddError: something about the sets, the corpus or an option has to be mended by the user.
    """
    quiet()
    register()
    known = {item.name for item in fields(ScoringConfig)} - {"students"}
    named: dict[str, Any] = {"score.students": list(students)}
    for key, value in options.items():
        short = f"score.{key}" if key in known else SHORT.get(key, key.replace("__", "."))
        named[short] = value
    cache = expanded(str(named.get("cache_dir", ScoreConfig().cache_dir)))
    arguments = [*kept(data, labels, named, cache), *(f"{key}={written(value)}" for key, value in named.items())]
    place = str(sets) if isinstance(sets, str | os.PathLike) else "set"
    config = composed_score([f"set={written(place)}", *arguments])
    with in_places(output_dir=config.output_dir, cache_dir=config.cache_dir):
        return scored(config, from_python(sets, cache))[1]


def reader_of(small: DistilledSet, student: str, data: Any, labels: Any, options: dict[str, Any]) -> Reader:
    """What lets a student read a set, and real texts."""
    if data is not None:
        return problem_of(data, labels, student, options).reader()
    if student in BODIES:
        given = {key.removeprefix("model."): value for key, value in options.items()}
        pair = bool(small.manifest.get("pair"))
        one_class, writes = (small.task.name == name for name in ("one_class", "generation"))
        model = completed(STUDENTS[student][1](**given), small.classes, pair=pair, one_class=one_class, writes=writes)
        space = body_space(model, int(small.manifest["length"]), framed=False)
        return Reader(space, make_student(model, space.dimension, small.task))
    space_there = small.space()
    if space_there is None or space_there.kind != "words":
        raise TextddError(
            f"{student} reads the words of a corpus, and this set of texts brings none. Give the texts that it "
            f"was made of: train(small, {student!r}, data=...), or take a student with words of its own: 'pretrained'"
        )
    if student not in STUDENTS:
        raise unknown_choice("student", student, STUDENTS, "student")
    model = STUDENTS[student][1](**options)
    return Reader(space_there, make_student(model, space_there.dimension, small.task))


def problem_of(data: Any, labels: Any, student: str, options: dict[str, Any]) -> Problem:
    """The problem that a command line would make of the same data and options, for one example per class."""
    run = composed(data, labels, 1, student, dict(options))
    return prepare(run)


def composed(
    data: Any, labels: Sequence[Any] | None, per_class: int | None, student: str, options: dict[str, Any]
) -> RunConfig:
    """The configuration that the command line of these arguments has, checked as it is there.

    Raises:
        TextddError: something is wrong with them.
    """
    quiet()
    register()
    named = {SHORT.get(key, key.replace("__", ".")): value for key, value in options.items()}
    named = {"model": student, "logger": "none", "per_class": per_class} | named
    cache = expanded(str(named.get("cache_dir", RunConfig().cache_dir)))
    arguments = kept(data, labels, named, cache)
    arguments += [f"{key}={written(value)}" for key, value in named.items()]
    arguments = cli.as_meant("config", arguments)
    check_line(arguments)
    return to_run(cli.compose_config("config", arguments))


__all__ = ["distil", "score", "select", "train"]
