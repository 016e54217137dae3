"""A set and the corpus that it is held against; of what a stranger's folder names, no file and no address is opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from textdd.config import SetConfig
from textdd.corpora.corpus import Corpus, load_corpus
from textdd.corpora.sources import DatasetConfig
from textdd.errors import TextddError
from textdd.prepare import completed_for, space_for, tell
from textdd.problem import Problem
from textdd.recorded import rebuilt, within_ranges
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.manifest import AGAIN
from textdd.sets.matrices import MatrixSet
from textdd.sets.texts import TextSet
from textdd.spaces.space import Space
from textdd.spaces.store import TokenStore
from textdd.spaces.vectors import EmbeddingConfig
from textdd.spaces.words import stores_of
from textdd.students import make_student
from textdd.students.bodies import BODIES
from textdd.students.mixed import MixedConfig
from textdd.typed import expanded

T = TypeVar("T", DatasetConfig, EmbeddingConfig)


def fitted(distilled: DistilledSet, corpus: Corpus, config: SetConfig) -> DistilledSet:
    """A set of texts with labels in the order of the classes of a corpus that was named.

    Raises:
        TextddError: it has other labels.
    """
    if isinstance(distilled, TextSet) and config.dataset is not None:
        return distilled.for_classes(corpus.classes, corpus.name)
    return distilled


def problem_of(distilled: DistilledSet, model: Any, config: SetConfig) -> Problem:
    """The problem that a set was made for, with any student that can read it.

    Raises:
        TextddError: its corpus is not at hand, the student reads another space, or several were named.
    """
    if isinstance(model, MixedConfig):
        raise TextddError(
            f"Got model=[{','.join(model.kinds)}]; one student at a time is looked at here. "
            f"Type: model={model.kinds[0]}"
        )
    manifest, cache = distilled.manifest, expanded(config.cache_dir)
    corpus, dataset = corpus_of(distilled, config, cache)
    model = completed_for(model, corpus)
    seed = manifest.get("seed", 0)
    space: Space
    stores: dict[Path, TokenStore]
    if isinstance(distilled, MatrixSet) and distilled.words_space is not None and model.name not in BODIES:
        space = distilled.words_space
        stores = stores_of(space, corpus, dataset.vocabulary, cache)
    else:
        embedding = config.embedding or recorded(EmbeddingConfig, manifest["embedding"], "embedding")
        dataset.length = manifest["length"] if isinstance(distilled, MatrixSet) else dataset.length
        space, stores = space_for(model, embedding, dataset, corpus, config.data_dir, cache, seed)
    student = make_student(model, space.dimension, corpus.task)
    per_class = max(1, len(distilled.text_labels) // len(corpus.classes))
    share = per_class * len(corpus.classes) / corpus.train_rows
    return Problem(corpus, space, stores, student, model, per_class, share, seed, cache)


def corpus_of(distilled: DistilledSet, config: SetConfig, cache: Path) -> tuple[Corpus, DatasetConfig]:
    """Load the corpus that was named, or what `data_dir` has under the name of the one that a set was distilled from.

    Raises:
        TextddError: the corpus at hand has other content, or the set is of none and none was named.
    """
    manifest = distilled.manifest
    if config.dataset is None and "corpus" not in manifest:
        raise TextddError(f"{config.artifact} names no corpus: whose test texts are to be read? Type: dataset=NAME")
    options = config.dataset or recorded(DatasetConfig, manifest["corpus"]["options"], "corpus.options")
    try:
        corpus = load_corpus(options, config.data_dir, cache, manifest.get("seed", 0))
    except TextddError as error:
        if config.dataset is not None:
            raise
        raise TextddError(
            f"{error} Or say which texts {config.artifact} is to be held against, since it opens none by itself: "
            f"dataset={options.name}, or dataset=local dataset.path=/your/texts.csv"
        ) from error
    tell(corpus, options)
    # Version 0.3 made its keys otherwise, and private sets do not tell theirs.
    foreign = config.dataset is None and manifest["format"] > 2
    if foreign and manifest["corpus"]["key"] not in ("", corpus.key):
        raise TextddError(
            f"The texts of {corpus.name} at hand are not those that {config.artifact} was distilled from (content "
            f"{corpus.key}, expected {manifest['corpus']['key']}). Type data_dir=... with the folder that was "
            "used then."
        )
    matched = isinstance(distilled, TextSet) and config.dataset is not None  # by name: see `fitted`
    if not matched and (corpus.classes, corpus.task) != (distilled.classes, distilled.task):
        raise TextddError(
            f"{corpus.name} has other classes than {config.artifact}: {', '.join(corpus.classes[:5])} ... in place of "
            f"{', '.join(distilled.classes[:5])} ... Type dataset=... with the corpus that it was made of."
        )
    return corpus, options


def recorded(kind: type[T], options: dict[str, Any], where: str) -> T:
    """Options as an artefact records them, without the places in them; what this version does not know is left out.

    Raises:
        TextddError: one is of another kind than it must be, or the name of a corpus leads out of `data_dir`.
    """
    places = dict.fromkeys(("path", "test_path", "hub"))
    try:
        return within_ranges(rebuilt(kind, {**options, **places}, where, strict=False), where)
    except ValueError as error:
        raise TextddError(f"The artefact's manifest.json is not what textdd writes: {error}. {AGAIN}") from error
