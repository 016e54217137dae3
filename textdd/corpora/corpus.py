"""A corpus: original texts and targets, split; how they are read is the business of a space."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from textdd.corpora.build import Progress, built_corpus
from textdd.corpora.groups import TIED, kept_groups, said_of, tied
from textdd.corpora.responses import prompts_of
from textdd.corpora.several import rarest
from textdd.corpora.sources import DatasetConfig, check_config, find_sources
from textdd.corpora.splits import carve, carve_whole
from textdd.corpora.texts import TextStore
from textdd.seeds import numpy_generator
from textdd.tasks import TASKS, Task


class Split:
    """Some texts of a corpus.

    Attributes:
        store: the memory-mapped texts of one part of the corpus.
        rows: which of them (n,), int64.
        targets: class numbers (n,), int64, or 0 and 1 for each label (n, C), bool.
    """

    def __init__(self, store: TextStore, rows: np.ndarray) -> None:
        self.store, self.rows = store, rows
        self.targets: np.ndarray = store.targets[rows]

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def strata(self) -> np.ndarray:
        """The class by which each text is counted and picked (n,): of several labels the rarest, C where none is."""
        return self.targets if self.targets.ndim == 1 else rarest(self.targets)

    def texts(self, rows: np.ndarray) -> list[tuple[str, ...]]:
        """The original texts at some positions of this split (N,): one segment each, or two of pairs."""
        return self.store.take(self.rows[rows])

    def sample(self, count: int) -> Split:
        """Draw some examples, always the same ones; all of them if there are no more than `count`."""
        if count >= len(self):
            return self
        chosen = numpy_generator(0, "sample").choice(len(self), count, replace=False)
        return Split(self.store, np.sort(self.rows[chosen]))

    def stored_bytes(self, rows: np.ndarray | None = None) -> int:
        """Sum the UTF-8 bytes of the original texts.

        Args:
            rows: positions in this split (N,); None means all.
        """
        return int(self.store.bytes[self.rows if rows is None else self.rows[rows]].sum())


@dataclass(frozen=True)
class Corpus:
    """A labelled corpus, split.

    Attributes:
        name: what it is called.
        key: identifies what is stored: same content and same options, same key.
        folder: where texts and targets lie.
        classes: the C class names.
        task: what a target is.
        train: what may be trained on.
        validation: carved from the training texts; everything is selected on it.
        test: read once, at the end.
        train_rows: training texts before validation was carved: what a budget is a fraction of.
        revision: the commit that was read from the hub; None where the texts are not from there.
        remarks: what was left out when it was read, and what else whoever measures on it should know.
        overlap: the share of the test texts that are training texts as well, where they come from a file of their own.
        together: texts that contain one another, or are responses to one prompt, are on one side of the splits.
    """

    name: str
    key: str
    folder: Path
    classes: list[str]
    task: Task
    train: Split
    validation: Split
    test: Split
    train_rows: int
    revision: str | None = None
    remarks: tuple[str, ...] = ()
    overlap: float = 0.0
    together: bool = False

    @property
    def pair(self) -> bool:
        """Whether every text has two segments; a prompt and its response are two."""
        return self.train.store.pair


def load_corpus(
    config: DatasetConfig, data_dir: str | None, cache_dir: Path, seed: int, progress: Progress | None = None
) -> Corpus:
    """Find, check, keep (once) and split a corpus.

    Args:
        config: the corpus.
        data_dir: holds a folder per corpus; these files come before the hub. None: no such folder.
        cache_dir: where corpora and downloads are kept.
        seed: the run's seed, which decides the validation split. A test split that has to be carved is the
            same under every seed, so that runs can be compared.
        progress: is called with a description, the texts done and the texts in all (0: not known).

    Raises:
        TextddError: the corpus is nowhere, or something is wrong with a file, a column, a text or a label.
    """
    check_config(config)
    folder = built_corpus(config, find_sources(config, data_dir, cache_dir), cache_dir, progress)
    meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    classes: list[str] = meta["classes"]
    store = TextStore(folder / "train.arrow")
    whole = Split(store, np.arange(len(store)))
    rows, strata = whole.rows, whole.strata
    groups = kept_groups(folder, store) if config.groups == "auto" else np.empty(0, np.int64)
    together = len(groups) > 0 and tied(groups) > TIED
    remarks = said_of(groups, together=together)
    if meta["task"] == "generation":
        groups, together = prompts_of(store), True
        remarks = [f"{groups.max() + 1} prompts; all responses of a prompt are on one side of the splits"]

    def carved(of: np.ndarray, size: float, what: str, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Carve some rows: those that stay, and the part."""
        if together:
            numbers = np.unique(groups[of], return_inverse=True)[1]
            stay, part = carve_whole(strata[of], numbers, size, classes, what, generator)
        else:
            stay, part = carve(strata[of], size, classes, what, generator)
        return of[stay], of[part]

    if (folder / "test.arrow").is_file():
        test_store = TextStore(folder / "test.arrow")
        test_rows = np.arange(len(test_store))
    else:
        test_store = store
        fixed = numpy_generator(0, "split", "test")
        rows, test_rows = carved(rows, config.test_fraction * len(rows), "test", fixed)
    size = min(config.validation * len(rows), config.validation_max)
    generator = numpy_generator(seed, "split", "validation")
    kept, validation = carved(rows, size, "validation", generator)
    return Corpus(
        name=config.name,
        key=folder.name,
        folder=folder,
        classes=classes,
        task=TASKS[meta["task"]](len(classes)),
        train=Split(store, kept),
        validation=Split(store, validation),
        test=Split(test_store, test_rows),
        train_rows=len(rows),
        revision=meta.get("revision"),
        remarks=(*meta["remarks"], *remarks),
        overlap=meta["overlap"],
        together=together,
    )
