"""What students are measured by: as results name it, and in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

NAMES = {
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "micro_f1": "micro-F1",
    "mean_average_precision": "mean average precision",
}
"""Measure -> its name in words."""

FORMER = ("accuracy", "macro_f1")
"""The measures of a result that names none: up to version 0.3 there were no others."""


def measures_of(result: dict[str, Any]) -> tuple[str, ...]:
    """The measures of a result; the first is the headline, which curves and recovery are of.

    Args:
        result: the content of a result.json.
    """
    return tuple(result.get("measures", FORMER))


def headline_of(result: dict[str, Any]) -> str:
    """The measure that curves and recovery of a result are of."""
    return measures_of(result)[0]


def called(measure: str) -> str:
    """A measure in words."""
    return NAMES.get(measure, measure.replace("_", " "))


def either(measures: Iterable[str]) -> str:
    """Several measures in words, each once, for what is of one or another of them; of none it is the first of all."""
    found = set(measures)
    order = [*NAMES, *sorted(found - set(NAMES))]
    return " or ".join(called(measure) for measure in order if measure in found) or called(FORMER[0])


def capital(words: str) -> str:
    """The same words at the beginning of a heading."""
    return words[:1].upper() + words[1:]
