"""What students are measured by: as results name it, and in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from textdd.corpora.budget import counted

NAMES = {
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "micro_f1": "micro-F1",
    "mean_average_precision": "mean average precision",
    "response_loss": "response loss",
    "perplexity": "perplexity",
    "bleu": "BLEU",
    "chrf": "chrF",
    "rouge_l": "ROUGE-L",
    "distinct_1": "distinct-1",
    "distinct_2": "distinct-2",
}
"""Measure -> its name in words."""

FALLING = ("response_loss", "perplexity")
"""Measures that are better the lower they are."""

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


def best_of(measure: str, values: Iterable[float]) -> float:
    """The best of some values of a measure; NaN of none."""
    return (min if measure in FALLING else max)(values, default=float("nan"))


def size_of(result: dict[str, Any]) -> str:
    """The size of a result's sets in words."""
    return counted(result["per_class"], result.get("task", "one_class"))


def typed_size(result: dict[str, Any]) -> str:
    """The size of a result's sets as it is typed."""
    option = "pairs" if result.get("task") == "generation" else "per_class"
    return f"{option}={result['per_class']}"


def recovered(measure: str, reached: float, full: float) -> float:
    """What was reached as a share of what the full data reach, of a loss the reverse; 0 where there is no share."""
    above, below = (full, reached) if measure in FALLING else (reached, full)
    return above / below if below else 0.0


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
