"""Where a corpus comes from: files, the hub, or the built-in generator."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from textdd.allowed import Count, ListOf, Name, Number, OneOf, Part, Place, Text, Whole
from textdd.corpora.demo import DemoConfig, demo_splits
from textdd.corpora.files import open_table
from textdd.corpora.folders import file_names, parts_of, test_files
from textdd.corpora.formats.options import QUOTING, FileOptions
from textdd.corpora.labels import as_label
from textdd.corpora.records import Source
from textdd.errors import TextddError, no_such_path
from textdd.options import check_options
from textdd.typed import expanded

MOST_TOKENS = 512
"""Tokens kept of a segment: nobody trains on more, and one freak text must not outweigh a corpus."""


COLUMN = Text("the name of a column")

NAME = Text(
    "a name that a folder can have: up to 100 characters, no /, not dots alone", 100, r"(?![. ]*\Z)[^/\0-\x1f\x7f]+"
)
"""Runs lie in folders that are called by their corpus."""


@dataclass
class DatasetConfig:
    """A labelled text corpus.

    Attributes:
        name: what it is called; files under `data_dir/<name>/` come before the hub. "demo" is generated.
        hub: namespaced id on the Hugging Face hub; null for corpora that are not there.
        budget: the paper's size of the distilled set as a fraction of the training texts, taken when neither budget nor
            per_class is given.
        hub_test: the hub's split to test on (GLUE's test labels are secret, so SST-2 takes "validation").
        revision: the hub's commit, which pins the content; null reads the newest, and says which one that was.
        subset: which of several subsets that a data set on the hub has, such as "sst2" of GLUE.
        path: your own corpus: a file, or a folder with train and perhaps test files.
        test_path: your own test file; without one a stratified part of the training texts is set aside.
        encoding: of files of text, such as cp1252; null takes UTF-8, or UTF-16 where a file is that.
        separator: between the cells of csv and tsv files, such as ";" or tab; null finds out.
        quoting: of csv and tsv files: `none` where quotation marks are signs like others, `minimal` where they stand
            around cells; `auto` finds out.
        columns: what the columns of csv and tsv files are called, such as [text,label], where they have no header;
            empty reads their first row.
        records: the key under which a json file has its records; null takes the only one there is.
        text: a text column, or several as a list, joined by one space.
        pair: the two columns of `text` are the segments of a pair, such as a premise and a hypothesis.
        label: the column of the class, where every text has one.
        labels: several labels a text: one column of 0 and 1 for each label, as a list, or the one column that lists the
            labels of a text; null for one class a text.
        target: the column of a text that is to be written, where every text of the corpus is a prompt and has a text as
            its target; null for classes and labels.
        label_separator: between the labels of a text, such as ";", where one column holds them as a string.
        classes: class names in the order of their numbers; empty takes those of classes.txt, of the hub,
            or the sorted labels.
        length: L, tokens read of a text; `auto` takes what 95 of 100 training texts need, up to 512 and to what the
            student can read.
        vocabulary: most frequent words kept.
        validation: share of the training texts to validate on, stratified.
        validation_max: most texts to validate on.
        test_fraction: share of the training texts to test on where there is no test file.
        on_empty: "error" or "drop": what to do with empty texts.
        on_missing_label: "error" or "drop": what to do with texts without a label: an empty cell, NaN, or a negative
            number that `classes` does not name.
        min_per_class: classes with fewer training texts than this are left out.
        groups: "auto" keeps texts that contain one another on one side of a split, where there are such; "none" does
            not look for them.
        on_overlap: "error" or "keep": what to do where all test texts are training texts as well.
        demo: the generator of the demo corpus.
    """

    name: Annotated[str, NAME] = "demo"
    hub: Name | None = None
    budget: Annotated[float, Number(0, 1, "(]")] = 0.001
    hub_test: Name = "test"
    revision: Name | None = None
    subset: Name | None = None
    path: Place | None = None
    test_path: Place | None = None
    encoding: Name | None = None
    separator: Name | None = None
    quoting: Annotated[str, OneOf(*QUOTING)] = "auto"
    columns: list[Name] = field(default_factory=list)
    records: Name | None = None
    text: Annotated[Any, COLUMN, ListOf(COLUMN, least=1)] = "text"
    pair: bool = False
    label: Name = "label"
    labels: Annotated[Any, COLUMN, ListOf(COLUMN), OneOf(None)] = None
    target: Name | None = None
    label_separator: Name | None = None
    classes: list[Name] = field(default_factory=list)
    length: Annotated[Any, Whole(1, MOST_TOKENS), OneOf("auto")] = 48
    vocabulary: Annotated[int, Whole(3, 1_000_000)] = 30_000
    validation: Part = 0.1
    validation_max: Count = 5_000
    test_fraction: Part = 0.1
    on_empty: Annotated[str, OneOf("error", "drop")] = "error"
    on_missing_label: Annotated[str, OneOf("error", "drop")] = "error"
    min_per_class: Annotated[int, Whole(0, 1_000_000)] = 0
    groups: Annotated[str, OneOf("none", "auto")] = "none"
    on_overlap: Annotated[str, OneOf("error", "keep")] = "error"
    demo: DemoConfig = field(default_factory=DemoConfig)

    @property
    def text_columns(self) -> list[str]:
        """The text columns, however many were named."""
        return listed(self.text)

    @property
    def label_columns(self) -> list[str]:
        """The columns of several labels; none where every text has one class."""
        return listed(self.labels)

    @property
    def target_columns(self) -> list[str]:
        """The columns of what belongs to a text: its class, its labels, or the text that is to be written."""
        return self.label_columns or [self.label if self.target is None else self.target]

    @property
    def file_options(self) -> FileOptions:
        """How files are to be read."""
        labels = tuple(self.target_columns)
        form = (self.encoding, self.separator, self.quoting, tuple(self.columns), self.records)
        return FileOptions(*form, text=tuple(self.text_columns), labels=labels)


def listed(names: Any) -> list[str]:
    """One name or several, or none, as a list."""
    if names is None:
        return []
    return [str(name) for name in names] if isinstance(names, list | tuple) else [str(names)]


class Sources(NamedTuple):
    """The parts of a corpus, each in one or several pieces; no test part means: carve it from train."""

    train: tuple[Source, ...]
    test: tuple[Source, ...]


def check_config(config: DatasetConfig) -> None:
    """Check the values that no file can make right.

    Raises:
        TextddError: a value is out of its range, or two do not go together.
    """
    check_options(config, prefix="dataset.")
    config.file_options.check()
    config.demo.check()
    if config.pair and len(config.text_columns) != 2:
        raise TextddError(
            f"Got dataset.pair=true and dataset.text=[{','.join(config.text_columns)}]; a pair has two columns. "
            "Type for instance: dataset.text=[premise,hypothesis]"
        )
    if config.target is not None:
        check_target(config)
    labels = {as_label(name) for name in config.classes} - {None}
    if len(config.classes) == 1 or len(labels) < len(config.classes):
        raise TextddError(
            f"dataset.classes={config.classes} must be at least two different names, in the order of their "
            "numbers, or empty to take the labels found in the data. Type: dataset.classes=[]"
        )


def check_target(config: DatasetConfig) -> None:
    """Check that nothing is asked of texts as targets that only classes have.

    Raises:
        TextddError: it is.
    """
    given = {
        "dataset.labels=null": bool(config.label_columns),
        "dataset.pair=false": config.pair,
        "dataset.classes=[]": bool(config.classes),
        "dataset.min_per_class=0": config.min_per_class > 0,
    }
    for remedy, wrong in given.items():
        if wrong:
            raise TextddError(
                f"Got dataset.target={config.target} and {remedy.partition('=')[0]}: where targets are texts, a prompt "
                f"is one segment, and there are no classes. Type: {remedy}"
            )


def find_sources(config: DatasetConfig, data_dir: str | None, cache_dir: Path) -> Sources:
    """Find the corpus: the given path, else files under `data_dir`, else the hub.

    Args:
        config: the corpus.
        data_dir: holds a folder per corpus, called `<name>` or, as Zhang et al. packed them, `<name>_csv`.
        cache_dir: where the hub's downloads go.

    Raises:
        TextddError: it is nowhere, or only a part of it is there.
    """
    if config.path is not None:
        return _own_files(config, expanded(config.path))
    if config.name == "demo":
        train, test = demo_splits(config.demo)
        return Sources((train,), (test,))
    root = None if data_dir is None else expanded(data_dir)
    folders = () if root is None else (root / config.name, root / f"{config.name}_csv")
    for folder in folders:
        if sources := _folder(config, folder, needs_test=config.hub is not None):
            return sources
    if config.hub is None:
        looked = f" or files in {' or '.join(map(str, folders))}" if folders else ""
        raise TextddError(
            f"dataset={config.name} needs a path to a file or folder{looked}. "
            "Type: dataset=local dataset.path=/your/texts.csv"
        )
    # The hub's client brings many network libraries along; whoever has files never waits for them.
    from textdd.corpora.hub import HubSplit

    downloads = cache_dir / "hub"
    return Sources(
        (HubSplit(config.hub, config.revision, config.subset, "train", config.label, downloads, folders),),
        (HubSplit(config.hub, config.revision, config.subset, config.hub_test, config.label, downloads, folders),),
    )


def _own_files(config: DatasetConfig, path: Path) -> Sources:
    for option, one in (("dataset.path", path), ("dataset.test_path", config.test_path)):
        if one is not None and not expanded(one).exists():
            raise no_such_path(Path(one), option)
    if path.is_dir():
        sources = _folder(config, path, needs_test=False)
        if sources is None:
            raise TextddError(
                f"{path} holds no train file. Allowed: {file_names('train')}; or a folder or a file for each class. "
                "Type: dataset.path=FILE"
            )
    else:
        sources = Sources((open_table(path, config.file_options),), ())
    if config.test_path is not None:
        sources = sources._replace(test=test_files(expanded(config.test_path), config.file_options))
    return sources


def _folder(config: DatasetConfig, folder: Path, *, needs_test: bool) -> Sources | None:
    """Open the train and test parts of a folder; None if it holds neither."""
    parts = parts_of(folder, config.file_options) if folder.is_dir() else {}
    if not any(parts.values()):
        return None
    for part, needed in (("train", True), ("test", needs_test)):
        if needed and not parts.get(part):
            raise TextddError(f"{folder} holds no {part} file. Put it there as one of: {file_names(part)}.")
    return Sources(parts["train"], parts.get("test", ()))
