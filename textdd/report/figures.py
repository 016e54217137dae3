"""Figures: accuracy against training steps, the paper's figure 3."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from textdd.record import write_bytes

COLOURS = {"distilled": "#0b6e99", "random": "#d9730d", "full": "#6b6b6b"}


def draw_accuracy_against_steps(axes: Axes, result: dict[str, Any]) -> None:
    """Draw validation accuracy against training steps for distilled and random, full as a line to reach.

    Args:
        axes: where to draw.
        result: the content of result.json.
    """
    methods = result["methods"]
    for name in ("distilled", "random"):
        curve = methods[name]["curve"]
        low, high = ([m + sign * s for m, s in zip(curve["mean"], curve["std"], strict=True)] for sign in (-1, 1))
        label = f"{name}: test {methods[name]['accuracy']['mean']:.3f} ± {methods[name]['accuracy']['std']:.3f}"
        axes.plot(curve["steps"], curve["mean"], "o-", color=COLOURS[name], markersize=3, label=label)
        axes.fill_between(curve["steps"], low, high, color=COLOURS[name], alpha=0.2, linewidth=0)
    label = f"full data: test {methods['full']['accuracy']['mean']:.3f} ± {methods['full']['accuracy']['std']:.3f}"
    axes.axhline(max(methods["full"]["curve"]["mean"]), color=COLOURS["full"], linestyle="--", label=label)
    axes.set_xscale("log")
    axes.set_xlabel("training steps of the student")
    axes.set_title(f"{result['dataset']}, {result['per_class']} examples per class", fontsize="medium")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", fontsize="small")


def accuracy_against_steps(results: list[dict[str, Any]], path: Path) -> None:
    """Draw one such figure, or several side by side, into a PNG file.

    Args:
        results: contents of result.json files.
        path: where the PNG goes.
    """
    figure = Figure(figsize=(2.6 + 3.6 * len(results), 3.9), layout="constrained", dpi=130)
    panels = figure.subplots(1, len(results), squeeze=False)[0]
    for axes, result in zip(panels, results, strict=True):
        draw_accuracy_against_steps(axes, result)
    panels[0].set_ylabel("validation accuracy")
    buffer = BytesIO()
    figure.savefig(buffer, format="png")
    write_bytes(path, buffer.getvalue())
