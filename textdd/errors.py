"""The one error that users see: what was got, what is allowed, and what to type."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from textdd.typed import typed

MOST_ENTRIES = 1_000
"""Entries of a folder among which the nearest name is looked for."""


class TextddError(Exception):
    """A mistake that the user can mend: the message says what was got, what is allowed and what to type.

    `textdd.run` and `textdd.evaluate` print it without a traceback and exit with status 2.
    """


class MissingCorpus(TextddError):
    """A corpus is neither on this machine nor within reach: a sweep lists it as missing and goes on with the others."""


def nearest_first(got: str, allowed: Iterable[str]) -> list[str]:
    """Sort `allowed` so that the choice that looks most like `got` comes first.

    Args:
        got: the word that the user typed.
        allowed: the words that would have been right.
    """

    def likeness(word: str) -> float:
        return difflib.SequenceMatcher(None, got.lower(), word.lower()).ratio()

    return sorted(allowed, key=lambda word: (-likeness(word), word))


def cut(text: str, most: int = 60) -> str:
    """A text as a message shows it: no longer than `most` signs."""
    return text if len(text) <= most else f"{text[: most - 4]} ..."


def some_of(names: Iterable[str], most: int = 20) -> str:
    """The first names of a list, which may be as long as a file has columns, and how many more there are."""
    shown = [cut(name) for name in names]
    return ", ".join(shown[:most]) + (f" and {len(shown) - most} more" if len(shown) > most else "")


def no_such_path(path: Path, option: str) -> TextddError:
    """Make the error for a path that leads to nothing, with the nearest one that leads somewhere.

    Args:
        path: as it was typed.
        option: the option to type, such as "dataset.path".
    """
    folder, name = path, ""
    while not folder.is_dir() and folder != folder.parent:
        folder, name = folder.parent, folder.name
    try:
        with os.scandir(folder) as entries:
            beside = nearest_first(name, [entry.name for entry in islice(entries, MOST_ENTRIES)])
    except OSError:
        beside = []
    got = f"{path}: there is no such file or folder"
    if not beside:
        return TextddError(f"{got}, and {folder} is empty or cannot be looked into. Type: {option}=PATH")
    best = typed(option, str(folder / beside[0]))
    return TextddError(f"{got}. {folder} holds (nearest first): {some_of(beside, 5)}. Type for instance: {best}")


def unknown_choice(what: str, got: str, allowed: Iterable[str], key: str, *, listed: bool = False) -> TextddError:
    """Make the error for a value that is not one of a closed list.

    Args:
        what: the kind of thing in words, such as "inner optimiser".
        got: the value that was typed.
        allowed: every value that would have been right.
        key: the option to type, such as "distiller.inner_optimiser".
        listed: the option takes a list of such values.
    """
    choices = nearest_first(got, allowed)
    value = f"[{choices[0]}]" if listed else choices[0]
    return TextddError(f"Unknown {what} {got!r}. Allowed (nearest first): {', '.join(choices)}. Type: {key}={value}")
