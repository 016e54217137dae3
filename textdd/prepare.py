"""Before an experiment: load the corpus, make the space, turn the budget into a count, name the run."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from textdd.config import RunConfig
from textdd.corpora.budget import check_pairs, check_per_class, counted, per_class_from_budget
from textdd.corpora.build import Progress
from textdd.corpora.corpus import Corpus, load_corpus
from textdd.corpora.overlap import check_overlap
from textdd.corpora.sources import DatasetConfig
from textdd.problem import Problem
from textdd.progress import Bar, say
from textdd.sets.manifest import files_of
from textdd.spaces.length import tell_cuts
from textdd.spaces.pretrained import pretrained_space
from textdd.spaces.reading import Reading
from textdd.spaces.space import Space
from textdd.spaces.store import TokenStore
from textdd.spaces.vectors import EmbeddingConfig
from textdd.spaces.words import word_space
from textdd.students import make_student
from textdd.students.bodies import BODIES, body_of, completed
from textdd.students.mixed import models_of
from textdd.typed import expanded

KINDS = {
    "one_class": "{} classes",
    "several_labels": "{} labels, any number a text",
    "generation": "each a prompt and its response",
}
"""What targets are, in words."""


def prepare(run: RunConfig) -> Problem:
    """Load the corpus, make the space and the student, and turn the budget into examples per class.

    Raises:
        TextddError: something about the files, the budget, the vectors or the student has to be mended by the user.
    """
    cache = expanded(run.cache_dir)
    with bars() as show:
        corpus = load_corpus(run.dataset, run.data_dir, cache, run.seed, show)
    tell(corpus, run.dataset)
    if corpus.revision and run.dataset.revision is None:
        say(f"{run.dataset.hub} was read at its commit {corpus.revision}. Always to read this one, type:")
        say(f"  dataset.revision={corpus.revision}")
    per_class = size_of(run, corpus)
    share = per_class * len(corpus.classes) / corpus.train_rows
    run.model = completed_for(run.model, corpus)
    sizes = f"{len(corpus.train)} training, {len(corpus.validation)} validation, {len(corpus.test)} test texts"
    say(f"{corpus.name}: {sizes}, {KINDS[corpus.task.name].format(len(corpus.classes))}")
    first, *others = models_of(run.model)
    space, stores = space_for(first, run.embedding, run.dataset, corpus, run.data_dir, cache, run.seed)
    student = make_student(first, space.dimension, corpus.task)
    beside = tuple((model, make_student(model, space.dimension, corpus.task)) for model in others)
    problem = Problem(corpus, space, stores, student, first, per_class, share, run.seed, cache, beside)
    known = f", {space.facts['coverage']:.1%} of the running words known" if "coverage" in space.facts else ""
    say(f"{space.name} vectors: {tuple(space.table.shape)}{known}")
    tell_cuts(Reading(corpus.train, stores[corpus.train.store.path], space))
    say(f"distilled set: {counted(per_class, corpus.task.name)} = {share:.4%} of the training texts")
    return problem


def size_of(run: RunConfig, corpus: Corpus) -> int:
    """Examples per class of the distilled set, or pairs where targets are texts.

    Raises:
        TextddError: there are not as many texts.
    """
    written = corpus.task.name == "generation"
    given = run.pairs if written else run.per_class
    if given is None:
        budget = run.dataset.budget if run.budget is None else run.budget
        given = per_class_from_budget(budget, corpus.train_rows, len(corpus.classes))
    if written:
        check_pairs(given, len(corpus.train))
    else:
        check_per_class(given, corpus.train.strata, corpus.classes)
    return given


def completed_for(model: Any, corpus: Corpus) -> Any:
    """The options of a student, with what a language model's leave to the corpus."""
    one_class, writes = (corpus.task.name == name for name in ("one_class", "generation"))
    return completed(model, corpus.classes, pair=corpus.pair, one_class=one_class, writes=writes)


def tell(corpus: Corpus, dataset: DatasetConfig) -> None:
    """Say what whoever measures on a corpus should know.

    Raises:
        TextddError: all test texts are training texts.
    """
    for remark in corpus.remarks:
        say(remark)
    check_overlap(corpus.overlap, dataset)


def space_for(
    model: object,
    embedding: EmbeddingConfig,
    dataset: DatasetConfig,
    corpus: Corpus,
    data_dir: str | None,
    cache: Path,
    seed: int,
) -> tuple[Space, dict[Path, TokenStore]]:
    """The space that a student reads: a pretrained one's own, or one of the corpus's words.

    Args:
        model: the student's options; those of a pretrained one name its `path`.
        embedding: where word vectors come from.
        dataset: says how many tokens are read, and how many words are kept.
        corpus: the texts.
        data_dir: holds files of vectors under `vectors/`; None: no such folder.
        cache: the cache.
        seed: the run's seed.

    Raises:
        TextddError: something about the vectors or the model has to be mended by the user.
    """
    with bars() as show:
        if getattr(model, "name", "") in BODIES:
            checkpoint, prompt = body_of(model)
            return pretrained_space(checkpoint, corpus, dataset.length, cache, show, prompt)
        words = (dataset.vocabulary, dataset.length)
        return word_space(embedding, corpus, *words, data_dir, cache, seed, show)


@contextmanager
def bars() -> Iterator[Progress]:
    """Progress bars for what goes through a corpus, one for each thing that is done."""
    shown: dict[str, Bar] = {}

    def show(what: str, done: int, total: int) -> None:
        shown.setdefault(what, Bar(what, total)).update(done)

    try:
        yield show
    finally:
        for bar in shown.values():
            bar.close()


def setting(run: RunConfig, problem: Problem) -> dict[str, object]:
    """What decides a baseline's result: content and split of the corpus, space, student, seed, version."""
    dataset, grouped = run.dataset, ["groups"] if problem.corpus.together else []
    split = [problem.space.length, dataset.validation, dataset.validation_max, dataset.test_fraction, *grouped]
    return {
        "corpus": problem.corpus.key,
        "split": split,
        "vocabulary": len(problem.space.table),
        "vectors": problem.space.sha256,
        "seed": run.seed,
        "model": dataclasses.asdict(problem.model) | ({"path": None} if hasattr(problem.model, "path") else {}),
        "students": run.evaluation.students,
        "precision": [run.trainer.precision, run.trainer.matmul],
        "version": version("textdd"),
    }


def identity(run: RunConfig, problem: Problem) -> str:
    """A short hash of all that decides a run's result."""
    distiller, evaluation = dataclasses.asdict(run.distiller), dataclasses.asdict(run.evaluation)
    if run.distiller.warm_start is not None:  # what it holds decides, not where it lies
        distiller["warm_start"] = files_of(Path(run.distiller.warm_start))
    processes = run.trainer.devices * run.trainer.num_nodes
    others = [dataclasses.asdict(model) for model, _ in problem.others]
    return short_hash([setting(run, problem), problem.per_class, distiller, evaluation, processes, *others])


def materials_folder(run: RunConfig, problem: Problem) -> Path:
    """Where methods keep what other runs on the same texts, space and student can use."""
    return problem.cache / "materials" / short_hash(setting(run, problem))


def short_hash(content: object) -> str:
    """Ten hexadecimal digits that identify a JSON value."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:10]
