"""The meta-gradient: differentiate a student's whole training on the distilled set (Li & Li 2021, equations 1-5).

A student theta_0 is trained for T steps on the set, theta_T = F(theta_0, alpha, D~) (equations 1 and 2); the outer
loss is its cross-entropy on real texts (equation 3); its gradient with respect to the set (equation 5) flows back
through all of F. The idea is that of Wang et al. (2018); learned labels come from Sucholutsky & Schonlau (2021),
windows with a random start from Feng et al. (2023), pools of students at mixed ages from Zhou et al. (2022).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from textdd.data.embedded import Batch
from textdd.distillers import work
from textdd.distillers.nested import draw_size
from textdd.distillers.pooled import PooledConfig, PooledDistiller
from textdd.distillers.synthetic import SyntheticSet
from textdd.inner import ENGINES, Lesson, train
from textdd.seeds import numpy_generator
from textdd.students import FlatStudent

TRUNCATIONS = ("none", "random", "pool")


@dataclass
class MetaGradientConfig(PooledConfig):
    """Options of the meta-gradient.

    Attributes:
        fresh_students: a new initialisation for every outer step; false keeps one for the whole run, which looks
            better while distilling and is of no use to anyone whose student starts elsewhere.
        students: K, students trained in every outer step, their losses averaged.
        truncation: which W of the T steps are differentiated. `none`: all. `random`: a window that ends at a random
            step, the steps before it trained without gradient (RaT-BPTT). `pool`: the next W steps of a student
            from a persistent pool of mixed ages.
        window: W; only for truncation `random` and `pool`.
        engine: `unroll` keeps the whole graph; `recompute` rebuilds it step by step in constant graph memory.
    """

    name: str = "meta_gradient"
    fresh_students: bool = True
    students: int = 1
    truncation: str = "none"
    window: int = 8
    engine: str = "unroll"


class MetaGradient(PooledDistiller):
    """Minimises the real-text loss of students trained on the set.

    Args:
        config: see MetaGradientConfig.
        student: the student to distil for.
        synthetic: the set at its start.
        seed: the run's seed.
    """

    config: MetaGradientConfig
    nests = True

    def __init__(self, config: MetaGradientConfig, student: FlatStudent, synthetic: SyntheticSet, seed: int) -> None:
        super().__init__(config, student, synthetic, seed)
        self.engine = ENGINES[config.engine]

    def objective(self, batch: Batch, step: int) -> Tensor:
        """Equation 3, averaged over K students."""
        draw = self.pooled_student if self.config.truncation == "pool" else self.trained_student
        losses = []
        for k in range(self.config.students):
            theta = draw(step, k)
            losses.append(F.cross_entropy(self.student(theta, batch.x, batch.mask), batch.labels))
        return torch.stack(losses).mean()

    def work_per_step(self, real_length: int) -> float:
        """K students, of each the steps before the window, the window, and the real texts."""
        config, recipe, length = self.config, self.synthetic.recipe, self.synthetic.x.shape[1]
        window = recipe.steps if config.truncation == "none" else config.window
        before = (recipe.steps - window) / 2 if config.truncation == "random" else 0
        trained = work.plain(before, recipe.batch, length) + work.differentiated(window, recipe.batch, length)
        return config.students * (trained + work.LEARN * config.outer_batch * real_length)

    def trained_student(self, step: int, k: int) -> Tensor:
        """Equation 2: the parameters (P,) of a student trained from its first step, as a function of the set."""
        seed = self.draw_seed("student", step if self.config.fresh_students else 0, k)
        lesson = self.lesson(seed, self.draw_seed("size", step, k))
        state, end = self.fresh_student(seed), self.config.inner_steps
        if self.config.truncation == "random":
            end = int(numpy_generator(seed, "window").integers(self.config.window, end + 1))
            state = train(self.student, self.optimiser, state, lesson, [end - self.config.window])[0]
        return self.engine(self.student, self.optimiser, state, lesson, [end])[0].theta

    def lesson(self, seed: int, size_seed: int | None = None) -> Lesson:
        """What one student is taught: the whole set, or where sets are nested the beginning that is drawn."""
        count, classes = self.synthetic.one_hot.shape
        if not self.config.nested:
            return self.synthetic.lesson(seed)
        size = classes * draw_size(self.config.nested, count // classes, seed if size_seed is None else size_seed)
        recipe = self.synthetic.recipe.sized(size, classes, self.config.inner_batch)
        return self.synthetic.lesson(seed, size, recipe)

    def pooled_student(self, step: int, k: int) -> Tensor:
        """The parameters (P,) of one student of the pool after its next W steps, as a function of the set."""
        turn, seed = step * self.config.students + k, self.draw_seed("student", step, k)
        return self.advance(turn, self.config.window, seed, self.engine)[1].theta
