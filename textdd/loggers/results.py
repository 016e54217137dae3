"""The table of results that every mirror shows: a row per method and per variant of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textdd.report.measures import FORMER

LAST = ("recovery", "seconds", "bytes")
"""Columns of what only some variants have."""


def result_columns(measures: Sequence[str] = FORMER) -> list[str]:
    """The headings: two columns for every measure, its mean and its standard deviation."""
    return ["method", "variant", *(name for measure in measures for name in (measure, f"{measure}_std")), *LAST]


def result_rows(methods: dict[str, Any], measures: Sequence[str] = FORMER) -> list[list[Any]]:
    """Rows under these headings; None where a variant has no such number.

    Args:
        methods: what result.json holds about each.
        measures: what they were measured by.
    """
    rows = []
    for name, method in methods.items():
        variants = {**method.get("variants", {}), **{f"student {k}": v for k, v in method.get("transfer", {}).items()}}
        for variant, scored in {"": method, **variants}.items():
            numbers = [scored[measure][part] for measure in measures for part in ("mean", "std")]
            rows.append([name, variant, *numbers, *(scored.get(key) for key in LAST)])
    return rows
