"""What a folder holds: files called train and test, what `datasets` saved, or a folder or a file for each class."""

from __future__ import annotations

from pathlib import Path

from textdd.corpora.files import SUFFIXES, open_table
from textdd.corpora.formats.class_folders import check_parts, class_folder
from textdd.corpora.formats.foreign import refuse
from textdd.corpora.formats.opening import PACKINGS, text_lines
from textdd.corpora.formats.options import FileOptions
from textdd.corpora.formats.saved import saved_parts
from textdd.corpora.formats.table import BLOCK_BYTES, TableFile, form, readable
from textdd.errors import TextddError

Parts = dict[str, tuple[TableFile, ...]]
"""Train and test, each in one or several pieces."""


def parts_of(folder: Path, options: FileOptions) -> Parts:
    """Open what there is to train and to test on in a folder; nothing where it holds no texts.

    Args:
        folder: the folder.
        options: how files are to be read.

    Raises:
        TextddError: two files for one part, or something is wrong with a file.
    """
    with readable(TableFile(folder, options)):
        if saved := saved_parts(folder, options):
            return {**saved}
        names = label_names(folder / "classes.txt", options)
        tables: Parts = {part: pieces(folder, part, options, names) for part in ("train", "test")}
        if any(tables.values()):
            return tables
        inner = {part: class_folder(folder / part, options) for part in ("train", "test")}
        train, test = inner["train"], inner["test"]
        if train is not None and test is not None:
            check_parts(train, test)
        whole = train or class_folder(folder, options)
        return {part: (of,) for part, of in (("train", whole), ("test", test)) if of is not None}


def test_files(path: Path, options: FileOptions) -> tuple[TableFile, ...]:
    """Open a test file, or a folder of test texts in any form that one to train on may have.

    Raises:
        TextddError: there is none, or something is wrong with it.
    """
    if not path.is_dir():
        return (open_table(path, options),)
    found = parts_of(path, options)
    if not any(found.values()):
        raise TextddError(f"{path} holds no texts to test on. Type: dataset.test_path=FILE")
    return found.get("test") or found["train"]


def label_names(path: Path, options: FileOptions) -> tuple[str, ...]:
    """The lines of a `classes.txt`: what integer labels stand for; () where there is no such file.

    Raises:
        TextddError: it has one name only, or one twice.
    """
    if not path.is_file():
        return ()
    with readable(TableFile(path, options)):
        names = tuple(name for line in text_lines(path, options, BLOCK_BYTES) if (name := line.decode().strip()))
    if len(names) == 1 or len({*names}) < len(names):
        raise TextddError(
            f"{path} has {len(names)} names in its lines, {', '.join(names)[:200]}; two or more are needed, each once, "
            "in the order of the integers that stand for them. Mend it, or name another file: dataset.path=FILE"
        )
    return names


def pieces(folder: Path, part: str, options: FileOptions, names: tuple[str, ...]) -> tuple[TableFile, ...]:
    """Open `train.csv`, `train.csv.gz` or the like, or the hub's own numbered pieces `train-00000-of-00004.parquet`."""
    endings = [f"{suffix}{packing}" for suffix in SUFFIXES for packing in ("", *PACKINGS)]
    whole = [path for ending in endings if (path := folder / f"{part}{ending}").is_file()]
    whole = [path for path in whole if form(path) != ".txt"] or whole
    if len(whole) > 1:
        raise TextddError(f"{folder} holds {' and '.join(path.name for path in whole)}. Keep one of them.")
    numbered = sorted(path for path in folder.glob(f"{part}-*-of-*") if form(path) in SUFFIXES)
    if not whole and not numbered:
        for path in folder.glob(f"{part}.*"):
            refuse(path)
    return tuple(open_table(path, options, names) for path in whole or numbered)


def file_names(part: str) -> str:
    """What a file of a part may be called."""
    return ", ".join(f"{part}{suffix}" for suffix in SUFFIXES)
