"""The page: everything that a report has, in one HTML file that needs nothing else."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from textdd.errors import TextddError
from textdd.record import write_bytes
from textdd.report.drawing import WIDTH, Panel, darkened, picture
from textdd.report.formats import to_csv, to_latex, to_markdown
from textdd.report.gallery import Opened, Picture, pictures
from textdd.report.inside import NEAR, readings
from textdd.report.measures import FORMER, called, capital
from textdd.report.pooling import Configuration, configurations, measured
from textdd.report.results import Found, Trouble
from textdd.report.tables import Table, accuracies, costs, uses
from textdd.report.texts import SHOWN, Written, findings, written
from textdd.sets.distilled_set import DistilledSet

FORMATS = {"csv": to_csv, "md": to_markdown, "tex": to_latex}
SVG = "data:image/svg+xml;base64,"


def write_report(found: Found, out: Path) -> Path:
    """Write the page, the figures and the tables.

    Args:
        found: the runs.
        out: the folder that they go to.

    Returns:
        The path of the page.
    """
    known, more = configurations(found.runs)
    opened, damaged = open_sets(known)
    tables = [accuracies(known), uses(known), costs(known)]
    figures = pictures(known, opened)
    write_files(tables, figures, out)
    headline = measured(known)
    page = template().render(
        runs=found.runs,
        configurations=known,
        troubles=[*found.troubles, *more, *damaged],
        tables={table.name: table for table in tables},
        figures=[(figure, [embedded(panel) for panel in figure.panels]) for figure in figures],
        headline=headline,
        heading="Accuracies" if headline == called(FORMER[0]) else capital(headline),
        opened=len(opened),
        readings=[(c.title, read) for c, distilled in opened if (read := readings(distilled))],
        written=[written_of(c, distilled) for c, distilled in opened if distilled.written],
        near=NEAR,
        shown=SHOWN,
        made=made(known),
    )
    write_bytes(out / "index.html", page.encode())
    return out / "index.html"


def written_of(configuration: Configuration, distilled: DistilledSet) -> tuple[str, Any, list[Written]]:
    """A heading, what the set of the first seed is like, and its texts."""
    first = configuration.runs[0].result
    quality, agreed = first.get("quality"), first["methods"]["distilled"].get("teacher_agreement")
    return configuration.title, findings(quality, agreed) if quality else [], written(distilled, quality)


def write_files(tables: list[Table], figures: list[Picture], out: Path) -> None:
    """Write tables and figures for other documents."""
    for table in tables:
        for suffix, form in FORMATS.items():
            write_bytes(out / "tables" / f"{table.name}.{suffix}", form(table).encode())
    for figure in figures:
        if figure.panels:
            svg, png = picture(figure.panels, "svg", "png")
            write_bytes(out / "figures" / f"{figure.name}.svg", svg)
            write_bytes(out / "figures" / f"{figure.name}.png", png)


def template() -> Template:
    """The page's template; whatever it is filled with is escaped."""
    environment = Environment(
        loader=PackageLoader("textdd"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.jinja")


def open_sets(known: list[Configuration]) -> tuple[Opened, list[Trouble]]:
    """Load the distilled set of the first seed of every configuration, where there is one."""
    opened, troubles = [], []
    for configuration in known:
        first = configuration.runs[0]
        folder = first.folder / "artifact"
        if folder.is_dir():
            try:
                opened.append((configuration, DistilledSet.load(folder)))
            except TextddError as error:
                # A path would tell where the runs lie, and make other bytes elsewhere.
                what = str(error).replace(str(folder), "its artefact")
                troubles.append(Trouble("damaged", first.name, f"{what} Figures of its insides are left out."))
    return opened, troubles


def embedded(panel: Panel) -> dict[str, Any]:
    """A panel as the page holds it: as SVG for either theme, with its size in pixels."""
    (light,) = picture([panel], "svg")
    uris = {theme: SVG + b64encode(svg).decode() for theme, svg in (("light", light), ("dark", darkened(light)))}
    return {**uris, "title": panel.title, "width": round(96 * WIDTH), "height": round(96 * panel.height)}


def made(known: list[Configuration]) -> list[dict[str, Any]]:
    """How each configuration's numbers were made: what to type, the recipes, the versions and the machines."""
    return [
        {
            "title": c.title,
            "command": c.command,
            "runs": [
                {
                    "name": run.name,
                    "recipes": {name: recipe(method) for name, method in run.result["methods"].items()},
                    "outer_steps": run.result["distilling"]["outer_steps"],
                    "versions": listed(run.result["versions"]),
                    "machine": listed(run.result.get("machine", {})) or "not recorded",
                }
                for run in c.runs
            ],
        }
        for c in known
    ]


def recipe(method: dict[str, Any]) -> str:
    """How students were trained, in words."""
    if "step_size" in method:
        return f"adam, step size {method['step_size']:g}, to the best epoch on validation texts"
    if "recipe" not in method:
        return "not recorded"
    used, pieces = method["recipe"], method.get("pieces", 1)
    return (
        f"{used['optimiser']}, {used['steps']} steps of {used['batch']} examples, {used['order']} order, "
        f"step size {stepped(used['step_size'])}{f', texts in {pieces} pieces' if pieces > 1 else ''}"
    )


def stepped(step_size: float | list[float]) -> str:
    """A step size, or those of a student's parts."""
    return " and ".join(f"{size:g}" for size in (step_size if isinstance(step_size, list) else [step_size]))


def listed(facts: dict[str, Any]) -> str:
    """Names and values in a row."""
    return ", ".join(f"{name} {value}" for name, value in facts.items())
