"""Gradient matching, known as DC (Zhao et al. 2021, "Dataset condensation with gradient matching").

A student trained on the distilled texts goes where one trained on real texts goes if both see the same gradients. For
each class c on its own, with G^c and G_s^c the gradients of the cross-entropy on its real and on its distilled texts,

    loss = sum over classes c, layers l and outputs o of 1 - cos(G^c[l, o], G_s^c[l, o]),

where G[l, o] are the weights into output o of layer l; as in DC, biases are left out. Students of several ages take
part: a pool of them is trained on the distilled set as it changes. With `gradient=head` only the last layer is
compared, as DiLM (Maekawa et al. 2024) and GRADMM (Nguyen et al. 2025) do for text: its gradient has a closed form,
(p - y)^T phi(X) / N, so that no derivative of a derivative is needed.

With `privacy.epsilon` the gradients of the real texts are those of a differentially private mechanism, as in GRADMM:
every text takes part in a step by chance, its gradient is clipped, and every class's sum gets Gaussian noise, also that
of a class without a text in this step, since its absence would tell. A text adds to the sum of its own class alone, so
that the sums of all classes together are one look (parallel composition). Students, angles and the set are made from
these sums alone. Who takes part and what noise is drawn follow from a secret of the operating system's and not from the
run's seed, which the artefact tells: checkpoints keep it, so that a killed run goes on as it would have, and go when
the run is finished. What a look costs: textdd/privacy/accounting.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from textdd.allowed import Chosen, Count, OneOf, at_most, shown
from textdd.errors import TextddError
from textdd.outer.distiller import Distiller
from textdd.outer.materials import Materials
from textdd.outer.pooled import PooledConfig, advance
from textdd.outer.synthetic import SyntheticSet
from textdd.privacy.account import Account
from textdd.privacy.config import PrivacyConfig
from textdd.privacy.noisy import clipped_sum, fresh_secret, noisy
from textdd.progress import say
from textdd.spaces.reading import Batch
from textdd.training.student import FlatStudent
from textdd.training.twice import differentiated_twice

GRADIENTS = ("full", "head")


@dataclass
class GradientMatchingConfig(PooledConfig):
    """Options of gradient matching.

    Attributes:
        gradient: `full` compares the gradients of all layers, `head` those of the last, at a third of the cost; `head`
            goes with fresh students (oldest=online_steps): once trained, they make the set hard instead of typical.
        online_steps: training steps that a student of the pool takes after each use.
        privacy: differential privacy of the training texts, of `gradient=head`.
    """

    name: Annotated[str, Chosen("distiller")] = "gradient_matching"
    gradient: Annotated[str, OneOf(*GRADIENTS)] = "full"
    online_steps: Count = 1
    privacy: PrivacyConfig = field(default_factory=PrivacyConfig)

    def check(self) -> None:
        """As for every distiller, and the values that only this kind has.

        Raises:
            TextddError: some do not go together, or a private set would owe something to the texts that is not counted.
        """
        super().check()
        self.privacy.check()
        if self.privacy.on:
            self.check_private()
        why = "no student is trained for longer"
        at_most("distiller.online_steps", self.online_steps, "distiller.inner_steps", self.inner_steps, why)

    def check_private(self) -> None:
        """Check that no option makes a private set look at the texts in a way that is not counted.

        Raises:
            TextddError: one does.
        """
        for option, wrong, why, remedy in (
            ("gradient", self.gradient != "head", "only gradients of the head are clipped, text by text", "head"),
            ("start", self.start != "noise", "real texts, or what they are like, would be the start", "noise"),
            ("labels", self.labels == "teacher", "a teacher is trained on the texts without noise", "hard"),
            ("length", self.length == -1, "it is read off the lengths of the texts", "16"),
            ("outer_steps", self.outer_steps == 0, "the noise is for a number of steps that must be given", "400"),
        ):
            if wrong:
                allowed = "hard or soft" if option == "labels" else "a number" if remedy.isdigit() else remedy
                raise TextddError(
                    f"Got distiller.{option}={shown(getattr(self, option))} for a private set "
                    f"(distiller.privacy.epsilon={self.privacy.epsilon:g}): {why}. Allowed: {allowed}. "
                    f"Type: distiller.{option}={remedy}"
                )


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

    def __init__(
        self, config: GradientMatchingConfig, student: FlatStudent, synthetic: SyntheticSet, seed: int
    ) -> None:
        super().__init__(config, student, synthetic, seed)
        self.account: Account | None = None
        if config.privacy.on:  # checkpoints keep it, and no artefact: a resumed run draws what it would have drawn
            self.secret: Tensor
            self.register_buffer("secret", torch.tensor(fresh_secret()))

    def prepare(self, materials: Materials) -> None:
        """As for every distiller; where privacy is on, find the noise for so many steps on so many texts, and tell it.

        Raises:
            TextddError: a text may have several labels, or no noise is enough.
        """
        super().prepare(materials)
        config, problem = self.config, materials.problem
        if not config.privacy.on:
            return
        if problem.task.name != "one_class":
            raise TextddError(
                f"Got distiller.privacy.epsilon={config.privacy.epsilon:g} for targets of the kind "
                f"{problem.task.name}: a text of several labels would add to several sums. Allowed: one class a text. "
                "Type: distiller.privacy.epsilon=null"
            )
        texts = len(self.judging(problem))
        self.account = Account.of(config.privacy, texts, config.outer_batch, config.outer_steps)
        say(str(self.account))

    def poisson_seed(self) -> int | None:
        """Where privacy is on, texts take part by chance, and who does is as secret as the noise."""
        return int(self.secret) if self.config.privacy.on else None

    def keeps(self, accuracy: Tensor) -> bool:
        """The last set is kept where privacy is on: a choice would read validation texts, which nothing counts."""
        return self.config.privacy.on or super().keeps(accuracy)

    def told(self) -> dict[str, Any]:
        """The account, where privacy is on."""
        return {} if self.account is None else {"privacy": self.account.entry()}

    def objective(self, batch: Batch, step: int) -> Tensor:
        """The loss above, over the classes that occur in the batch, or where privacy is on over all."""
        config, seed = self.config, self.draw_seed("student", step)
        state, _ = advance(self, config.pool, config.oldest, step, [config.online_steps], seed)
        gradients = full_gradients if self.config.gradient == "full" else head_gradients
        one_hot, labels = self.synthetic.one_hot, self.synthetic.labels()
        members = self.student.task.members(batch.labels)  # (N, C)
        real_labels = members.to(one_hot)
        (x, mask), distances = self.student.below(self.synthetic.x), []
        present = members.any(0) | config.privacy.on
        for c in present.nonzero().flatten():
            theirs, ours = members[:, c], one_hot[:, c] > 0
            if not ours.any():
                continue
            given = (batch.x[theirs], real_labels[theirs], batch.mask[theirs])
            if config.privacy.on:
                real = [self.noisy_gradient(state.theta, *given, step, int(c))]
            else:
                real = gradients(self.student, state.theta, *given)
            read = None if mask is None else mask[ours]
            synthetic = gradients(self.student, state.theta, x[ours], labels[ours], read)
            distances += [cosine_distance(a, b) for a, b in zip(real, synthetic, strict=True)]
        return torch.stack(distances).sum()

    def noisy_gradient(self, theta: Tensor, x: Tensor, y: Tensor, mask: Tensor, step: int, c: int) -> Tensor:
        """The private sum of head gradients (C, width) over the texts of class c in a step, of which there may be none.

        It is not divided by their number, which is private, too; angles do not see that.
        """
        assert self.account is not None, "Distiller.prepare opens the account"
        total = theta.new_zeros(self.student.module.head.weight.shape, dtype=torch.float64)
        if len(x):
            total = total + clipped_sum(*residuals_and_features(self.student, theta, x, y, mask), self.account.clip)
        deviation = self.account.noise_multiplier * self.account.clip
        return noisy(total, deviation, int(self.secret), "noise", step, c).to(theta)

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
    with torch.enable_grad(), differentiated_twice(x.requires_grad):
        leaf = theta.detach().requires_grad_()
        loss = student.inner_loss(leaf, x, y, mask)
        (gradient,) = torch.autograd.grad(loss, leaf, create_graph=x.requires_grad)
    return [part for part in student.unflatten(gradient).values() if part.dim() > 1]


def head_gradients(
    student: FlatStudent, theta: Tensor, x: Tensor, y: Tensor, mask: Tensor | None = None
) -> list[Tensor]:
    """The gradient (C, width) of the head's weight matrix, likewise, in closed form."""
    residuals, features = residuals_and_features(student, theta, x, y, mask)
    return [residuals.t() @ features / len(x)]


def residuals_and_features(
    student: FlatStudent, theta: Tensor, x: Tensor, y: Tensor, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Of each text p - y (N, C) and phi (N, width), whose outer product is its gradient of the head."""
    features = student.features(theta, x, mask)
    return student.task.probabilities(student.head(theta, features)) - y, features


def cosine_distance(real: Tensor, synthetic: Tensor) -> Tensor:
    """Sum over rows of one minus the cosine of two gradients (outputs, inputs).

    Rows that are zero in the real gradient (filters that no text of a class moves) have no direction and do not count.
    """
    rows = real.norm(dim=1) > 0
    return (1 - F.cosine_similarity(real[rows], synthetic[rows], dim=1)).sum()
