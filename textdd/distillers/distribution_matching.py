"""Distribution matching, known as DM (Zhao & Bilen 2023, "Dataset condensation with distribution matching").

The features of the distilled texts of a class shall have the mean that those of the real texts have, for every
student, be it never trained. With phi a student at its random start and phi(X^c) the features of class c,

    loss = sum over classes c of || mean phi(X^c) - mean phi(X_s^c) ||^2.

No student is trained, so nothing second-order is computed, and an outer step costs no more than reading the texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from torch import Tensor

from textdd.allowed import Chosen
from textdd.outer.config import DistillerConfig
from textdd.outer.distiller import Distiller
from textdd.spaces.reading import Batch


@dataclass
class DistributionMatchingConfig(DistillerConfig):
    """Options of distribution matching: those that all distillers have."""

    name: Annotated[str, Chosen("distiller")] = "distribution_matching"


class DistributionMatching(Distiller):
    """Minimises the distance between class means of features, a fresh student in every outer step.

    Args:
        config: see DistributionMatchingConfig.
        student: the student to distil for.
        synthetic: the set at its start.
        seed: the run's seed.
    """

    config: DistributionMatchingConfig
    learnable: ClassVar = frozenset[str]()

    def objective(self, batch: Batch, step: int) -> Tensor:
        """The loss above, over the classes that occur in the batch."""
        theta = self.fresh_student(self.draw_seed("student", step)).theta
        one_hot = self.synthetic.one_hot
        return mean_discrepancy(
            self.student.features(theta, batch.x, batch.mask),
            self.student.task.members(batch.labels).long(),
            self.student.features(theta, *self.student.below(self.synthetic.x)),
            one_hot,
        )

    def work_per_step(self, real_length: float) -> float:
        """Distilled texts are differentiated once, real ones read."""
        distilled = self.work.learn.of(1, len(self.synthetic.one_hot), self.read_length) + self.work_below()
        return distilled + self.work.read.of(1, self.config.outer_batch, real_length)


def mean_discrepancy(real: Tensor, real_classes: Tensor, synthetic: Tensor, synthetic_classes: Tensor) -> Tensor:
    """Squared distances between the class means of two sets of features, summed over the classes that both have.

    In double precision, because it is a small difference of large numbers, which mixed precision would round away.

    Args:
        real: features (N, F).
        real_classes: one-hot (N, C).
        synthetic: features (M, F).
        synthetic_classes: one-hot (M, C).
    """
    present = (real_classes.sum(0) > 0) & (synthetic_classes.sum(0) > 0)  # (C,)
    means = [
        classes.t().double() @ features.double() / classes.sum(0).clamp_min(1).unsqueeze(1)
        for features, classes in ((real, real_classes), (synthetic, synthetic_classes))
    ]
    return (means[0] - means[1]).square().sum(1)[present].sum()
