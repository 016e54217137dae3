"""The sets of one method: an artefact, a file of texts and labels, a folder of several, or what Python has."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from textdd.corpora.formats.saved import STATE
from textdd.corpora.given import as_parquet, as_table, is_several
from textdd.errors import TextddError, no_such_path
from textdd.record import write_bytes
from textdd.scoring.fingerprint import fingerprint
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.imported import read_set
from textdd.sets.manifest import MANIFEST, is_table
from textdd.typed import expanded


class Given(NamedTuple):
    """A set that is scored.

    Attributes:
        name: its file or folder.
        distilled: the set.
        sha256: what it is; see `fingerprint`.
    """

    name: str
    distilled: DistilledSet
    sha256: str


def sets_at(path: Path, most: int) -> list[Given]:
    """The set at a path, or those of a folder in the order of their names, in which 2 comes before 10.

    Args:
        path: an artefact, a run's folder, a file of texts and labels, a data set saved by `datasets`, or a folder of
            several of these.
        most: how many of several are taken; 0 takes all.

    Raises:
        TextddError: there is nothing, or what there is cannot be read as sets of one size.
    """
    if not path.exists():
        raise no_such_path(path, "set")
    own = [path] if is_set(path) else [path / "artifact"] if is_set(path / "artifact") else []
    places = own or [place for child in sorted(path.iterdir(), key=in_order) if (place := set_in(child)) is not None]
    if not places:
        raise TextddError(
            f"{path} holds no set. Allowed: an artefact, a csv, jsonl or parquet file of texts and labels, a data set "
            "that was saved to disk, or a folder of several of these. Type: textdd score set=PATH dataset=NAME"
        )
    chosen = places[: most or len(places)]
    given = [named(name_of(place, path), opened(place)) for place in chosen]
    check_alike(given)
    return given


def is_set(path: Path) -> bool:
    """Whether a path is that of one set."""
    return (is_table(path) and path.is_file()) or (path / MANIFEST).is_file() or (path / STATE).is_file()


def set_in(path: Path) -> Path | None:
    """The set that something in a folder is: itself, or the artefact of a run; None where it is neither."""
    if path.name.startswith("."):
        return None
    return next((place for place in (path, path / "artifact") if is_set(place)), None)


def in_order(path: Path) -> list[tuple[int, str]]:
    """A key by which 2 comes before 10."""
    parts = re.split(r"(\d+)", path.name)
    return [(int(part), "") if part.isdecimal() and len(part) < 20 else (-1, part) for part in parts]


def name_of(place: Path, path: Path) -> str:
    """What a set is called: its file or folder, of an artefact that of its run."""
    inside = place.parent if place.name == "artifact" and place.parent != path.parent else place
    return inside.stem if inside.is_file() else inside.resolve().name


def opened(place: Path) -> DistilledSet:
    """Read a set of any form."""
    return read_set(place) if (place / STATE).is_file() else DistilledSet.load(place)


def named(name: str, distilled: DistilledSet) -> Given:
    """A set with its name and its hash."""
    return Given(name, distilled, fingerprint(distilled))


def check_alike(given: Sequence[Given]) -> None:
    """Check that the sets are of one kind and size, so that one baseline serves all.

    Raises:
        TextddError: they are not.
    """
    first = given[0]
    for other in given[1:]:
        for what, mine, its in (
            ("examples", len(first.distilled.text_labels), len(other.distilled.text_labels)),
            ("kind", first.distilled.kind, other.distilled.kind),
        ):
            if mine != its:
                raise TextddError(
                    f"{first.name} and {other.name} are no sets of one method: {what} {mine} and {its}. "
                    "Allowed: a folder of sets of one kind and size. "
                    "Or score one by itself. Type: textdd score set=FILE dataset=NAME"
                )


def from_python(sets: Any, cache: Path) -> list[Given]:
    """Sets that are given from Python.

    Args:
        sets: a DistilledSet, a path, a `datasets.Dataset`, a pandas frame, or a list of these.
        cache: where a file is made of what is no file.

    Raises:
        TextddError: it is none of these.
    """
    found: list[Given] = []
    for number, one in enumerate(sets if isinstance(sets, list | tuple) else [sets]):
        if isinstance(one, DistilledSet):
            found.append(named(f"set_{number}", one))
        elif isinstance(one, str | Path):
            found += sets_at(expanded(one), 0)
        else:
            table = one["train"] if is_several(one) and "train" in one else one
            content = as_parquet(as_table(table, None, "the set"))
            place = cache / "given" / f"set-{hashlib.blake2b(content, digest_size=10).hexdigest()}" / "set.parquet"
            write_bytes(place, content)
            found.append(named(f"set_{number}", read_set(place)))
    if not found:
        raise TextddError("Got no set. Allowed: a DistilledSet, a path, a datasets.Dataset, or a list of these.")
    check_alike(found)
    return found
