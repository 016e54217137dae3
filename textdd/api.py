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
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch

from textdd import cli
from textdd.allowed import Count, StepSize
from textdd.config import RunConfig, ScoreConfig, register, to_run
from textdd.corpora.given import kept
from textdd.errors import TextddError, unknown_choice
from textdd.evaluation.tuning import tune
from textdd.experiment import distilled_set, manifest_of, mirrors_of
from textdd.locks import locked
from textdd.options import check_options
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
from textdd.sets.together import all_classes, balanced, over, together
from textdd.sets.training_set import real_set, train_students
from textdd.spaces.reading import Reader
from textdd.students import STUDENTS, make_student
from textdd.students.bodies import BODIES, body_space, completed
from textdd.tasks import TASKS
from textdd.trainer import TrainerConfig, set_up_process
from textdd.training import Recipe
from textdd.trust.__main__ import composed as composed_trust
from textdd.trust.config import TrustingConfig
from textdd.trust.report import examined
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


@dataclass
class PlainConfig:
    """How `train` trains.

    Attributes:
        steps: of Adam.
        step_size: of Adam.
    """

    steps: Count = ABOUT_A_HUNDRED.steps
    step_size: StepSize = 3e-3


def distil(
    data: Any,
    labels: Sequence[Any] | None = None,
    *,
    per_class: int | None = None,
    student: str | Sequence[str] = "textcnn",
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
        student: the choice `model=`, or several networks that take turns, such as ["textcnn", "lstm"]; `small.train()`
            trains the first, `small.train(student="lstm")` the other.
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
        problem.few(problem.corpus.validation, config.texts),
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
    picked.given = problem.model
    return picked


def train(
    small: DistilledSet | Sequence[DistilledSet],
    student: str,
    data: Any = None,
    labels: Any = None,
    seed: int = 0,
    *,
    steps: int = PlainConfig.steps,
    step_size: float = PlainConfig.step_size,
    balance: bool = False,
    **options: Any,
) -> Classifier | Responder:
    """Train a student of any kind on a set, or on several together; `DistilledSet.train` does it by a set's own recipe.

    Args:
        small: the set, or several: of parties that each have some of the texts, or of classes that came in turn. Their
            classes are put together by name.
        student: the choice `model=`.
        data: the corpus, for students that read its words; pretrained students have a space of their own.
        labels: of a list of texts.
        seed: decides the initialisation.
        steps: of Adam, in shuffled mini-batches.
        step_size: of Adam; of students that have another scale, or several, a multiple of it.
        balance: repeat examples of classes that have fewer than others.
        options: as for `distil`; `path` is the folder of a pretrained model.

    Raises:
        TextddError: the student reads another space than a set is in, its words are not at hand, or the sets are of
            different tasks.
    """
    sets = [small] if isinstance(small, DistilledSet) else list(small)
    tasks = {one.task.name for one in sets}
    if len(tasks) != 1 or (len(sets) > 1 and "generation" in tasks):
        raise TextddError(
            f"Got {len(sets)} sets of the tasks {', '.join(sorted(tasks)) or 'none'}; one set at least is needed, and "
            f"several of one task whose texts have classes. Type: train([first, second], {student!r})"
        )
    check_options(PlainConfig(steps, step_size))
    recipe = Recipe("adam", steps, ABOUT_A_HUNDRED.batch, "shuffled", step_size)
    named = all_classes([one.classes for one in sets])
    reader, classes = reader_of(sets[0], named, student, data, labels, options)
    read = [one.training_set(reader).plain() for one in sets]
    if "generation" not in tasks:
        read = [over(one, small.classes, classes) for one, small in zip(read, sets, strict=True)]
    examples = together(read) if len(read) > 1 else read[0]
    examples = balanced(examples) if balance else examples
    recipe = recipe.for_parts(reader.student.scales)
    ((theta,),) = train_students(reader.student, [examples], recipe, [seed], [steps])
    return trained(classes, reader, theta)


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
    named: dict[str, Any] = {"score.students": list(students), **options}
    arguments, cache = typed_out("score", ScoringConfig, data, labels, named)
    place = str(sets) if isinstance(sets, str | os.PathLike) else "set"
    config = composed_score([f"set={written(place)}", *arguments])
    with in_places(output_dir=config.output_dir, cache_dir=config.cache_dir):
        return scored(config, from_python(sets, cache))[1]


def trust_report(
    small: DistilledSet,
    data: Any,
    labels: Sequence[Any] | None = None,
    *,
    student: str | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Say what a set gives away of the texts that it was made from, beyond what held-out texts show.

    Args:
        small: the set.
        data: the corpus, as for `distil`.
        labels: of a list of texts.
        student: who is trained on the set and attacked; None takes the student that it was made for.
        options: every other option of `textdd trust` by its name; of those of `trust.` and of the corpus the name
            alone, such as `against=["random"]` or `shadows=16`.

    Returns:
        What the command writes as its result: `matches`, `nearest`, `membership`, ...; see textdd/trust/report.py.

    Raises:
        TextddError: something about the corpus or an option has to be mended, or nothing is held out.
    """
    named = options if student is None else {"model": student, **options}
    arguments, _ = typed_out("trust", TrustingConfig, data, labels, named)
    config = composed_trust(["artifact=set", *arguments])
    set_up_process(TrainerConfig())
    with in_places(cache_dir=config.cache_dir):
        return examined(small, config)


def typed_out(
    group: str, kind: type[Any], data: Any, labels: Sequence[Any] | None, options: dict[str, Any]
) -> tuple[list[str], Path]:
    """What to type for a command that has a group of options of its own, and where the cache is.

    Args:
        group: its name, whose options may be given without it.
        kind: the class of these.
        data: the corpus, as for `distil`.
        labels: of a list of texts.
        options: by name.
    """
    quiet()
    register()
    own = {item.name for item in fields(kind)}
    named = {f"{group}.{k}" if k in own else SHORT.get(k, k.replace("__", ".")): v for k, v in options.items()}
    cache = expanded(str(named.get("cache_dir", ScoreConfig().cache_dir)))
    return [*kept(data, labels, named, cache), *(f"{key}={written(value)}" for key, value in named.items())], cache


def reader_of(
    small: DistilledSet, classes: list[str], student: str, data: Any, labels: Any, options: dict[str, Any]
) -> tuple[Reader, list[str]]:
    """What lets a student read a set, and real texts; and its classes: those of the corpus if there is one."""
    if data is not None:
        problem = problem_of(data, labels, student, options)
        return problem.reader(), problem.corpus.classes
    task = TASKS[small.task.name](len(classes))
    if student in BODIES:
        given = {key.removeprefix("model."): value for key, value in options.items()}
        pair = bool(small.manifest.get("pair"))
        one_class, writes = (small.task.name == name for name in ("one_class", "generation"))
        model = completed(STUDENTS[student][1](**given), classes, pair=pair, one_class=one_class, writes=writes)
        space = body_space(model, int(small.manifest["length"]), framed=False)
        return Reader(space, make_student(model, space.dimension, task)), classes
    space_there = small.space()
    if space_there is None or space_there.kind != "words":
        raise TextddError(
            f"{student} reads the words of a corpus, and this set of texts brings none. Give the texts that it "
            f"was made of: train(small, {student!r}, data=...), or take a student with words of its own: 'pretrained'"
        )
    if student not in STUDENTS:
        raise unknown_choice("student", student, STUDENTS, "student")
    model = STUDENTS[student][1](**options)
    return Reader(space_there, make_student(model, space_there.dimension, task)), classes


def problem_of(data: Any, labels: Any, student: str, options: dict[str, Any]) -> Problem:
    """The problem that a command line would make of the same data and options, for one example per class."""
    run = composed(data, labels, 1, student, dict(options))
    return prepare(run)


def composed(
    data: Any,
    labels: Sequence[Any] | None,
    per_class: int | None,
    student: str | Sequence[str],
    options: dict[str, Any],
) -> RunConfig:
    """The configuration that the command line of these arguments has, checked as it is there.

    Raises:
        TextddError: something is wrong with them.
    """
    quiet()
    register()
    named = {SHORT.get(key, key.replace("__", ".")): value for key, value in options.items()}
    students = student if isinstance(student, str) else list(student)
    named = {"model": students, "logger": "none", "per_class": per_class} | named
    cache = expanded(str(named.get("cache_dir", RunConfig().cache_dir)))
    arguments = kept(data, labels, named, cache)
    arguments += [f"{key}={written(value)}" for key, value in named.items()]
    arguments = cli.as_meant("config", arguments)
    check_line(arguments)
    return to_run(cli.compose_config("config", arguments))


__all__ = ["distil", "score", "select", "train", "trust_report"]
