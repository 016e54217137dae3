"""Folders without tables: a folder a class with a text a file, or a file a class with a text a line."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pyarrow as pa

from textdd.corpora.content import contents_hash
from textdd.corpora.formats.opening import say_once, text_lines, unpacked_name
from textdd.corpora.formats.options import FileOptions
from textdd.corpora.formats.table import BATCH_ROWS, LONGEST, TableFile, readable
from textdd.errors import TextddError

NO_TEXTS = ("readme", "license", "licence", "source", "classes", "changelog", "copying")
"""Files of these names tell of a corpus and are no part of it."""

TEXT_SUFFIXES = ("", ".txt", ".text")

SHOWN = 9
"""Classes that a remark names."""


@dataclass(frozen=True)
class ClassFolder(TableFile):
    """A folder whose classes are folders, or files.

    Attributes:
        classes: the name of every class, and its files in order.
        by_line: a line is a text; else a file is.
    """

    classes: tuple[tuple[str, tuple[Path, ...]], ...] = ()
    by_line: bool = False

    def fingerprint(self, cache_dir: Path) -> str:
        """Hash what all files hold, and which class they are of."""
        with readable(self):
            hashes = [(name, contents_hash(paths, cache_dir)) for name, paths in self.classes]
        return f"{type(self).__name__} {hashes} {self.by_line} {self.options}"

    def columns(self) -> list[str]:
        """Name the columns that such a folder is read as."""
        return ["text", "label"]

    def batches(self, columns: list[str]) -> Iterator[pa.Table]:
        """Yield the texts of one class after the other."""
        if columns == ["label"] and not self.by_line:  # no file need be opened for that
            yield pa.table({"label": [name for name, paths in self.classes for _ in paths]})
            return
        rows = ((text, name) for name, paths in self.classes for path in paths for text in self._texts(path))
        while chunk := list(islice(rows, BATCH_ROWS)):
            texts, labels = zip(*chunk, strict=True)
            yield pa.table({"text": pa.array(texts), "label": pa.array(labels)}).select(columns)

    def _texts(self, path: Path) -> Iterator[str]:
        with readable(TableFile(path, self.options)):
            lines = text_lines(path, self.options, LONGEST)
            if self.by_line:
                yield from (line.decode() for line in lines if line.strip())
            else:
                yield b"\n".join(lines).decode()


def class_folder(folder: Path, options: FileOptions) -> ClassFolder | None:
    """Open a folder of folders or files of texts; None where there is no such folder.

    Raises:
        TextddError: some of its folders hold texts, and others folders.
    """
    if not folder.is_dir():
        return None
    within = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    folders = [path for path in within if path.is_dir()]
    files = [path for path in within if path.is_file() and path.stem.lower() not in NO_TEXTS]
    by_folder = {path.name: tuple(own) for path in folders if (own := texts_of(path))}
    by_file = {name: (path,) for name, path in zip(class_names(files), files, strict=False)}
    if len(by_folder) > 1:
        if deeper := [path for path in folders if any(inner.is_dir() for inner in path.iterdir())]:
            raise TextddError(
                f"{folder} has folders of texts, {' and '.join(list(by_folder)[:SHOWN])}, which are taken for classes, "
                f"and {deeper[0].name} with more folders in it. Keep only the classes there; type for instance: "
                f"mv {shlex.quote(str(deeper[0]))} {shlex.quote(str(folder.parent / (deeper[0].name + '-aside')))}"
            )
        counts = [f"{name} ({len(paths)} texts)" for name, paths in by_folder.items()]
        say_once(f"{folder}: a folder a class, a file a text: {listing(counts)}")
        return ClassFolder(folder, options, classes=tuple(by_folder.items()))
    if len(by_file) > 1:
        say_once(
            f"{folder}: a file a class, a line a text: {listing([f'{n} ({p[0].name})' for n, p in by_file.items()])}"
        )
        return ClassFolder(folder, options, classes=tuple(by_file.items()), by_line=True)
    return None


def texts_of(folder: Path) -> list[Path]:
    """The files in a folder, in order."""
    return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))


def class_names(files: list[Path]) -> list[str]:
    """What files are called apart from what all of them are: neg and pos for neg.txt and pos.txt, rt.neg and rt.pos.

    None where they are not called alike, as files of one kind would be.
    """
    names = [path.name[: len(unpacked_name(path))] for path in files]
    parts = [name.split(".") for name in names]
    if len({len(of) for of in parts}) != 1:
        texts = all(Path(name).suffix in TEXT_SUFFIXES for name in names)
        return [name.removesuffix(".txt") for name in names] if texts else []
    own = [[part for part, *others in zip(of, *parts, strict=True) if {*others} != {part}] for of in parts]
    return [".".join(of) for of in own] if all(len(of) == 1 for of in own) else []


def listing(names: list[str]) -> str:
    """Some names, and that there are more."""
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} others" if len(names) > SHOWN else "")


def check_parts(train: ClassFolder, test: ClassFolder) -> None:
    """Check that training texts are of classes that there are to test on: `unsup` of aclImdb is none.

    Raises:
        TextddError: a class has training texts only.
    """
    tested = {name for name, _ in test.classes}
    for name, paths in train.classes:
        if name not in tested:
            place = paths[0] if train.by_line else paths[0].parent
            raise TextddError(
                f"{train.path} has texts of {name!r}, and {test.path} has none. If that is no class, move it away: "
                f"mv {shlex.quote(str(place))} {shlex.quote(str(train.path.parent.parent))}"
            )
