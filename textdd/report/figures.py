"""Figures: accuracy against training steps, the paper's figure 3."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from textdd.record import write_bytes

COLOURS = {"distilled": "#0b6e99", "random": "#d9730d", "full": "#6b6b6b"}


def accuracy_against_steps(result: dict[str, Any], path: Path) -> None:
    """Draw validation accuracy against training steps for distilled and random, full as a line to reach.

    Args:
        result: the content of result.json.
        path: where the PNG goes.
    """
    figure = Figure(figsize=(6.4, 4), layout="constrained", dpi=150)
    axes = figure.add_subplot()
    methods = result["methods"]
    for name in ("distilled", "random"):
        curve = methods[name]["curve"]
        accuracy = methods[name]["accuracy"]
        low = [m - s for m, s in zip(curve["mean"], curve["std"], strict=True)]
        high = [m + s for m, s in zip(curve["mean"], curve["std"], strict=True)]
        label = f"{name} (test {accuracy['mean']:.3f} ± {accuracy['std']:.3f})"
        axes.plot(curve["steps"], curve["mean"], "o-", color=COLOURS[name], markersize=3, label=label)
        axes.fill_between(curve["steps"], low, high, color=COLOURS[name], alpha=0.2, linewidth=0)
    full = methods["full"]
    axes.axhline(
        max(full["curve"]["mean"]),
        color=COLOURS["full"],
        linestyle="--",
        label=f"full data (test {full['accuracy']['mean']:.3f})",
    )
    axes.set_xscale("log")
    axes.set_xlabel("training steps of the student")
    axes.set_ylabel("validation accuracy")
    axes.set_title(f"{result['dataset']}, {result['per_class']} examples per class")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    buffer = BytesIO()
    figure.savefig(buffer, format="png")
    write_bytes(path, buffer.getvalue())
