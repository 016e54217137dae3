"""Figures: accuracy against training steps, against the budget, against the time that distilling took."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from textdd.record import write_bytes
from textdd.report.drawing import Panel, add_legend, picture

COLOURS = {
    "distilled": "#0b6e99",
    "random": "#d9730d",
    "herding": "#448361",
    "k_center": "#9065b0",
    "k_means": "#c14c8a",
    "full": "#6b6b6b",
}
"""One colour per method in all figures."""

MARKERS = "osD^vPX"
"""One marker per way to distil in figures that hold several."""

Points = list[tuple[float, dict[str, float]]]
"""Places on the horizontal axis, each with an accuracy's `mean` and `std`."""


def draw_accuracy_against_steps(axes: Axes, result: dict[str, Any]) -> None:
    """Draw validation accuracy against training steps: distilled and random, other selectors thinly, full as a line.

    Args:
        axes: where to draw.
        result: the content of result.json.
    """
    methods = result["methods"]
    for name, method in methods.items():
        curve = method["curve"]
        if name == "full":
            best = max(curve["mean"], default=float("nan"))
            axes.axhline(best, color=COLOURS[name], linestyle="--", label=described("full data", method))
        else:
            points = zip(curve["mean"], curve["std"], strict=True)
            estimates = [{"mean": m, "std": s} for m, s in points]
            draw_line(axes, list(zip(curve["steps"], estimates, strict=True)), name, described(name, method))
    logarithmic(axes)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.set(xlabel="training steps of the student", ylabel="validation accuracy")
    finish(axes)


def draw_accuracy_against_budget(axes: Axes, lines: dict[str, Points], per_class: dict[float, int]) -> None:
    """Draw test accuracy against the size of the sets.

    Args:
        axes: where to draw.
        lines: what is drawn, such as `distilled: paper`, `random` or `full`, and its points over the share of the
            training texts; of full data, the best is drawn as a line across.
        per_class: share -> examples per class.
    """
    markers = iter(MARKERS * len(lines))
    for label, points in lines.items():
        name = label.partition(":")[0]
        if name == "full":
            draw_full(axes, [estimate for _, estimate in points])
        else:
            draw_line(axes, points, name, label, marker=next(markers) if name == "distilled" else "o")
    logarithmic(axes)
    shares = sorted(per_class)
    axes.set_xticks(shares, [f"{100 * share:.2g} %\n{per_class[share]} per class" for share in shares])
    axes.set(xlabel="share of the training texts", ylabel="test accuracy")
    finish(axes)


def draw_accuracy_against_seconds(axes: Axes, points: dict[str, Points], full: list[dict[str, float]]) -> None:
    """Draw test accuracy against the seconds that distilling took.

    Args:
        axes: where to draw.
        points: what was distilled -> its seconds and accuracies.
        full: accuracies after training on the full data.
    """
    colour = COLOURS["distilled"]
    for (label, places), marker in zip(points.items(), MARKERS * len(points), strict=False):
        seconds, accuracies = zip(*places, strict=True)
        means, stds = ([accuracy[key] for accuracy in accuracies] for key in ("mean", "std"))
        axes.errorbar(seconds, means, stds, fmt=marker, color=colour, markersize=5, linewidth=1, label=label)
    draw_full(axes, full)
    most = max(seconds for places in points.values() for seconds, _ in places)
    axes.set_xlim(0, 1.08 * most or None)
    axes.set(xlabel="seconds of distilling", ylabel="test accuracy")
    finish(axes)


def draw_line(axes: Axes, points: Points, name: str, label: str, marker: str = "o") -> None:
    """Draw one method's line; its spread only where it matters most, so that all stay readable."""
    colour = COLOURS.get(name)
    places, accuracies = [place for place, _ in points], [accuracy for _, accuracy in points]
    means = [accuracy["mean"] for accuracy in accuracies]
    if name in ("distilled", "random"):
        low, high = ([a["mean"] + sign * a["std"] for a in accuracies] for sign in (-1, 1))
        axes.plot(places, means, f"{marker}-", color=colour, markersize=4, linewidth=1.4, label=label)
        axes.fill_between(places, low, high, color=colour, alpha=0.2, linewidth=0)
    else:
        axes.plot(places, means, ".-", color=colour, markersize=3, linewidth=1, label=label)


def draw_full(axes: Axes, accuracies: list[dict[str, float]]) -> None:
    """Draw the reference: the best accuracy after training on the full data."""
    best = max(accuracy["mean"] for accuracy in accuracies)
    axes.axhline(best, color=COLOURS["full"], linestyle="--", label="full data")


def described(name: str, method: dict[str, Any]) -> str:
    """A line of the legend: the name and the accuracy on test."""
    return f"{name}: test {method['accuracy']['mean']:.3f} ± {method['accuracy']['std']:.3f}"


def logarithmic(axes: Axes) -> None:
    """Make the horizontal axis logarithmic, without powers of ten."""
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_minor_formatter(NullFormatter())


def finish(axes: Axes) -> None:
    """Add what all of these figures have."""
    axes.grid(visible=True, linewidth=0.6)
    add_legend(axes)


def accuracy_against_steps(results: list[dict[str, Any]], path: Path) -> None:
    """Draw accuracy against training steps, of several results side by side, into a PNG file.

    Args:
        results: contents of result.json files.
        path: where the PNG goes.
    """
    panels = []
    for result in results:
        title = f"{result['dataset']}, {result['per_class']} examples per class"
        panels.append(Panel(title, partial(draw_accuracy_against_steps, result=result)))
    write_bytes(path, picture(panels, "png")[0])
