"""Distillers: the methods that make a distilled set, one objective per file, named as in the literature."""

from __future__ import annotations

from textdd.distillers.distribution_matching import DistributionMatching, DistributionMatchingConfig
from textdd.distillers.gradient_matching import GradientMatching, GradientMatchingConfig
from textdd.distillers.kernel_ridge import KernelRidge, KernelRidgeConfig
from textdd.distillers.meta_gradient import MetaGradient, MetaGradientConfig
from textdd.distillers.trajectory_matching import TrajectoryMatching, TrajectoryMatchingConfig
from textdd.outer.distiller import Distiller, DistillerConfig

DISTILLERS: dict[str, tuple[type[Distiller], type[DistillerConfig]]] = {
    "meta_gradient": (MetaGradient, MetaGradientConfig),
    "paper": (MetaGradient, MetaGradientConfig),  # the same equations with the paper's own settings
    "kernel_ridge": (KernelRidge, KernelRidgeConfig),
    "distribution_matching": (DistributionMatching, DistributionMatchingConfig),
    "gradient_matching": (GradientMatching, GradientMatchingConfig),
    "label_distillation": (MetaGradient, MetaGradientConfig),  # the same equations for labels of real texts alone
    "trajectory_matching": (TrajectoryMatching, TrajectoryMatchingConfig),
}
"""The choices of `distiller=`: name -> (class, its options)."""

__all__ = ["DISTILLERS"]
