"""Before an experiment: load the corpus and the word vectors, turn the budget into a count, name the run."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from textdd.config import RunConfig
from textdd.corpora.budget import check_per_class, per_class_from_budget
from textdd.corpora.corpus import Corpus, load_corpus
from textdd.progress import Bar, say
from textdd.sets.manifest import read_manifest
from textdd.spaces.vectors import WordVectors, load_vectors


class Prepared(NamedTuple):
    """What an experiment works with.

    Attributes:
        corpus: the texts, split and tokenised.
        vectors: the word vectors (V, D).
        per_class: M / C.
        share: M as a fraction of the training texts.
    """

    corpus: Corpus
    vectors: WordVectors
    per_class: int
    share: float


def prepare(run: RunConfig) -> Prepared:
    """Load corpus and word vectors, and turn the budget into examples per class.

    Raises:
        TextddError: something about the files, the budget or the vectors has to be mended by the user.
    """
    cache = Path(run.cache_dir).expanduser()
    corpus = load_with_bar(run, cache)
    per_class = run.per_class
    if per_class is None:
        budget = run.dataset.budget if run.budget is None else run.budget
        per_class = per_class_from_budget(budget, corpus.train_rows, len(corpus.classes))
    check_per_class(per_class, corpus.train.labels, corpus.classes)
    vectors = load_vectors(run.embedding, corpus, run.data_dir, cache, run.seed)
    share = per_class * len(corpus.classes) / corpus.train_rows
    sizes = f"{len(corpus.train)} training, {len(corpus.validation)} validation, {len(corpus.test)} test texts"
    say(f"{corpus.name}: {sizes}, {len(corpus.classes)} classes")
    say(f"{vectors.name} vectors: {tuple(vectors.table.shape)}, {vectors.coverage:.1%} of the running words known")
    say(f"distilled set: {per_class} per class = {share:.4%} of the training texts")
    return Prepared(corpus, vectors, per_class, share)


def load_with_bar(run: RunConfig, cache: Path) -> Corpus:
    """Load the corpus, with a progress bar while it is tokenised for the first time."""
    bars: dict[str, Bar] = {}

    def show(what: str, done: int, total: int) -> None:
        bars.setdefault(what, Bar(what, total)).update(done)

    try:
        return load_corpus(run.dataset, run.data_dir, cache, run.seed, show)
    finally:
        for bar in bars.values():
            bar.close()


def setting(run: RunConfig, prepared: Prepared) -> dict[str, object]:
    """What decides a baseline's result: content and split of the corpus, word vectors, student, seed, version."""
    dataset = run.dataset
    return {
        "corpus": prepared.corpus.key,
        "split": [dataset.length, dataset.validation, dataset.validation_max, dataset.test_fraction],
        "vectors": prepared.vectors.sha256,
        "seed": run.seed,
        "model": dataclasses.asdict(run.model),
        "students": run.evaluation.students,
        "precision": [run.trainer.precision, run.trainer.matmul],
        "version": version("textdd"),
    }


def identity(run: RunConfig, prepared: Prepared) -> str:
    """A short hash of all that decides a run's result."""
    distiller, evaluation = dataclasses.asdict(run.distiller), dataclasses.asdict(run.evaluation)
    if run.distiller.warm_start is not None:  # what it holds decides, not where it lies
        distiller["warm_start"] = read_manifest(Path(run.distiller.warm_start))["files"]
    processes = run.trainer.devices * run.trainer.num_nodes
    return short_hash([setting(run, prepared), prepared.per_class, distiller, evaluation, processes])


def short_hash(content: object) -> str:
    """Ten hexadecimal digits that identify a JSON value."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:10]
