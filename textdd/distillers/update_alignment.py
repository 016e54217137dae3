"""Update alignment: the set asks of a fresh student the change that the corpus asks of it, site by site.

One step on the distilled texts is to move every weight matrix W of what is learned where a step on real texts would
move it. With U[W] and U_s[W] the gradients of the loss on a batch of real texts and on the whole set,

    loss = sum over W of 1 - cos(U[W], U_s[W]),

one cosine a matrix and not one a class and output, as gradient matching has (Zhao et al. 2021). With adapters of low
rank (LoRA), whose B is zero at the start, the gradient with respect to B is U Aᵀ: a random sketch of the update that
the frozen matrix would like to have, drawn anew in every step. The idea of aligning updates of adapters is that of
DASA, of which no code and no formula is public; nothing more is taken from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from textdd.allowed import Chosen
from textdd.distillers.gradient_matching import full_gradients
from textdd.outer.config import DistillerConfig
from textdd.outer.distiller import Distiller
from textdd.spaces.reading import Batch


@dataclass
class UpdateAlignmentConfig(DistillerConfig):
    """Options of update alignment: those that all distillers have."""

    name: Annotated[str, Chosen("distiller")] = "update_alignment"


class UpdateAlignment(Distiller):
    """Minimises the angles between the updates that real and distilled texts ask for, a fresh student in every step.

    Args:
        config: see UpdateAlignmentConfig.
        student: the student to distil for.
        synthetic: the set at its start.
        seed: the run's seed.
    """

    config: UpdateAlignmentConfig
    learnable: ClassVar = frozenset({"labels"})

    def objective(self, batch: Batch, step: int) -> Tensor:
        """The loss above."""
        theta, task = self.fresh_student(self.draw_seed("student", step)).theta, self.student.task
        wanted = task.as_labels(batch.labels).to(self.synthetic.one_hot)
        real = full_gradients(self.student, theta, batch.x, wanted, batch.mask)
        (x, mask), y = self.student.below(self.synthetic.x), self.synthetic.labels()
        asked = full_gradients(self.student, theta, x, y, mask)
        distances = [misaligned(one, other) for one, other in zip(real, asked, strict=True) if bool(one.any())]
        return torch.stack(distances).sum()

    def work_per_step(self, real_length: float) -> float:
        """Distilled texts are differentiated twice, real ones once."""
        distilled = self.work.differentiated.of(1, len(self.synthetic.one_hot), self.read_length) + self.work_below()
        return distilled + self.work.learn.of(1, self.config.outer_batch, real_length)


def misaligned(real: Tensor, synthetic: Tensor) -> Tensor:
    """One minus the cosine of two updates (outputs, inputs) of a weight matrix."""
    return 1 - F.cosine_similarity(real.flatten(), synthetic.flatten(), dim=0)
