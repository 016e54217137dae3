"""Figures: accuracy against training steps, the paper's figure 3."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

from textdd.record import write_bytes

COLOURS = {
    "distilled": "#0b6e99",
    "random": "#d9730d",
    "herding": "#448361",
    "k_center": "#9065b0",
    "k_means": "#c14c8a",
    "full": "#6b6b6b",
}


def draw_accuracy_against_steps(axes: Axes, result: dict[str, Any]) -> None:
    """Draw validation accuracy against training steps: distilled and random, other selectors thinly, full as a line.

    Args:
        axes: where to draw.
        result: the content of result.json.
    """
    methods = result["methods"]
    for name in methods:
        if name != "full":
            draw_curve(axes, name, methods[name])
    best = max(methods["full"]["curve"]["mean"])
    axes.axhline(best, color=COLOURS["full"], linestyle="--", label=described("full data", methods["full"]))
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("training steps of the student")
    axes.set_title(f"{result['dataset']}, {result['per_class']} examples per class", fontsize="medium")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", fontsize="small")


def draw_curve(axes: Axes, name: str, method: dict[str, Any]) -> None:
    """Draw one method's curve; the spread over students only where it matters most, so that all stay readable."""
    curve, colour = method["curve"], COLOURS.get(name)
    if name in ("distilled", "random"):
        low, high = ([m + sign * s for m, s in zip(curve["mean"], curve["std"], strict=True)] for sign in (-1, 1))
        axes.plot(curve["steps"], curve["mean"], "o-", color=colour, markersize=3, label=described(name, method))
        axes.fill_between(curve["steps"], low, high, color=colour, alpha=0.2, linewidth=0)
    else:
        axes.plot(curve["steps"], curve["mean"], color=colour, linewidth=1, label=described(name, method))


def described(name: str, method: dict[str, Any]) -> str:
    """A line of the legend: the name and the accuracy on test."""
    return f"{name}: test {method['accuracy']['mean']:.3f} ± {method['accuracy']['std']:.3f}"


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
