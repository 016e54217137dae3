"""What is inside a distilled set, and how it came about: labels, step sizes, nearest words, the course."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import NamedTuple

import torch
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from torch import Tensor
from torch.nn import functional as F

from textdd.harmless import on_screen
from textdd.report.drawing import add_legend
from textdd.report.figures import COLOURS
from textdd.report.measures import called
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.matrices import MatrixSet
from textdd.spaces.tokeniser import SPECIAL, words

NEAR = 0.5
"""Cosine from which a word may be called near."""


class Reading(NamedTuple):
    """A distilled text put into words.

    Attributes:
        label: its likeliest class.
        probability: of that class, as the label says.
        words: one per position, with the cosine between it and the position's vector.
    """

    label: str
    probability: float
    words: list[tuple[str, float]]

    @property
    def likeness(self) -> float:
        """Mean cosine."""
        return sum(cosine for _, cosine in self.words) / len(self.words)


@torch.no_grad()
def readings(distilled: DistilledSet) -> list[Reading]:
    """Put the first text of every class into the nearest words of the vocabulary, by cosine.

    There are none where the set holds no word vectors: its texts are words, or lie in the space of another model.
    """
    if not isinstance(distilled, MatrixSet) or distilled.words_space is None:
        return []
    space = distilled.words_space
    likeliest = distilled.y.argmax(1)
    first = [int(m) for c in range(len(distilled.classes)) for m in (likeliest == c).nonzero().flatten()[:1]]
    vocabulary = words(space.tokeniser)
    kept = distilled.texts.mask
    found = []
    for m in first:
        cosines, ids = nearest(distilled.x[m], space.table)
        pairs = [(vocabulary[i], cosine) for i, cosine in zip(ids.tolist(), cosines.tolist(), strict=True)]
        if kept is not None:
            pairs = [pair for pair, there in zip(pairs, kept[m].tolist(), strict=True) if there]
        found.append(Reading(distilled.classes[int(likeliest[m])], float(distilled.y[m].max()), pairs))
    return found


def nearest(text: Tensor, vectors: Tensor) -> tuple[Tensor, Tensor]:
    """The nearest word of every position.

    Args:
        text: embeddings (L, D).
        vectors: word vectors (V, D); the first rows, of padding and of unknown words, count for nothing.

    Returns:
        Cosines (L,) and words (L,).
    """
    cosines = F.normalize(text.float(), dim=1) @ F.normalize(vectors.float(), dim=1).T
    cosines[:, : len(SPECIAL)] = -1
    best = cosines.max(1)
    return best.values, best.indices


MOST_NAMES = 30
"""Classes whose names stand beside the picture of the labels; of more, every second one, or every third."""


def height_of(classes: int) -> float:
    """Of that picture, in inches."""
    return max(2.2, 1.2 + 0.22 * min(MOST_NAMES, classes))


def draw_labels(axes: Axes, y: Tensor, classes: list[str]) -> None:
    """Draw label distributions (M, C), a column per example, sorted by likeliest class and its probability."""
    order = sorted(range(len(y)), key=lambda m: (int(y[m].argmax()), -float(y[m].max())))
    # The ground shines through, so that one picture serves light and dark.
    blue = COLOURS["distilled"]
    shades = LinearSegmentedColormap.from_list(
        "labels", [to_rgba(blue, 0), to_rgba(blue, 1)]
    )  # any ground shines through
    image = axes.imshow(y[order].T.numpy(), cmap=shades, vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    every = -(-len(classes) // MOST_NAMES)
    named = range(0, len(classes), every)
    axes.set_yticks(named, [textwrap.shorten(on_screen(classes[i]), 24, placeholder="…") for i in named])
    axes.set_xlabel("distilled examples")
    figure = axes.get_figure()
    assert figure is not None
    figure.colorbar(image, ax=axes, label="probability", pad=0.02).outline.set_linewidth(0.4)


def draw_step_sizes(axes: Axes, step_sizes: Tensor, start: Tensor) -> None:
    """Draw learned step sizes and where they started: (T,), or (T, G) of a student with a head and a body."""
    steps, blue, grey = range(1, len(step_sizes) + 1), COLOURS["distilled"], COLOURS["full"]
    parts = list(zip(step_sizes.reshape(len(steps), -1).T, start.reshape(len(steps), -1).T, strict=True))
    names = [""] if len(parts) == 1 else [", head", *(", body" for _ in parts[1:])]
    for (learned, before), name, marker in zip(parts, names, "os^" * len(parts), strict=False):
        axes.plot(steps, learned, f"{marker}-", color=blue, markersize=4, linewidth=1.2, label=f"learned{name}")
        axes.axhline(float(before[0]), color=grey, linestyle="--", label=f"start{name}")
    if len(parts) == 1:
        axes.set_ylim(bottom=0)
    else:
        axes.set_yscale("log")
    axes.grid(visible=True, linewidth=0.6)
    axes.set(xlabel="training step of the student", ylabel="step size")
    add_legend(axes)


Course = list[tuple[int, float]]
"""Outer steps and what was reached on validation texts."""


def course(path: Path, measure: str = "accuracy") -> Course:
    """Read a measure on validation texts out of a metrics.jsonl; lines that are damaged or cut off are passed over."""
    found = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else ():
        try:
            entry = json.loads(line)
            found.append((int(entry["step"]) + 1, float(entry[f"validation/{measure}"])))
        except (ValueError, KeyError, TypeError):
            continue
    return found


def draw_course(axes: Axes, courses: dict[int, Course], measure: str = "accuracy") -> None:
    """Draw what the set reached on validation texts while it was distilled, a line per seed."""
    for number, (seed, points) in enumerate(courses.items()):
        dashes = ("-", "--", "-.", ":")[number % 4]
        axes.plot(*zip(*points, strict=True), dashes, color=COLOURS["distilled"], linewidth=1.2, label=f"seed {seed}")
    axes.grid(visible=True, linewidth=0.6)
    axes.set(xlabel="outer steps of distilling", ylabel=f"validation {called(measure)}")
    add_legend(axes)
