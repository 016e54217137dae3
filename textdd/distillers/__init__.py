"""Distillers: the methods that make a distilled set, one objective per file, named as in the literature."""

from __future__ import annotations

from textdd.choosing.method import Candidates, TextMethodConfig
from textdd.distillers import bilevel_selection, generate
from textdd.distillers.bilevel_selection import BilevelSelectionConfig
from textdd.distillers.distribution_matching import DistributionMatching, DistributionMatchingConfig
from textdd.distillers.generate import GenerateConfig
from textdd.distillers.gradient_matching import GradientMatching, GradientMatchingConfig
from textdd.distillers.kernel_ridge import KernelRidge, KernelRidgeConfig
from textdd.distillers.meta_gradient import MetaGradient, MetaGradientConfig
from textdd.distillers.project import ProjectConfig
from textdd.distillers.trajectory_matching import TrajectoryMatching, TrajectoryMatchingConfig
from textdd.distillers.update_alignment import UpdateAlignment, UpdateAlignmentConfig
from textdd.outer.config import DistillerConfig
from textdd.outer.distiller import Distiller

DISTILLERS: dict[str, tuple[type[Distiller], type[DistillerConfig]]] = {
    "meta_gradient": (MetaGradient, MetaGradientConfig),
    "paper": (MetaGradient, MetaGradientConfig),  # the same equations with the paper's own settings
    "kernel_ridge": (KernelRidge, KernelRidgeConfig),
    "distribution_matching": (DistributionMatching, DistributionMatchingConfig),
    "gradient_matching": (GradientMatching, GradientMatchingConfig),
    "label_distillation": (MetaGradient, MetaGradientConfig),  # the same equations for labels of real texts alone
    "trajectory_matching": (TrajectoryMatching, TrajectoryMatchingConfig),
    "update_alignment": (UpdateAlignment, UpdateAlignmentConfig),
}
"""The choices of `distiller=` that learn by gradients: name -> (class, its options)."""

CHOOSERS: dict[str, tuple[Candidates, type[TextMethodConfig]]] = {
    "bilevel_selection": (bilevel_selection.candidates, BilevelSelectionConfig),
    "generate": (generate.candidates, GenerateConfig),
}
"""The choices of `distiller=` that choose texts: name -> (what they choose from, options)."""

OPTIONS: dict[str, type[DistillerConfig | TextMethodConfig | ProjectConfig]] = {
    **{name: options for name, (_, options) in DISTILLERS.items()},
    **{name: options for name, (_, options) in CHOOSERS.items()},
    "project": ProjectConfig,  # turns matrices into texts
}
"""All choices of `distiller=` but chains: name -> options."""

__all__ = ["CHOOSERS", "DISTILLERS", "OPTIONS"]
