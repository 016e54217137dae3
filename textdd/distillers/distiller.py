"""What all distillers share: the outer optimiser as a LightningModule. A method only adds its objective."""

from __future__ import annotations

import math
import time
from abc import abstractmethod
from dataclasses import asdict, dataclass
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torchmetrics.classification import MulticlassAccuracy

from textdd.data.embedded import Batch
from textdd.distillers.averaging import Averaged
from textdd.distillers.clipping import AdaptiveClip
from textdd.distillers.materials import Materials
from textdd.distillers.synthetic import SyntheticSet
from textdd.errors import TextddError
from textdd.inner import State, make_optimiser, train
from textdd.progress import console
from textdd.seeds import derive
from textdd.students import FlatStudent


@dataclass
class DistillerConfig:
    """Options that every distiller has.

    Attributes:
        name: the choice `distiller=`.
        start: where the distilled texts start: `noise`, `real` or `kmeans`.
        warm_start: artefact of another run whose texts, labels and, where they fit, step sizes to start from, instead
            of `start`; null starts afresh.
        length: L of a distilled text, in tokens; 0 takes that of real texts.
        labels: `hard` (one-hot) or `soft` (learned distributions).
        confidence: probability of its own class where a soft label starts.
        inner_optimiser: how students are trained on the set: `sgd`, `momentum` or `adam`.
        inner_steps: T.
        inner_batch: examples in an inner step; 0 divides the set into T mini-batches, of at least C examples.
        order: `fixed` or `shuffled` mini-batches.
        step_size: inner step size, or where learned ones start.
        learn_step_sizes: learn one positive step size per inner step.
        outer_steps: updates of the distilled set, in whole multiples of check_every; 0 takes as many as cost about
            `minutes`.
        minutes: on two CPU cores, for outer_steps=0; counted in operations, not timed.
        outer_batch: real texts per outer step.
        outer_optimiser: `adam` or `sgd`.
        outer_step_size: of the distilled texts.
        label_step_size: outer step size of soft labels (their logits).
        step_size_step_size: outer step size of learned step sizes (before the softplus).
        decay: `cosine` lets the outer step sizes fall to zero, `none` keeps them.
        clip: gradients are cut to this multiple of their running mean norm; 0 switches that off.
        averaging: share of the old average that an outer step keeps; 0 switches averaging off.
        check_every: outer steps between two looks at the validation accuracy, each followed by a checkpoint.
        check_students: fresh students trained for such a look.
        check_texts: validation texts used for it.
    """

    name: str = "distiller"
    start: str = "real"
    warm_start: str | None = None
    length: int = 24
    labels: str = "soft"
    confidence: float = 0.9
    inner_optimiser: str = "adam"
    inner_steps: int = 16
    inner_batch: int = 0
    order: str = "fixed"
    step_size: float = 0.005
    learn_step_sizes: bool = True
    outer_steps: int = 0
    minutes: float = 4.0
    outer_batch: int = 128
    outer_optimiser: str = "adam"
    outer_step_size: float = 0.02
    label_step_size: float = 0.3
    step_size_step_size: float = 0.03
    decay: str = "cosine"
    clip: float = 2.0
    averaging: float = 0.99
    check_every: int = 100
    check_students: int = 2
    check_texts: int = 2000


class Distiller(pl.LightningModule):
    """Optimises a synthetic set by the gradient of `objective` on real mini-batches.

    Lightning brings devices, processes, precision and checkpoints. Every random draw derives its seed from the run's
    seed, the process rank and the number of the outer step, so a resumed run repeats the uninterrupted one exactly.

    Args:
        config: the method's options.
        student: the student to distil for.
        synthetic: the set at its start.
        seed: the run's seed.
    """

    def __init__(self, config: DistillerConfig, student: FlatStudent, synthetic: SyntheticSet, seed: int) -> None:
        super().__init__()
        self.config, self.seed = config, seed
        self.student = student
        self.optimiser = make_optimiser(config.inner_optimiser)
        self.synthetic = synthetic
        self.averaged = Averaged(synthetic, config.averaging)
        self.best = Averaged(synthetic, decay=0.0)  # the average at its best validation accuracy so far
        self.best_accuracy: Tensor
        self.register_buffer("best_accuracy", torch.tensor(-1.0))
        self.clip = AdaptiveClip(config.clip)
        self.accuracy = MulticlassAccuracy(synthetic.one_hot.shape[1], average="micro")
        self.seconds: Tensor  # spent in all sittings; a buffer, so that checkpoints and other processes hand it on
        self.register_buffer("seconds", torch.zeros((), dtype=torch.float64))
        self.prepared_seconds = 0.0
        self._clock = math.nan
        self._trained: list[Tensor] = []

    def prepare(self, materials: Materials) -> None:
        """Make ready what the method needs besides mini-batches, before the first outer step; on every process.

        A method that overrides this sets `prepared_seconds` to what the work cost, now or when the cache was filled.
        """

    @abstractmethod
    def objective(self, batch: Batch, step: int) -> Tensor:
        """The loss of the synthetic set on one real mini-batch: a scalar that carries a gradient.

        Args:
            batch: embedded real texts (N, L, D), mask (N, L) and labels (N,).
            step: number of the outer step, 0-based.
        """

    def draw_seed(self, purpose: str, step: int, number: int = 0) -> int:
        """A seed that belongs to one draw of one outer step on one process."""
        return derive(self.seed, purpose, self.global_rank, step, number)

    def fresh_student(self, seed: int) -> State:
        """A student (P,) before its first step, on the device and in the precision of the set."""
        x = self.synthetic.x
        return State.fresh(self.student.fresh(seed, x.device, x.dtype), self.optimiser)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """One outer step."""
        del batch_idx
        loss = self.objective(batch, self.global_step)
        self.log("outer/loss", loss.detach(), prog_bar=True, sync_dist=True)
        return loss

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """The outer optimiser, one group for texts, labels and step sizes each, and the decay of their step sizes."""
        config, synthetic = self.config, self.synthetic
        groups = [{"params": [synthetic.x], "lr": config.outer_step_size}]
        if synthetic.label_logits is not None:
            groups.append({"params": [synthetic.label_logits], "lr": config.label_step_size})
        if synthetic.raw_step_sizes is not None:
            groups.append({"params": [synthetic.raw_step_sizes], "lr": config.step_size_step_size})
        adam = config.outer_optimiser == "adam"
        optimizer = torch.optim.Adam(groups) if adam else torch.optim.SGD(groups)
        if config.decay == "none":
            return optimizer
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.outer_steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def configure_gradient_clipping(self, *_: Any, **__: Any) -> None:
        """Clip adaptively; processes have averaged their gradients by now, so all clip alike.

        A run that diverges for good ends here, and keeps the set that did best until then.

        Raises:
            TextddError: it diverged before the first check, so there is no such set.
        """
        try:
            self.log("outer/gradient_norm", self.clip(self.synthetic.parameters()))
        except TextddError as error:
            if self.best_accuracy < 0:
                raise
            console.print(f"{error} The set that did best until now is kept.", highlight=False, soft_wrap=True)
            self.trainer.should_stop = True

    def on_train_start(self) -> None:
        """Start the clock of this sitting."""
        self._clock = time.perf_counter()

    def on_train_batch_end(self, *_: Any) -> None:
        """Follow the iterate and count the time."""
        self._count_time()
        self.averaged.follow(self.synthetic, self.global_step - 1)

    def on_validation_epoch_start(self) -> None:
        """Train fresh students on the averaged set; the same initialisations at every check."""
        synthetic = self.averaged.mean
        self._trained = []
        for k in range(self.config.check_students):
            seed = derive(self.seed, "check", self.global_rank, k)
            start, lesson = self.fresh_student(seed), synthetic.lesson(seed)
            with self.trainer.precision_plugin.forward_context():
                (state,) = train(self.student, self.optimiser, start, lesson, [synthetic.recipe.steps])
            self._trained.append(state.theta)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Score those students on one batch of validation texts, embedded once for all."""
        del batch_idx
        for theta in self._trained:
            self.accuracy.update(self.student(theta, batch.x, batch.mask), batch.labels)

    def on_validation_epoch_end(self) -> None:
        """Keep the averaged set if it is the best so far."""
        accuracy = self.accuracy.compute()  # over all processes
        self.accuracy.reset()
        self.log("validation/accuracy", accuracy, prog_bar=True, sync_dist=True)
        if accuracy > self.best_accuracy:
            self.best_accuracy.copy_(accuracy)
            self.best.follow(self.averaged.mean, step=0)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Store the clip's running mean, and the options, so that no other run takes the checkpoint for its own."""
        checkpoint["clip"] = self.clip.state_dict()
        checkpoint["config"] = asdict(self.config)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the running mean up again."""
        self.clip.load_state_dict(checkpoint["clip"])

    def on_train_end(self) -> None:
        """Stop the clock."""
        self._count_time()

    def _count_time(self) -> None:
        now = time.perf_counter()
        self.seconds += now - self._clock
        self._clock = now
