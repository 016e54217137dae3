"""Parametrisations: what of a distilled text is learned and stored, one idea per file."""

from __future__ import annotations

from textdd.sets.parametrisations.basis import Basis
from textdd.sets.parametrisations.free import Free
from textdd.sets.parametrisations.low_rank import LowRank
from textdd.sets.parametrisations.mixture import Mixture
from textdd.sets.parametrisations.parametrisation import LearnedTexts, Parametrisation, Source
from textdd.sets.parametrisations.real import Real

PARAMETRISATIONS: dict[str, type[Parametrisation]] = {
    "free": Free,
    "low_rank": LowRank,
    "basis": Basis,
    "mixture": Mixture,
    "real": Real,
}
"""The choices of `distiller.parametrisation=`."""

OF_WORDS = ("mixture", "real")
"""Those that start from words, which noise has none of."""


def name_of(parametrisation: Parametrisation) -> str:
    """The name under which PARAMETRISATIONS has it."""
    return next(name for name, kind in PARAMETRISATIONS.items() if kind is type(parametrisation))


__all__ = ["OF_WORDS", "PARAMETRISATIONS", "Free", "LearnedTexts", "Parametrisation", "Source", "name_of"]
