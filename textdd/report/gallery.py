"""Which figures a report has: the paper's figures 3 and 4, time, and the insides of the distilled sets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from textdd.report.drawing import Panel
from textdd.report.figures import (
    Points,
    draw_accuracy_against_budget,
    draw_accuracy_against_seconds,
    draw_accuracy_against_steps,
)
from textdd.report.inside import course, draw_course, draw_labels, draw_step_sizes, height_of
from textdd.report.measures import capital, size_of
from textdd.report.pooling import Configuration, measured
from textdd.sets.distilled_set import DistilledSet


@dataclass(frozen=True)
class Picture:
    """A figure of the report.

    Attributes:
        name: of its files.
        heading: its section.
        caption: what it shows.
        panels: its parts; none where the runs do not have what it takes.
        missing: what to say in that case.
    """

    name: str
    heading: str
    caption: str
    panels: list[Panel]
    missing: str


Opened = list[tuple[Configuration, DistilledSet]]
"""Configurations with the distilled set of their first seed."""


def pictures(configurations: list[Configuration], opened: Opened) -> list[Picture]:
    """Every figure of a report, in order.

    Args:
        configurations: what was run.
        opened: those whose sets are at hand.
    """
    parts = (steps, budgets, seconds, courses)
    return [*(part(configurations) for part in parts), *sets(opened)]


def steps(configurations: list[Configuration]) -> Picture:
    """Figure 3."""
    what = measured(configurations)
    panels = [Panel(c.title, partial(draw_accuracy_against_steps, result=c.result)) for c in configurations]
    caption = (
        f"Validation {what} of students while they are trained: mean and, as a band, standard deviation over all "
        f"students of all seeds, at the numbers of steps that all of them reached. The dashed line is the best {what} "
        f"on the full data. The legend gives the {what} on test texts. After figure 3 of Li & Li (2021)."
    )
    return Picture("figure3", f"{capital(what)} against training steps", caption, panels, "No run is finished.")


def budgets(configurations: list[Configuration]) -> Picture:
    """Figure 4."""
    what, panels = measured(configurations), []
    for title, group in by_corpus(configurations).items():
        lines: dict[str, Points] = {}
        for name in dict.fromkeys(name for c in group for name in c.result["methods"]):
            for c in group:
                label = c.method if name == "distilled" else name
                points = lines.setdefault(label, [])
                # Baselines do not depend on the distiller: one point per size is enough.
                if name in c.result["methods"] and c.result["budget"] not in [place for place, _ in points]:
                    points.append((c.result["budget"], c.result["methods"][name][c.headline]))
        sizes = {c.result["budget"]: c.result["per_class"] for c in group}
        if len(sizes) > 1:
            in_order = {label: sorted(points, key=lambda point: point[0]) for label, points in lines.items()}
            draw = partial(draw_accuracy_against_budget, lines=in_order, per_class=sizes, measure=group[0].headline)
            panels.append(Panel(title, draw))
    caption = (
        f"Test {what} against the size of the set: mean and, as a band, standard deviation over all students of all "
        f"seeds. The dashed line is the {what} on the full data. After figure 4 of Li & Li (2021)."
    )
    missing = (
        "No corpus was run with sets of several sizes. Type for instance: "
        "python -m textdd.run -m budget=0.0001,0.0005,0.001 dataset=..."
    )
    return Picture("figure4", f"{capital(what)} against budget", caption, panels, missing)


def seconds(configurations: list[Configuration]) -> Picture:
    """What was reached against the time that distilling took."""
    what, panels = measured(configurations), []
    for title, group in by_corpus(configurations).items():
        points: dict[str, Points] = {}
        for c in group:
            distilled = c.result["methods"]["distilled"]
            label = f"{size_of(c.result)}{c.method.removeprefix('distilled').replace(': ', ', ', 1)}"
            points.setdefault(label, []).append((distilled["seconds"], distilled[c.headline]))
        full = [c.result["methods"]["full"][c.headline] for c in group]
        draw = partial(draw_accuracy_against_seconds, points=points, full=full, measure=group[0].headline)
        panels.append(Panel(title, draw))
    caption = (
        f"Test {what} against the seconds that distilling took, a teacher's training included: means over seeds, with "
        f"the standard deviation over all students. The dashed line is the {what} on the full data."
    )
    return Picture("seconds", f"{capital(what)} against distilling seconds", caption, panels, "No run is finished.")


def courses(configurations: list[Configuration]) -> Picture:
    """The course of distilling."""
    panels = []
    for c in configurations:
        read = {run.result["seed"]: course(run.folder / "metrics.jsonl", c.headline) for run in c.runs}
        if found := {seed: points for seed, points in read.items() if points}:
            panels.append(Panel(c.title, partial(draw_course, courses=found, measure=c.headline)))
    caption = (
        f"Validation {measured(configurations)} of a few students trained on the set as it was at that moment, a line "
        "per seed."
    )
    missing = "No metrics.jsonl lies beside the results."
    return Picture("course", "The course of distilling", caption, panels, missing)


def sets(opened: Opened) -> Iterable[Picture]:
    """Step sizes and labels of the sets at hand."""
    learned = [
        Panel(c.title, partial(draw_step_sizes, step_sizes=s.step_sizes, start=s.recipe.step_sizes()))
        for c, s in opened
        if s.step_sizes is not None
    ]
    caption = (
        "The step size of each training step, learned together with the texts; the dashed line is where all of them "
        "started. The set of the first seed."
    )
    missing = "No artefact with learned step sizes lies beside the results."
    yield Picture("step_sizes", "Learned step sizes", caption, learned, missing)
    labels = [
        Panel(
            c.title,
            partial(draw_labels, y=s.y, classes=s.classes),
            height_of(len(s.classes)),
        )
        for c, s in opened
    ]
    caption = (
        "What the labels say: a column per distilled example, a row per class, darker for more probability. Examples "
        "are sorted by their likeliest class. The set of the first seed."
    )
    yield Picture("labels", "Labels", caption, labels, "No artefact lies beside the results.")


def by_corpus(configurations: list[Configuration]) -> dict[str, list[Configuration]]:
    """Group by what a comparison of sizes or distillers must not differ in: corpus, student, word vectors, measure."""
    groups: dict[str, list[Configuration]] = {}
    for c in configurations:
        same = [c.choices.get(choice, "") for choice in ("model", "embedding", "measure")]
        groups.setdefault(", ".join(filter(None, [c.result["dataset"], *same])), []).append(c)
    return groups
