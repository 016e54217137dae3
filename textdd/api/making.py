"""Make a small training set: distil it, or pick real texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from textdd.api.composing import composed
from textdd.errors import unknown_choice
from textdd.evaluation.tuning import tune
from textdd.experiment import distilled_set, manifest_of, mirrors_of
from textdd.locks import locked
from textdd.places import in_places
from textdd.prepare import prepare
from textdd.run_folder import folder_of
from textdd.selectors import SELECTORS
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.texts import TextSet
from textdd.sets.training_set import real_set
from textdd.trainer import set_up_process


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
