"""The one error that users see: what was got, what is allowed, and what to type."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


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
