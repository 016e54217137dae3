"""What values an option may have: errors that say what was got, what is allowed and what to type."""

from __future__ import annotations

from collections.abc import Iterable

from textdd.errors import TextddError, unknown_choice


def one_of(what: str, got: str, allowed: Iterable[str], key: str) -> None:
    """Raise the error for a value outside a closed list."""
    allowed = tuple(allowed)
    if got not in allowed:
        raise unknown_choice(what, got, allowed, key)


def all_of(what: str, got: Iterable[str], allowed: Iterable[str], key: str) -> None:
    """Raise the error for a list that holds a value outside a closed list."""
    allowed = tuple(allowed)
    for name in got:
        if name not in allowed:
            raise unknown_choice(what, name, allowed, key, listed=True)


def positive(key: str, got: float, usual: float) -> None:
    """Raise the error for a number that is not positive."""
    if got <= 0:
        raise TextddError(f"Got {key}={got:g}; it must be positive. Type: {key}={usual:g}")


def at_least(key: str, got: int | None, least: int, usual: int) -> None:
    """Raise the error for a number that is too small; None is a number that was not given."""
    if got is not None and got < least:
        raise TextddError(f"Got {key}={got}; {least} or more is allowed. Type: {key}={usual}")


def at_most(key: str, got: int, other: str, most: int, why: str) -> None:
    """Raise the error for a number that exceeds another option's."""
    if got > most:
        raise TextddError(f"Got {key}={got} and {other}={most}: {why}. Type: {key}={most}")


def within(key: str, got: float, usual: float, *, ends: str = "[]") -> None:
    """Raise the error for a number outside the interval from 0 to 1, whose ends belong to it as `ends` shows."""
    inside = (got >= 0 if ends[0] == "[" else got > 0) and (got <= 1 if ends[1] == "]" else got < 1)
    if not inside:
        raise TextddError(f"Got {key}={got:g}; it lies in {ends[0]}0, 1{ends[1]}. Type: {key}={usual:g}")
