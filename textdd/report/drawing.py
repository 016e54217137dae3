"""Pictures as bytes: the same drawing on light and dark ground, as SVG and PNG, the same bytes every time."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any, NamedTuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Draw = Callable[[Axes], None]

INKS = {"light": ("#24292f", "#d5dae0", "#ffffff"), "dark": ("#d8dee6", "#3a424d", "#14181d")}
"""Theme -> text, grid, ground. The methods' colours can be read on both grounds."""


class Panel(NamedTuple):
    """A picture of a page, or a part of a larger figure.

    Attributes:
        title: what it is of.
        draw: draws it.
        height: in inches.
    """

    title: str
    draw: Draw
    height: float = 3.4


WIDTH = 4.6
"""Of a panel, in inches."""

COLUMNS = 3
"""Panels side by side in a figure of several."""


def style(theme: str) -> Any:
    """Matplotlib's settings for a theme."""
    ink, grid, ground = INKS[theme]
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
        "svg.hashsalt": "textdd",  # else the names of its parts are drawn at random
    }


def picture(panels: list[Panel], form: str, theme: str = "light") -> bytes:
    """Draw panels side by side.

    Args:
        panels: one or several.
        form: `svg` or `png`.
        theme: `light` or `dark`.
    """
    columns = min(len(panels), COLUMNS)
    rows = -(-len(panels) // columns)
    with matplotlib.rc_context(style(theme)):
        size = (WIDTH * columns, max(panel.height for panel in panels) * rows)
        figure = Figure(figsize=size, layout="constrained", dpi=150)
        places = figure.subplots(rows, columns, squeeze=False).flat
        for axes, panel in zip(places, panels, strict=False):
            panel.draw(axes)
            axes.set_title(panel.title, fontsize="medium", wrap=True)
        for axes in list(places)[len(panels) :]:
            axes.set_axis_off()
        buffer = BytesIO()
        figure.savefig(buffer, format=form, metadata={"svg": {"Date": None}, "png": {"Software": None}}[form])
    return buffer.getvalue()
