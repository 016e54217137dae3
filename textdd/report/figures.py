"""Figures: a measure, as a rule accuracy, against training steps, the budget, and the time that distilling took."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from textdd.record import write_bytes
from textdd.report.drawing import Panel, add_legend, picture
from textdd.report.measures import best_of, called, headline_of, size_of

COLOURS = {
    "distilled": "#0b6e99",
    "random": "#d9730d",
    "herding": "#448361",
    "k_center": "#9065b0",
    "k_means": "#c14c8a",
    "full": "#6b6b6b",
}
"""One colour per method in all figures."""

OTHERS = ("#a68a00", "#d04545", "#8b5e3c", "#5a78d6")
"""Colours of methods that have none of their own, in the order in which a figure shows them."""

MARKERS = "osD^vPX"
"""One marker per way to distil in figures that hold several."""

Points = list[tuple[float, dict[str, float]]]
"""Places on the horizontal axis, each with the `mean` and `std` of a measure."""


def draw_accuracy_against_steps(axes: Axes, result: dict[str, Any]) -> None:
    """Draw the headline on validation texts against training steps: distilled, random, others thinly, full as a line.

    Args:
        axes: where to draw.
        result: the content of result.json.
    """
    methods, headline = result["methods"], headline_of(result)
    shades = colours(methods)
    for name, method in methods.items():
        curve, estimate = method["curve"], method[headline]
        if name == "full":
            best = best_of(headline, curve["mean"])
            axes.axhline(best, color=shades[name], linestyle="--", label=described("full data", estimate))
        else:
            points = zip(curve["mean"], curve["std"], strict=True)
            estimates = [{"mean": m, "std": s} for m, s in points]
            line = list(zip(curve["steps"], estimates, strict=True))
            draw_line(axes, line, name, described(name, estimate), shades[name])
    logarithmic(axes)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.set(xlabel="training steps of the student", ylabel=f"validation {called(headline)}")
    finish(axes)


def draw_accuracy_against_budget(
    axes: Axes, lines: dict[str, Points], per_class: dict[float, int], measure: str = "accuracy"
) -> None:
    """Draw accuracy, or another measure, on test texts against the size of the sets.

    Args:
        axes: where to draw.
        lines: what is drawn, such as `distilled: paper`, `random` or `full`, and its points over the share of the
            training texts; of full data, the best is drawn as a line across.
        per_class: share -> examples per class.
        measure: what the points are of.
    """
    markers = iter(MARKERS * len(lines))
    names = {label: label.partition(":")[0] for label in lines}
    shades = colours(names.values())
    for label, points in lines.items():
        name = names[label]
        if name == "full":
            draw_full(axes, [estimate for _, estimate in points], measure)
        else:
            marker = next(markers) if name == "distilled" else "o"
            draw_line(axes, points, name, label, shades[name], marker)
    logarithmic(axes)
    shares = sorted(per_class)
    axes.set_xticks(shares, [f"{100 * share:.2g} %\n{per_class[share]} per class" for share in shares])
    axes.set(xlabel="share of the training texts", ylabel=f"test {called(measure)}")
    finish(axes)


def draw_accuracy_against_seconds(
    axes: Axes, points: dict[str, Points], full: list[dict[str, float]], measure: str = "accuracy"
) -> None:
    """Draw accuracy, or another measure, on test texts against the seconds that distilling took.

    Args:
        axes: where to draw.
        points: what was distilled -> its seconds and what it reached.
        full: what was reached by training on the full data.
        measure: what all of these are of.
    """
    colour = COLOURS["distilled"]
    for (label, places), marker in zip(points.items(), MARKERS * len(points), strict=False):
        seconds, estimates = zip(*places, strict=True)
        means, stds = ([estimate[key] for estimate in estimates] for key in ("mean", "std"))
        axes.errorbar(seconds, means, stds, fmt=marker, color=colour, markersize=5, linewidth=1, label=label)
    draw_full(axes, full, measure)
    most = max(seconds for places in points.values() for seconds, _ in places)
    axes.set_xlim(0, 1.08 * most or None)
    axes.set(xlabel="seconds of distilling", ylabel=f"test {called(measure)}")
    finish(axes)


def draw_line(axes: Axes, points: Points, name: str, label: str, colour: str, marker: str = "o") -> None:
    """Draw one method's line; its spread only where it matters most, so that all stay readable."""
    places, estimates = [place for place, _ in points], [estimate for _, estimate in points]
    means = [estimate["mean"] for estimate in estimates]
    if name in ("distilled", "random"):
        low, high = ([e["mean"] + sign * e["std"] for e in estimates] for sign in (-1, 1))
        axes.plot(places, means, f"{marker}-", color=colour, markersize=4, linewidth=1.4, label=label)
        axes.fill_between(places, low, high, color=colour, alpha=0.2, linewidth=0)
    else:
        axes.plot(places, means, ".-", color=colour, markersize=3, linewidth=1, label=label)


def colours(names: Iterable[str]) -> dict[str, str]:
    """The colour of every method of a figure."""
    others = cycle(OTHERS)
    return {name: COLOURS.get(name) or next(others) for name in dict.fromkeys(names)}


def draw_full(axes: Axes, estimates: list[dict[str, float]], measure: str = "accuracy") -> None:
    """Draw the reference: the best that training on the full data reached."""
    best = best_of(measure, [estimate["mean"] for estimate in estimates])
    axes.axhline(best, color=COLOURS["full"], linestyle="--", label="full data")


def described(name: str, estimate: dict[str, float]) -> str:
    """A line of the legend: the name and what was reached on test."""
    return f"{name}: test {estimate['mean']:.3f} ± {estimate['std']:.3f}"


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
    """Draw the headline against training steps, of several results side by side, into a PNG file.

    Args:
        results: contents of result.json files.
        path: where the PNG goes.
    """
    panels = []
    for result in results:
        title = f"{result['dataset']}, {size_of(result).replace(' per', ' examples per')}"
        panels.append(Panel(title, partial(draw_accuracy_against_steps, result=result)))
    write_bytes(path, picture(panels, "png")[0])
