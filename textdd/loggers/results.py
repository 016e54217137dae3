"""The table of results that every mirror shows: a row per method and per variant of it."""

from __future__ import annotations

from typing import Any

COLUMNS = ("method", "variant", "accuracy", "accuracy_std", "macro_f1", "macro_f1_std", "recovery", "seconds", "bytes")


def result_rows(methods: dict[str, Any]) -> list[list[Any]]:
    """Rows under COLUMNS; None where a variant has no such number.

    Args:
        methods: what result.json holds about each.
    """
    rows = []
    for name, method in methods.items():
        variants = {**method.get("variants", {}), **{f"student {k}": v for k, v in method.get("transfer", {}).items()}}
        for variant, scored in {"": method, **variants}.items():
            numbers = [scored[metric][part] for metric in ("accuracy", "macro_f1") for part in ("mean", "std")]
            rows.append([name, variant, *numbers, *(scored.get(key) for key in ("recovery", "seconds", "bytes"))])
    return rows
