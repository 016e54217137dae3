"""Differentiable training F(theta_0, alpha, D~): how a student is trained on a small set, and its derivative."""

from textdd.training.optimisers import OPTIMISERS, make_optimiser
from textdd.training.recipe import Recipe
from textdd.training.recompute import recompute
from textdd.training.training import Lesson, Portion, State, step, train, unroll

ENGINES = {"unroll": unroll, "recompute": recompute}
"""The choices of `distiller.engine=`: both compute the same derivative, at other costs in memory and time."""

__all__ = [
    "ENGINES",
    "OPTIMISERS",
    "Lesson",
    "Portion",
    "Recipe",
    "State",
    "make_optimiser",
    "recompute",
    "step",
    "train",
    "unroll",
]
