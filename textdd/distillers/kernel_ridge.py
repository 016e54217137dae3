"""Kernel ridge regression on a student's features, known as FRePo.

Zhou et al. 2022, "Dataset distillation using neural feature regression". Of a student only the head is trained to the
end, and that in closed form. With features phi(X_s) (M, F) of the distilled texts, centred labels Y_s (M, C) and the
kernel K = phi(X_s) phi(X_s)^T (M, M), the head predicts for real texts X

    f(X) = phi(X) phi(X_s)^T (K + lambda tr(K) / M I)^-1 Y_s,

and the outer loss is half its squared error. The layers below the head are held fixed within an outer step, so nothing
is unrolled; they come from a pool of students that are trained on the distilled set as it changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from textdd.allowed import Chosen, Count, Number, at_most
from textdd.outer.distiller import Distiller
from textdd.outer.pooled import PooledConfig, advance
from textdd.spaces.reading import Batch


@dataclass
class KernelRidgeConfig(PooledConfig):
    """Options of kernel ridge regression.

    Attributes:
        online_steps: training steps that a student of the pool takes after each use.
        regularisation: lambda, in units of the mean diagonal of the kernel; too small a one fits heads that no short
            training would find.
    """

    name: Annotated[str, Chosen("distiller")] = "kernel_ridge"
    online_steps: Count = 1
    regularisation: Annotated[float, Number(1e-8, 1e8)] = 0.1

    def check(self) -> None:
        """As for every distiller, and the values that only this kind has."""
        super().check()
        why = "no student is trained for longer"
        at_most("distiller.online_steps", self.online_steps, "distiller.inner_steps", self.inner_steps, why)


class KernelRidge(Distiller):
    """Minimises the real-text error of heads fitted to the set by kernel ridge regression.

    Args:
        config: see KernelRidgeConfig.
        student: the student to distil for.
        synthetic: the set at its start.
        seed: the run's seed.
    """

    config: KernelRidgeConfig
    learnable: ClassVar = frozenset({"labels"})

    def objective(self, batch: Batch, step: int) -> Tensor:
        """Half the squared error of f on a real batch, summed over classes."""
        config, seed, task = self.config, self.draw_seed("student", step), self.student.task
        state, _ = advance(self, config.pool, config.oldest, step, [config.online_steps], seed)
        labels = self.synthetic.labels()
        middle = 1 / task.classes if task.name == "one_class" else 0.5
        predicted = ridge_predictions(
            self.student.features(state.theta, *self.student.below(self.synthetic.x)),
            labels - middle,
            self.student.features(state.theta, batch.x, batch.mask),
            config.regularisation,
        )
        wanted = task.as_labels(batch.labels) - middle
        return 0.5 * (predicted - wanted).square().sum(1).mean()

    def work_per_step(self, real_length: float) -> float:
        """Distilled texts are differentiated once, real ones read; the pool's student is trained on."""
        config, recipe, length, work = self.config, self.synthetic.recipe, self.read_length, self.work
        distilled = work.learn.of(1, len(self.synthetic.one_hot), length) + self.work_below()
        read = distilled + work.read.of(1, config.outer_batch, real_length)
        return read + work.plain.of(config.online_steps, recipe.batch, length)


def ridge_predictions(features: Tensor, targets: Tensor, queries: Tensor, regularisation: float) -> Tensor:
    """What kernel ridge regression with a linear kernel, fitted to M examples, predicts for N others (N, C).

    A constant feature stands for the bias of the head. In double precision, because the kernel has the square of the
    features' condition number. Of a set of more examples than features the weights are solved for in their place, since
    phi^T (K + r I)^-1 = (phi^T phi + r I)^-1 phi^T.

    Args:
        features: of the examples (M, F).
        targets: of the examples (M, C).
        queries: features of the others (N, F).
        regularisation: lambda; the ridge is lambda tr(K) / M.
    """
    features, queries = (F.pad(part.double(), (0, 1), value=1.0) for part in (features, queries))
    targets = targets.double()
    ridge = regularisation * features.square().sum(dim=1).mean()
    if len(features) > features.shape[1]:
        return queries @ solved(features.t() @ features, ridge, features.t() @ targets)
    return queries @ (features.t() @ solved(features @ features.t(), ridge, targets))


def solved(matrix: Tensor, ridge: Tensor, wanted: Tensor) -> Tensor:
    """(matrix + ridge I)^-1 wanted."""
    return torch.linalg.solve(matrix + ridge * torch.eye(len(matrix)).to(matrix), wanted)
