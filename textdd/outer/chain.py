"""Chains: several methods in turn, each starting from the set that the one before it has left.

A method that is cheap or smooth finds a good region, one that looks at the real loss refines what it found. A stage is
a run of its own with its own checkpoints, and leaves its set, so a chain that was killed goes on within its stage.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from textdd.allowed import Chosen, ListOf, Minutes, OneOf, Place
from textdd.choosing.method import TextMethodConfig
from textdd.distillers import OPTIONS
from textdd.distillers.project import ProjectConfig
from textdd.outer.config import DistillerConfig
from textdd.privacy.released import FIGURES

Stage = DistillerConfig | TextMethodConfig | ProjectConfig
"""Options of one method."""


@dataclass
class ChainConfig:
    """Options of a chain.

    Attributes:
        name: the choice `distiller=`.
        stages: the methods in their order, such as `[kernel_ridge,meta_gradient]`. The first one's `start`
            counts, and all must agree on `length` and `pieces`, which are the first one's where they are left open.
        minutes: of all stages together that leave `outer_steps` at 0; each gets a share in proportion to its own
            `minutes`.
        warm_start: artefact of another run, for the first stage; null starts as its `start` says.
        options: of each stage, by its method, such as `distiller.options.meta_gradient.inner_steps=20`; these start
            from conf/distiller/, those of other methods count for nothing.
    """

    name: Annotated[str, Chosen("distiller")] = "chain"
    stages: Annotated[list[str], ListOf(OneOf(*OPTIONS), least=1)] = field(
        default_factory=lambda: ["kernel_ridge", "meta_gradient"]
    )
    minutes: Minutes = 5.0
    warm_start: Place | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Options of methods that are no stage decide nothing, so they must not be part of a run's identity.
        self.options = {name: self.options[name] for name in self.stages if name in self.options}


def stages_of(config: Stage | ChainConfig) -> list[Stage]:
    """The options of every stage, in order; a method alone is a chain of one."""
    if not isinstance(config, ChainConfig):
        return [config]
    stages: list[Stage] = [config.options[name] for name in config.stages]
    total = sum(stage.minutes for stage in stages) or 1.0  # a projection alone may take none
    stages = [replace(stage, minutes=config.minutes * stage.minutes / total) for stage in stages]
    return [replace(stages[0], warm_start=config.warm_start), *stages[1:]]


def added_up(facts: list[dict[str, Any]]) -> dict[str, Any]:
    """What all stages cost together, and each of them; the accuracy is the last one's, if it has been kept."""
    return {
        "seconds": sum(stage["seconds"] for stage in facts),
        "peak_memory_bytes": max(stage["peak_memory_bytes"] for stage in facts),
        **{name: facts[-1][name] for name in (FIGURES,) if name in facts[-1]},
        "outer_steps": sum(stage["outer_steps"] for stage in facts),
        "stages": facts,
    }
