"""Where a corpus comes from: files, the hub, or the built-in generator."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from textdd.allowed import Count, ListOf, Name, Number, OneOf, Part, Place, Text, Whole
from textdd.corpora.demo import DemoConfig, demo_splits
from textdd.corpora.files import SUFFIXES, TableFile, open_table
from textdd.corpora.records import Source
from textdd.errors import TextddError
from textdd.options import check_options

MOST_TOKENS = 512
"""Tokens kept of a segment: nobody trains on more, and one freak text must not outweigh a corpus."""


COLUMN = Text("the name of a column")


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
        columns: what the columns of csv and tsv files are called, such as [text,label], where they have no header;
            empty reads their first row.
        quoting: of tsv files: `none` where quotation marks are signs like others, `minimal` where they stand around
            cells; `auto` finds out.
        text: a text column, or several as a list, joined by one space.
        pair: the two columns of `text` are the segments of a pair, such as a premise and a hypothesis.
        label: the column of the class, where every text has one.
        labels: several labels a text: one column of 0 and 1 for each label, as a list, or the one column that lists the
            labels of a text; null for one class a text.
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
        demo: the generator of the demo corpus.
    """

    name: Name = "demo"
    hub: Name | None = None
    budget: Annotated[float, Number(0, 1, "(]")] = 0.001
    hub_test: Name = "test"
    revision: Name | None = None
    subset: Name | None = None
    path: Place | None = None
    test_path: Place | None = None
    columns: list[Name] = field(default_factory=list)
    quoting: Annotated[str, OneOf("auto", "none", "minimal")] = "auto"
    text: Annotated[Any, COLUMN, ListOf(COLUMN, least=1)] = "text"
    pair: bool = False
    label: Name = "label"
    labels: Annotated[Any, COLUMN, ListOf(COLUMN), OneOf(None)] = None
    label_separator: Name | None = None
    classes: list[Name] = field(default_factory=list)
    length: Annotated[Any, Whole(1, MOST_TOKENS), OneOf("auto")] = 48
    vocabulary: Annotated[int, Whole(3, 1_000_000)] = 30_000
    validation: Part = 0.1
    validation_max: Count = 5_000
    test_fraction: Part = 0.1
    on_empty: Annotated[str, OneOf("error", "drop")] = "error"
    demo: DemoConfig = field(default_factory=DemoConfig)

    @property
    def text_columns(self) -> list[str]:
        """The text columns, however many were named."""
        return listed(self.text)

    @property
    def label_columns(self) -> list[str]:
        """The columns of several labels; none where every text has one class."""
        return listed(self.labels)


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
    config.demo.check()
    if config.pair and len(config.text_columns) != 2:
        raise TextddError(
            f"Got dataset.pair=true and dataset.text=[{','.join(config.text_columns)}]; a pair has two columns. "
            "Type for instance: dataset.text=[premise,hypothesis]"
        )
    if len(config.classes) == 1 or len({*config.classes}) < len(config.classes):
        raise TextddError(
            f"dataset.classes={config.classes} must be at least two different names, in the order of their "
            "numbers, or empty to take the labels found in the data. Type: dataset.classes=[]"
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
        return _own_files(config, Path(config.path).expanduser())
    if config.name == "demo":
        train, test = demo_splits(config.demo)
        return Sources((train,), (test,))
    root = None if data_dir is None else Path(data_dir).expanduser()
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
    if path.is_dir():
        sources = _folder(config, path, needs_test=False)
        if sources is None:
            raise TextddError(f"{path} holds no train file. Allowed: {_file_names('train')}.")
    else:
        sources = Sources((open_table(path, (), config.columns, config.quoting),), ())
    if config.test_path is not None:
        sources = sources._replace(
            test=(open_table(Path(config.test_path).expanduser(), (), config.columns, config.quoting),)
        )
    return sources


def _folder(config: DatasetConfig, folder: Path, *, needs_test: bool) -> Sources | None:
    """Open the train and test files of a folder; None if it holds neither."""
    names = folder / "classes.txt"
    lines = names.read_text(encoding="utf-8-sig").splitlines() if names.is_file() else []
    label_names = tuple(line.strip() for line in lines if line.strip())
    parts = {part: _pieces(config, folder, part, label_names) for part in ("train", "test")}
    if not any(parts.values()):
        return None
    for part, needed in (("train", True), ("test", needs_test)):
        if needed and not parts[part]:
            raise TextddError(f"{folder} holds no {part} file. Put it there as one of: {_file_names(part)}.")
    return Sources(parts["train"], parts["test"])


def _pieces(config: DatasetConfig, folder: Path, part: str, label_names: tuple[str, ...]) -> tuple[TableFile, ...]:
    """Open `train.csv` or the like, or the hub's own numbered pieces `train-00000-of-00004.parquet`."""
    whole = [path for suffix in SUFFIXES if (path := folder / f"{part}{suffix}").is_file()]
    if len(whole) > 1:
        raise TextddError(f"{folder} holds {' and '.join(path.name for path in whole)}. Keep one of them.")
    pieces = sorted(path for path in folder.glob(f"{part}-*-of-*") if path.suffix in SUFFIXES)
    return tuple(open_table(path, label_names, config.columns, config.quoting) for path in whole or pieces)


def _file_names(part: str) -> str:
    return ", ".join(f"{part}{suffix}" for suffix in SUFFIXES)
