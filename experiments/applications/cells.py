"""What the four applications share: figures that are kept as soon as they are there, tables, pictures."""

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from textdd.machine import machine
from textdd.progress import say
from textdd.record import write_bytes, write_json
from textdd.trainer import TrainerConfig, set_up_process

COLOURS = ("#0969da", "#cf222e", "#1a7f37", "#8250df", "#bf8700", "#57606a", "#1f2328", "#0a7d91")
Cell = dict[str, Any]


class Cells:
    """The figures of one application, each a file of its own; what is there is not measured again.

    Args:
        script: the script, beside which a folder of its name holds everything.
        minutes: after which no further figure is begun.
    """

    def __init__(self, script: str, minutes: float) -> None:
        self.folder, self._ends = Path(script).with_suffix(""), time.monotonic() + 60 * minutes

    def path(self, name: str) -> Path:
        """Where a figure lies."""
        return self.folder / f"{name}.json"

    def measure(self, works: dict[str, Callable[[], Cell]]) -> None:
        """Measure what is missing, in order, until time is up."""
        for number, (name, work) in enumerate(works.items()):
            if self.path(name).exists():
                continue
            if time.monotonic() > self._ends:
                say(
                    f"time is up: {len(works) - number} of {len(works)} figures are not looked at. Type the same again."
                )
                return
            began = time.perf_counter()
            found = work()
            found |= {"seconds": time.perf_counter() - began, "machine": machine()}
            write_json(self.path(name), found)
            say(f"{number + 1}/{len(works)} {name}: {found['seconds']:.0f} s")

    def there(self, prefix: str = "") -> dict[str, Cell]:
        """All figures that are there whose name begins so."""
        paths = sorted(self.folder.glob(f"{prefix}*.json"))
        return {path.stem: json.loads(path.read_text()) for path in paths}

    def write(self, lines: Sequence[str], figure: Figure) -> None:
        """Write the table and the picture beside the script."""
        write_bytes(self.folder.with_suffix(".md"), ("\n".join(lines) + "\n").encode())
        figure.savefig(self.folder.with_suffix(".png"), dpi=120, bbox_inches="tight", metadata={"Software": None})


def arguments(script: str, minutes: float) -> tuple[dict[str, Any], Cells]:
    """What was typed as NAME=VALUE, and where figures are kept; computing is set up as the command does it."""
    given: dict[str, Any] = dict(argument.split("=", 1) for argument in sys.argv[1:])
    set_up_process(TrainerConfig())
    return given, Cells(script, float(given.pop("minutes", minutes)))


def told(values: Sequence[float]) -> str:
    """Mean and standard deviation."""
    mean = sum(values) / len(values)
    if len(values) == 1:
        return f"{mean:.3f}"
    deviation = (sum((value - mean) ** 2 for value in values) / (len(values) - 1)) ** 0.5
    return f"{mean:.3f} ± {deviation:.3f}"


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Rows as Markdown; columns behind the first stand at the right."""
    lines = [f"| {' | '.join(headings)} |", f"| --- |{' ---: |' * (len(headings) - 1)}"]
    return lines + [f"| {' | '.join(map(str, row))} |" for row in rows]


def picture(columns: int = 1, width: float = 5.0, height: float = 3.6) -> tuple[Figure, list[Axes]]:
    """A figure of some panels side by side, with a faint grid."""
    figure = Figure(figsize=(width * columns, height), layout="constrained")
    axes = list(figure.subplots(1, columns, squeeze=False)[0])
    for panel in axes:
        panel.grid(color="#d5dae0", linewidth=0.6)
        panel.set_axisbelow(True)
        panel.spines[["top", "right"]].set_visible(False)
    return figure, axes


def ranked(panel: Axes, values: dict[str, Sequence[float]]) -> None:
    """A line for each way: every seed's figure, and the mean with its deviation."""
    for place, (own, colour) in enumerate(zip(values.values(), COLOURS, strict=False)):
        mean = sum(own) / len(own)
        deviation = (sum((value - mean) ** 2 for value in own) / max(1, len(own) - 1)) ** 0.5
        panel.scatter(own, [place] * len(own), color=colour, alpha=0.5, s=14)
        panel.errorbar(mean, place, xerr=deviation, color=colour, marker="D", capsize=3)
        panel.annotate(f"{mean:.3f}", (mean, place), textcoords="offset points", xytext=(0, 7), ha="center", fontsize=8)
    panel.set(yticks=range(len(values)), yticklabels=list(values), ylim=(len(values) - 0.5, -0.7))
