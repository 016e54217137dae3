"""The plan of a projection, measured on matrices of real texts: shapes decide what it takes, and not words."""

from __future__ import annotations

from pathlib import Path

from textdd.distillers.project import ProjectConfig
from textdd.evaluation.cost import resident
from textdd.outer.distil import plan_with
from textdd.outer.plan import Plan
from textdd.outer.start import started_set
from textdd.problem import Problem
from textdd.projecting.project import distiller_of, started
from textdd.sets.matrices import MatrixSet
from textdd.sets.parametrisations import Parametrisation
from textdd.trainer import TrainerConfig


def plan_of_projecting(config: ProjectConfig, problem: Problem, trainer_config: TrainerConfig, shared: Path) -> Plan:
    """Measure what a projection will take; arguments and errors as for `plan_of`."""
    if config.onto == "nearest":
        return Plan("", resident(), 0.0, 0, 0.0, 0)
    start = started_set(config.learning(), problem)
    texts, y = start.synthetic.texts, start.synthetic.text_labels().detach()
    assert isinstance(texts, Parametrisation)
    manifest = {"classes": problem.corpus.classes, "task": problem.task.name}
    real = MatrixSet(texts, y, None, start.synthetic.recipe, problem.space, manifest)
    distiller = distiller_of(config, problem, started(config, problem, real))
    return plan_with(distiller, problem, trainer_config, shared)
