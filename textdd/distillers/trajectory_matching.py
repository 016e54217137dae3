"""Trajectory matching: training on the set moves a student as training on the real texts does (MTT).

Experts are trained on the real texts, and snapshots theta*_s of their parameters kept (Cazenavette et al. 2022). From a
random snapshot a student is trained for W steps on the distilled set, and the distance that it has left to the expert's
later snapshot, as a share of the distance there was to go, is the loss (their equation 2):

    || theta_W - theta*_{s+W} ||^2 / || theta*_s - theta*_{s+W} ||^2.

One distilled step stands for `pace` steps of an expert. So step s of the recipe has a place on the trajectory, it is
always matched there, and learned step sizes and a fixed order may differ along the way. Students that are to be
trained on the set start afresh and take all T steps.

The gradient is that of all W steps. TESLA (Cui et al. 2023) gets by on memory for one step by its closed form for plain
gradient descent, but holds theta_i fixed in the gradient of step i, which leaves out how later steps depend on earlier
texts (tests show the difference). The engine `recompute` takes as much memory and as many passes, leaves nothing out,
and serves every optimiser.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

import torch
from torch import Tensor

from textdd.allowed import Chosen, InMemory, OneOf, StepSize, Whole, at_most
from textdd.outer.engine import EngineConfig, EngineDistiller, Training
from textdd.outer.experts import expert_trajectories
from textdd.outer.materials import Materials
from textdd.outer.synthetic import SyntheticSet
from textdd.seeds import numpy_generator
from textdd.spaces.reading import Batch
from textdd.training import OPTIMISERS, Recipe, State
from textdd.training.student import FlatStudent
from textdd.training.training import as_read


@dataclass
class TrajectoryMatchingConfig(EngineConfig):
    """Options of trajectory matching.

    Attributes:
        experts: students trained on the real texts; kept for later runs on the same texts, vectors, student and seed.
        expert_optimiser: how they are trained: `sgd`, `momentum` or `adam`.
        expert_step_size: of their training, constant.
        expert_batch: real texts in one of their steps.
        pace: expert steps that one distilled step stands for; an expert takes pace times T.
        window: W, distilled steps from the snapshot where students start to the one that they are to meet; 0 takes
            all T, from a fresh initialisation on, which keeps Adam's memory as it will be.

    Its `students` are the segments in every outer step.
    """

    name: Annotated[str, Chosen("distiller")] = "trajectory_matching"
    experts: Annotated[int, Whole(1, 1000)] = 20
    expert_optimiser: Annotated[str, OneOf(*OPTIMISERS)] = "adam"
    expert_step_size: StepSize = 0.001
    expert_batch: InMemory = 64
    pace: Annotated[int, Whole(1, 1000)] = 10
    window: Annotated[int, Whole(0, 100_000)] = 0

    def check(self) -> None:
        """As for every distiller, and the values that only this kind has."""
        super().check()
        why = "a window is no longer than the training"
        at_most("distiller.window", self.window, "distiller.inner_steps", self.inner_steps, why)


class TrajectoryMatching(EngineDistiller):
    """Minimises how far students trained on the set stay from where experts went.

    Args:
        config: see TrajectoryMatchingConfig.
        student: the student to distil for.
        synthetic: the set at its start.
        seed: the run's seed.
    """

    config: TrajectoryMatchingConfig
    mixes = False  # experts are of one kind

    def __init__(
        self, config: TrajectoryMatchingConfig, student: FlatStudent, synthetic: SyntheticSet, seed: int
    ) -> None:
        super().__init__(config, student, synthetic, seed)
        self.window = config.window or config.inner_steps
        self.experts: list[Tensor] = []

    @property
    def expert_recipe(self) -> Recipe:
        """How experts are trained on the real texts."""
        config = self.config
        steps = config.pace * config.inner_steps
        return Recipe(config.expert_optimiser, steps, config.expert_batch, "shuffled", config.expert_step_size)

    def work_before(self, texts: int, real_length: float) -> float:
        """Training all experts."""
        before = super().work_before(texts, real_length)
        recipe = self.expert_recipe
        return before + self.config.experts * self.work.plain.of(recipe.steps, recipe.batch, real_length)

    def prepare(self, materials: Materials) -> None:
        """Train the experts, or find them in the cache."""
        super().prepare(materials)
        config = self.config
        self.experts, seconds = expert_trajectories(
            self.expert_recipe, config.pace, config.experts, materials, self.seed
        )
        self.prepared_seconds += seconds

    def objective(self, batch: Batch, step: int) -> Tensor:
        """The mean mismatch of K segments; the experts have read the real texts."""
        del batch
        seeds = [self.draw_seed("segment", step, k) for k in range(self.config.students)]
        return torch.stack([self.mismatch(seed) for seed in seeds]).mean()

    def segment(self, seed: int) -> tuple[Tensor, int]:
        """Draw an expert's trajectory (T + 1, P) and the distilled step at which a segment of it starts."""
        generator = numpy_generator(seed, "segment")
        expert = self.experts[generator.integers(len(self.experts))]
        return expert, int(generator.integers(self.config.inner_steps - self.window + 1))

    def work_per_step(self, real_length: float) -> float:
        """K segments that are differentiated; real texts are not read."""
        batch = self.synthetic.recipe.batch
        trained = self.work.differentiated.of(self.window, batch, self.read_length) + self.work_below()
        return self.config.students * trained

    def trainings(self) -> list[Training]:
        """The W steps of a segment."""
        return [Training(self.optimiser, self.synthetic.lesson(0), self.window)]

    def mismatch(self, seed: int) -> Tensor:
        """Equation 2 of Cazenavette et al. (2022) on one segment."""
        expert, first = self.segment(seed)
        start, target = (expert[s].to(self.synthetic.x) for s in (first, first + self.window))
        lesson = self.synthetic.lesson(seed)
        lesson = replace(as_read(self.student, lesson), rows=lesson.rows[first:], step_sizes=lesson.step_sizes[first:])
        state = State.fresh(start, self.optimiser)
        end = self.engine(self.student, self.optimiser, state, lesson, [self.window])[0].theta
        return (end - target).square().sum() / (start - target).square().sum()
