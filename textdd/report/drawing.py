"""Pictures as bytes: SVG and PNG, on light and on dark ground, the same bytes every time."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from io import BytesIO
from typing import Any, NamedTuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from textdd.harmless import on_screen

Draw = Callable[[Axes], None]

LIGHT = ("#24292f", "#d5dae0", "#ffffff")
"""Text, grid and ground. The methods' colours can be read on both grounds."""

DARK = ("#d8dee6", "#3a424d", "#14181d")
"""The same on dark ground."""


class Panel(NamedTuple):
    """A picture of a page, or a part of a larger figure.

    Attributes:
        title: what it is of.
        draw: draws it.
        height: in inches.
    """

    title: str
    draw: Draw
    height: float = 3.5


WIDTH = 4.2
"""Of a panel, in inches."""

COLUMNS = 3
"""Most panels side by side in a figure of several."""

UNDATED: dict[str, dict[str, Any]] = {"svg": {"Date": None}, "png": {"Software": None}}
"""Form -> what is left out, so that the same picture is the same bytes."""

LINE = 11.5
"""Height of a legend's line, in points."""

LETTERS = 58
"""In a line of a title or a legend."""


def style() -> Any:
    """Matplotlib's settings."""
    ink, grid, ground = LIGHT
    inked = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    return {
        **dict.fromkeys(inked, ink),
        "grid.color": grid,
        "axes.facecolor": ground,
        "figure.facecolor": ground,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.linewidth": 0.6,
        "axes.axisbelow": True,
        "legend.frameon": False,
        "font.size": 9,
        "text.parse_math": False,  # a corpus may have a class called $
        "svg.hashsalt": "textdd",  # else the names of its parts are drawn at random
    }


def picture(panels: list[Panel], *forms: str) -> list[bytes]:
    """Draw panels side by side.

    Args:
        panels: one or several.
        forms: `svg`, `png` or both.

    Returns:
        The content of a file per form.
    """
    files = []
    rows = -(-len(panels) // COLUMNS)
    columns = -(-len(panels) // rows)
    with matplotlib.rc_context(style()):
        size = (WIDTH * columns, max(panel.height for panel in panels) * rows)
        figure = Figure(figsize=size, layout="constrained", dpi=150)
        places = list(figure.subplots(rows, columns, squeeze=False).flat)
        for axes in places[len(panels) :]:
            axes.remove()
        for axes, panel in zip(places, panels, strict=False):
            panel.draw(axes)
            legend = axes.get_legend()  # it stands above the axes, and the title above it
            lines = [line for text in (legend.get_texts() if legend else ()) for line in text.get_text().split("\n")]
            axes.set_title(wrapped(panel.title), loc="left", fontsize="medium", pad=6 + LINE * len(lines))
        for form in forms:
            buffer = BytesIO()
            figure.savefig(buffer, format=form, metadata=UNDATED[form])
            figure.set_layout_engine("none")  # it is laid out now, which takes as long as drawing
            files.append(buffer.getvalue())
    return files


def darkened(svg: bytes) -> bytes:
    """The same picture on dark ground."""
    for light, dark in zip(LIGHT, DARK, strict=True):
        svg = svg.replace(light.encode(), dark.encode())
    return svg


def add_legend(axes: Axes) -> None:
    """Add a legend above the axes, where it hides nothing."""
    legend = axes.legend(
        loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2, labelspacing=0.25, fontsize="small"
    )
    for text in legend.get_texts():
        text.set_text(wrapped(text.get_text()))


def wrapped(text: str) -> str:
    """Text in lines that are no wider than a panel, broken behind blanks and commas."""
    lines = [""]
    for word in re.split(r"(?<=[ ,])", on_screen(text)):
        for part in textwrap.wrap(word, LETTERS, drop_whitespace=False):
            if len((lines[-1] + part).rstrip()) > LETTERS:
                lines.append("")
            lines[-1] += part
    return "\n".join(line.rstrip() for line in lines)
