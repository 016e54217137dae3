"""The card of an artefact: the README of its folder, in which names of corpora and classes are text and no more."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from textdd.harmless import in_code, in_markdown
from textdd.privacy.account import claim
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.matrices import MatrixSet


def card(manifest: dict[str, Any], distilled: DistilledSet) -> str:
    """Fill in the packaged template."""
    environment = Environment(
        loader=PackageLoader("textdd"),
        undefined=StrictUndefined,
        trim_blocks=True,
        autoescape=False,
        finalize=lambda value: in_markdown(value) if type(value) is str else value,
    )
    environment.filters["code"] = lambda name: Markup(in_code(name))
    environment.filters["claim"] = claim
    shape = tuple(distilled.texts().shape) if isinstance(distilled, MatrixSet) else (len(distilled),)
    template = environment.get_template("card.md.jinja")
    return template.render(manifest=manifest, sizes={"texts": shape}, pieces=distilled.pieces)
