"""The table that a run ends with."""

from __future__ import annotations

import math
from typing import Any

from rich.console import Console
from rich.table import Table


def results_table(result: dict[str, Any]) -> Table:
    """Distilled, random and full side by side, variants below their method.

    Args:
        result: the content of result.json.
    """
    size = f"{result['per_class']} per class, {100 * result['budget']:.3g} % of the training texts"
    title = f"{result['dataset']}: {size}; {result['model']}, {result['embedding']}, {result['distiller']}"
    table = Table(title=title, caption=f"test accuracy, mean ± std of {result['students']} fresh students")
    table.add_column("trained on")
    for heading in ("accuracy", "macro-F1", "recovery", "stored", "seconds", "peak memory"):
        table.add_column(heading, justify="right")
    for name, method in result["methods"].items():
        table.add_row(f"[bold]{name}[/bold]", *scores(method), *costs(method))
        for variant, scored in method.get("variants", {}).items():
            table.add_row(f"  {variant.replace('_', ' ')}", *scores(scored))
        for other, scored in method.get("transfer", {}).items():
            table.add_row(f"  student {other}", *scores(scored))
    return table


def scores(result: dict[str, Any]) -> list[str]:
    """The cells that say how good a set is."""
    cells = [f"{result[name]['mean']:.4f} ± {result[name]['std']:.4f}" for name in ("accuracy", "macro_f1")]
    return [*cells, f"{result['recovery']:.3f}" if "recovery" in result else ""]


def costs(method: dict[str, Any]) -> list[str]:
    """The cells that say what a set costs."""
    return [readable(method["bytes"]), f"{method['seconds']:.1f}", readable(method["peak_memory_bytes"])]


def readable(count: float) -> str:
    """A number of bytes in units of 1000."""
    power = min(int(math.log10(max(count, 1)) // 3), 3)
    return f"{count / 1000**power:.3g} {('B', 'kB', 'MB', 'GB')[power]}"


def print_results(result: dict[str, Any]) -> None:
    """Print the table to standard output, wide enough for its columns where the output is no terminal."""
    console = Console()
    Console(width=None if console.is_terminal else 120).print(results_table(result))
