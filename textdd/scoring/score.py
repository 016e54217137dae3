"""Score the sets of a method: every student on every row by every recipe, then what that says.

    (set, student, recipe) -> a small file -> a result

Validation texts choose recipes; test texts are read once for each of these three, after the choice.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from textdd.config import ScoreConfig
from textdd.corpora.corpus import Corpus, load_corpus
from textdd.errors import TextddError
from textdd.machine import machine
from textdd.places import short_name
from textdd.prepare import bars, short_hash, tell
from textdd.progress import Bar, say
from textdd.record import write_json
from textdd.scoring.given import Given
from textdd.scoring.overlap import overlap_of
from textdd.scoring.rows import Row, materials_of, picks_of, recipe_of, rows_for
from textdd.scoring.size import Size, mean_size
from textdd.scoring.statistics import spread
from textdd.scoring.summary import overall, summed_up
from textdd.scoring.trainee import Trainee, Unit
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.matrices import MatrixSet
from textdd.sets.texts import TextSet
from textdd.students.bodies import BODIES
from textdd.tasks.generation import refuse_responses
from textdd.trainer import TrainerConfig, set_up_process
from textdd.typed import expanded

FORMAT = 1
"""Version of what a result holds."""

SHOWN = 10
"""Texts of a class that a result holds, of the first set."""

VERSIONED = ("textdd", "torch", "transformers", "tokenizers", "numpy")

Result = dict[str, Any]


def scored(config: ScoreConfig, sets: Sequence[Given]) -> tuple[Path, Result]:
    """Score sets of one method, and return where the result lies, and the result.

    Args:
        config: the command.
        sets: what `given.py` found.

    Raises:
        TextddError: something about the sets, the corpus or a student has to be mended by the user.
    """
    set_up_process(TrainerConfig())
    options, corpus = config.score, corpus_of(config)
    refuse_responses(corpus.task, "scored here")
    sets = [one._replace(distilled=fitted(one.distilled, corpus)) for one in sets]
    check_readable(sets[0], options.students)
    note = overlap_of(sets, corpus, allowed=options.allow_overlap)
    size = mean_size([one.distilled for one in sets])
    method = options.method or method_of(config, sets)
    what = f"{len(sets)} set{'s' * (len(sets) > 1)} of {size.texts} examples, {size.bytes} bytes"
    say(f"{method}: {what}, on {corpus.name}")
    plans = {name: rows_for(options, **kind_of(sets[0].distilled, config, name)) for name in options.students}
    bar = Bar(f"scoring {method}", sum(work_of(rows, sets, picks_of(options, sets)) for rows in plans.values()))
    try:
        students = {name: of_student(name, config, corpus, sets, size, rows, bar) for name, rows in plans.items()}
    finally:
        bar.close()
    result = {
        "format": FORMAT,
        "method": method,
        "source": options.source,
        "corpus": {
            "name": corpus.name,
            "key": corpus.key,
            "classes": corpus.classes,
            "train_texts": len(corpus.train),
            "test_texts": len(corpus.test),
        },
        "kind": sets[0].distilled.kind,
        "size": size._asdict(),
        "sets": [{"name": one.name, "sha256": one.sha256} for one in sets],
        "texts": texts_of(sets[0].distilled),
        "overlap": note,
        "seconds_to_make": seconds_to_make(sets),
        "students": students,
        "overall": overall(students),
        "seed": config.seed,
        "seeds": options.seeds,
        "options": {**dataclasses.asdict(options), "entry": None, "method": None, "source": None},
        "machine": machine(),
        "versions": {name: found for name in VERSIONED if (found := installed(name))},
    }
    told_apart = short_hash([result["corpus"], result["sets"], result["options"], config.seed, plans_key(config)])
    path = expanded(config.output_dir) / f"{short_name(f'{corpus.name}-{method}')}-{told_apart}.json"
    write_json(path, result)
    if options.entry is not None:
        write_json(expanded(options.entry), result)
    return path, result


def corpus_of(config: ScoreConfig) -> Corpus:
    """The corpus that was named.

    Raises:
        TextddError: none was, or it cannot be read.
    """
    if config.dataset is None:
        raise TextddError("Whose test texts are to be read? Type: textdd score set=PATH dataset=NAME")
    with bars() as show:
        corpus = load_corpus(config.dataset, config.data_dir, expanded(config.cache_dir), config.seed, show)
    tell(corpus, config.dataset)
    return corpus


def fitted(distilled: DistilledSet, corpus: Corpus) -> DistilledSet:
    """The set with labels in the order of the corpus's classes.

    Raises:
        TextddError: it has others.
    """
    if isinstance(distilled, TextSet):
        own, made = distilled.task.name, corpus.task.name
        if own != made or distilled.manifest.get("pair", False) != corpus.pair:
            raise TextddError(
                f"The set of {distilled.manifest['dataset']} is one of {own.replace('_', ' ')}, {corpus.name} one of "
                f"{made.replace('_', ' ')}, or one of the two has pairs. Type: dataset=NAME with the corpus of the set"
            )
        placed = distilled.for_classes(corpus.classes, corpus.name)
        placed.given = distilled.given
        return placed
    if distilled.classes != corpus.classes:
        theirs, own = (", ".join(names[:5]) for names in (corpus.classes, distilled.classes))
        raise TextddError(
            f"{corpus.name} has the classes {theirs} ..., the set {own} ... Type: dataset=NAME with the corpus that it "
            "was made of"
        )
    return distilled


def check_readable(given: Given, students: Sequence[str]) -> None:
    """Check that all students can read a set.

    Raises:
        TextddError: it is of matrices in a space that one of them does not read.
    """
    if not isinstance(given.distilled, MatrixSet):
        return
    words = given.distilled.words_space is not None
    able = [name for name in students if (name not in BODIES) == words]
    if len(able) < len(students):
        kind = "words" if words else "a pretrained model"
        allowed = able or (["textcnn"] if words else ["pretrained"])
        raise TextddError(
            f"{given.name} is of matrices in a space of {kind}, which {', '.join(set(students) - set(able))} does not "
            f"read. Take students of that space, or a set of texts. Type: score.students=[{','.join(allowed)}]"
        )


def kind_of(distilled: DistilledSet, config: ScoreConfig, student: str) -> dict[str, bool]:
    """Whether the labels of a set have shades, and whether it brings a recipe for a student."""
    hard = distilled.task.hardened(distilled.text_labels)
    return {"soft": not bool((hard == distilled.text_labels).all()), "own": brings(distilled, config, student)}


def brings(distilled: DistilledSet, config: ScoreConfig, student: str) -> bool:
    """Whether a set brings a recipe for a student: it was made for one with the same options, wherever that lies."""
    if isinstance(distilled, TextSet) and distilled.from_file:
        return False
    mine = {**distilled.manifest["student"], "path": None, "target": None}
    return mine == {**dataclasses.asdict(getattr(config.model, student)), "path": None, "target": None}


def method_of(config: ScoreConfig, sets: Sequence[Given]) -> str:
    """What made the sets: as an artefact says it, or else the name of the file or folder."""
    first = sets[0].distilled
    if not (isinstance(first, TextSet) and first.from_file):
        return str(first.manifest["distiller"]["name"])
    place = Path(config.set)
    return place.stem if place.is_file() else place.resolve().name


def work_of(rows: Sequence[Row], sets: Sequence[Given], picks: int) -> int:
    """Pieces of work of a student: one for every set and recipe, for every tuning, and for the full data."""
    counts = ((len(sets) if row.source == "set" else picks, row.recipes) for row in rows)
    return 1 + sum(count * len(recipes) + ("tuned" in recipes) for count, recipes in counts)


def of_student(
    name: str, config: ScoreConfig, corpus: Corpus, sets: Sequence[Given], size: Size, rows: Sequence[Row], bar: Bar
) -> Result:
    """All that one student says of the sets."""
    trainee = Trainee(name, config, corpus, sets[0].distilled, size.per_class)
    full = trainee.full()
    bar.update(bar.done + 1)
    measures = trainee.problem.task.measures

    def step(note: str) -> None:
        bar.update(bar.done + 1, f"{name}, {note}")

    found = {row.name: of_row(row, trainee, sets, size, step) for row in rows}
    result = {
        "measure": measures[0],
        "options": {**dataclasses.asdict(trainee.model), "path": named_alone(trainee.model)},
        "headline": rows[0].recipes[0],
        "chance": chance(corpus),
        "full": {**figures([full], measures, config.score.confidence), "seconds": full["seconds"]},
        "rows": found,
    }
    return {**result, **summed_up(result, config.score.confidence)}


def of_row(
    row: Row, trainee: Trainee, sets: Sequence[Given], size: Size, step: Callable[[str], None]
) -> dict[str, Result]:
    """What students make of a row, by every recipe."""
    materials = materials_of(row, sets, size, trainee)
    found = {}
    for name in row.recipes:
        units: list[Unit] = []
        if name == "tuned":
            trainee.tuned(materials)
            step(f"{row.name}, tuning")
        for number, material in enumerate(materials):
            recipe, step_sizes = recipe_of(name, materials, sets[number % len(sets)].distilled, trainee)
            units.append(trainee.scored(material, recipe, step_sizes, whole=name == "own"))
            step(f"{row.name}, {name}")
        found[name] = {
            **figures(units, trainee.problem.task.measures, trainee.config.score.confidence),
            "recipe": units[0]["recipe"],
            "train_seconds": float(np.mean([unit["train_seconds"] for unit in units])),
            "test_seconds": float(np.mean([unit["test_seconds"] for unit in units])),
            "peak_memory_bytes": max(unit["peak_memory_bytes"] for unit in units),
        }
    return found


def figures(units: Sequence[Unit], measures: Sequence[str], confidence: float) -> Result:
    """The headline of all sets and students with its spread, and the means of the other measures."""
    values = [[round(value, 6) for value in unit["values"][measures[0]]] for unit in units]
    others = {name: float(np.mean([unit["values"][name] for unit in units])) for name in measures[1:]}
    return {"values": values, **spread(values, confidence), **others}


def chance(corpus: Corpus) -> float | None:
    """What is right of the test texts if each is given the class most frequent among training texts; else null."""
    if corpus.task.name != "one_class":
        return None
    counts = np.bincount(corpus.train.targets, minlength=len(corpus.classes))
    return float((corpus.test.targets == counts.argmax()).mean())


def texts_of(distilled: DistilledSet) -> list[dict[str, str]]:
    """The first texts of every class, in the order of the set; none of matrices."""
    counts: dict[str, int] = {}
    found = []
    for row in (distilled.written or []) if isinstance(distilled, TextSet) else []:
        counts[row["label"]] = counts.get(row["label"], 0) + 1
        if counts[row["label"]] <= SHOWN:
            found.append(row)
    return found


def seconds_to_make(sets: Sequence[Given]) -> float | None:
    """Seconds that making one set took, in the mean; null where the sets do not say."""
    found = [one.distilled.manifest.get("distilling", {}).get("seconds") for one in sets]
    return None if None in found else float(np.mean(found))


def named_alone(model: Any) -> str | None:
    """The name of a pretrained model without the place where it lies."""
    path = getattr(model, "path", None)
    return None if path is None else Path(path).name


def plans_key(config: ScoreConfig) -> list[Any]:
    """What else tells results apart: the students' options and the word vectors, wherever they lie."""
    models = {name: dataclasses.asdict(getattr(config.model, name)) for name in config.score.students}
    without = {name: {**options, "path": None} for name, options in models.items()}
    return [without, {**dataclasses.asdict(config.embedding), "path": None}]


def installed(name: str) -> str:
    """The version of a package; empty where it is not installed."""
    try:
        return version(name)
    except ModuleNotFoundError:
        return ""
