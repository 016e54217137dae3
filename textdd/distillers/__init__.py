"""Distillers: the methods that make a distilled set, one objective per file, named as in the literature."""

from __future__ import annotations

from textdd.distillers.distiller import Distiller, DistillerConfig
from textdd.distillers.initialise import STARTS, initial_texts
from textdd.distillers.meta_gradient import TRUNCATIONS, MetaGradient, MetaGradientConfig
from textdd.distillers.synthetic import SyntheticSet
from textdd.distillers.trajectory_matching import TrajectoryMatching, TrajectoryMatchingConfig

DISTILLERS: dict[str, tuple[type[Distiller], type[DistillerConfig]]] = {
    "meta_gradient": (MetaGradient, MetaGradientConfig),
    "paper": (MetaGradient, MetaGradientConfig),  # the same equations with the paper's own settings
    "trajectory_matching": (TrajectoryMatching, TrajectoryMatchingConfig),
}
"""The choices of `distiller=`: name -> (class, its options)."""

__all__ = [
    "DISTILLERS",
    "STARTS",
    "TRUNCATIONS",
    "Distiller",
    "DistillerConfig",
    "MetaGradient",
    "MetaGradientConfig",
    "SyntheticSet",
    "TrajectoryMatching",
    "TrajectoryMatchingConfig",
    "initial_texts",
]
