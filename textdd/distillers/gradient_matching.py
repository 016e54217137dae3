"""Gradient matching, known as DC (Zhao et al. 2021, "Dataset condensation with gradient matching").

A student trained on the distilled texts goes where one trained on real texts goes if both see the same gradients. For
each class c on its own, with G^c and G_s^c the gradients of the cross-entropy on its real and on its distilled texts,

    loss = sum over classes c, layers l and outputs o of 1 - cos(G^c[l, o], G_s^c[l, o]),

where G[l, o] are the weights into output o of layer l; as in DC, biases are left out. Students of several ages take
part: a pool of them is trained on the distilled set as it changes. With `gradient=head` only the last layer is
compared, as DiLM (Maekawa et al. 2024) and GRADMM (Nguyen et al. 2025) do for text: its gradient has a closed form,
(p - y)^T phi(X) / N, so that no derivative of a derivative is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from textdd.allowed import Chosen, Count, OneOf, at_most
from textdd.outer.distiller import Distiller
from textdd.outer.pooled import PooledConfig, advance
from textdd.spaces.reading import Batch
from textdd.training.student import FlatStudent

GRADIENTS = ("full", "head")


@dataclass
class GradientMatchingConfig(PooledConfig):
    """Options of gradient matching.

    Attributes:
        gradient: `full` compares the gradients of all layers, `head` those of the last, at a third of the cost; `head`
            goes with fresh students (oldest=online_steps): once trained, they make the set hard instead of typical.
        online_steps: training steps that a student of the pool takes after each use.
    """

    name: Annotated[str, Chosen("distiller")] = "gradient_matching"
    gradient: Annotated[str, OneOf(*GRADIENTS)] = "full"
    online_steps: Count = 1

    def check(self) -> None:
        """As for every distiller, and the values that only this kind has."""
        super().check()
        why = "no student is trained for longer"
        at_most("distiller.online_steps", self.online_steps, "distiller.inner_steps", self.inner_steps, why)


class GradientMatching(Distiller):
    """Minimises the angles between gradients on real and on distilled texts, class by class.

    Args:
        config: see GradientMatchingConfig.
        student: the student to distil for.
        synthetic: the set at its start.
        seed: the run's seed.
    """

    config: GradientMatchingConfig
    learnable: ClassVar = frozenset({"labels"})

    def objective(self, batch: Batch, step: int) -> Tensor:
        """The loss above, over the classes that occur in the batch."""
        config, seed = self.config, self.draw_seed("student", step)
        state, _ = advance(self, config.pool, config.oldest, step, [config.online_steps], seed)
        gradients = full_gradients if self.config.gradient == "full" else head_gradients
        one_hot, labels = self.synthetic.one_hot, self.synthetic.labels()
        members = self.student.task.members(batch.labels)  # (N, C)
        real_labels = members.to(one_hot)
        (x, mask), distances = self.student.below(self.synthetic.x), []
        for c in members.any(0).nonzero().flatten():
            theirs, ours = members[:, c], one_hot[:, c] > 0
            if not ours.any():
                continue
            real = gradients(self.student, state.theta, batch.x[theirs], real_labels[theirs], batch.mask[theirs])
            read = None if mask is None else mask[ours]
            synthetic = gradients(self.student, state.theta, x[ours], labels[ours], read)
            distances += [cosine_distance(a, b) for a, b in zip(real, synthetic, strict=True)]
        return torch.stack(distances).sum()

    def work_per_step(self, real_length: float) -> float:
        """Full gradients take a derivative more than those of the head, on either side."""
        config, recipe, work = self.config, self.synthetic.recipe, self.work
        size, length = len(self.synthetic.one_hot), self.read_length
        full = config.gradient == "full"
        distilled = (work.differentiated if full else work.learn).of(1, size, length) + self.work_below()
        real = (work.learn if full else work.read).of(1, config.outer_batch, real_length)
        return distilled + real + work.plain.of(config.online_steps, recipe.batch, length)


def full_gradients(
    student: FlatStudent, theta: Tensor, x: Tensor, y: Tensor, mask: Tensor | None = None
) -> list[Tensor]:
    """Gradients (outputs, inputs) of all weight matrices, as functions of texts x (N, L, D) and labels y (N, C)."""
    with torch.enable_grad():
        leaf = theta.detach().requires_grad_()
        loss = student.inner_loss(leaf, x, y, mask)
        (gradient,) = torch.autograd.grad(loss, leaf, create_graph=x.requires_grad)
    return [part for part in student.unflatten(gradient).values() if part.dim() > 1]


def head_gradients(
    student: FlatStudent, theta: Tensor, x: Tensor, y: Tensor, mask: Tensor | None = None
) -> list[Tensor]:
    """The gradient (C, width) of the head's weight matrix, likewise, in closed form."""
    features = student.features(theta, x, mask)
    residuals = student.task.probabilities(student.head(theta, features)) - y  # (N, C)
    return [residuals.t() @ features / len(x)]


def cosine_distance(real: Tensor, synthetic: Tensor) -> Tensor:
    """Sum over rows of one minus the cosine of two gradients (outputs, inputs).

    Rows that are zero in the real gradient (filters that no text of a class moves) have no direction and do not count.
    """
    rows = real.norm(dim=1) > 0
    return (1 - F.cosine_similarity(real[rows], synthetic[rows], dim=1)).sum()
