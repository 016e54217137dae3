"""What all distillers share: the outer optimiser as a LightningModule. A method only adds its objective."""

from __future__ import annotations

import copy
import math
import time
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, ClassVar

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor

from textdd.errors import TextddError
from textdd.outer.averaging import Averaged
from textdd.outer.clipping import AdaptiveClip
from textdd.outer.config import DistillerConfig
from textdd.outer.materials import Materials
from textdd.outer.pool import Pool
from textdd.outer.synthetic import SyntheticSet
from textdd.outer.teacher import teacher_work, train_teacher
from textdd.problem import Problem
from textdd.progress import say
from textdd.seeds import derive
from textdd.spaces.reading import Batch, Reading
from textdd.training import Lesson, State, make_optimiser, train
from textdd.training.side_by_side import answers, sharing, train_all
from textdd.training.student import FlatStudent
from textdd.training.training import as_read
from textdd.training.work import Work


class Distiller(pl.LightningModule):
    """Optimises a synthetic set by the gradient of `objective` on real mini-batches.

    Lightning brings devices, processes, precision and checkpoints. Every random draw derives its seed from the run's
    seed, the process rank and the number of the outer step, so a resumed run repeats the uninterrupted one, with the
    same number of threads to the bit.

    Args:
        config: the method's options.
        student: the student to distil for.
        synthetic: the set at its start.
        seed: the run's seed.

    Attributes:
        learnable: what besides texts the objective has a gradient for: `labels`, `step_sizes`.
        nests: whether the method can make nested sets.
        mixes: whether students of several kinds can take turns.
        attention_step_size: outer step size of the logits of attention labels, where a method has such.
    """

    learnable: ClassVar = frozenset({"labels", "step_sizes"})
    nests: ClassVar[bool] = False
    mixes: ClassVar[bool] = True
    attention_step_size: float = 0.0

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
        self.accuracy = student.task.check_metric()
        self.pool: Pool | None = None
        self.seconds: Tensor  # spent in all sittings; a buffer, so that checkpoints and other processes hand it on
        self.register_buffer("seconds", torch.zeros((), dtype=torch.float64))
        self.prepared_seconds = 0.0
        self._clock = math.nan
        self._trained: list[Tensor] = []

    @property
    def members(self) -> Sequence[Distiller]:
        """The distillers that take turns, one for each kind of student: this one alone."""
        return [self]

    @property
    def clipping(self) -> AdaptiveClip:
        """What the gradients of this outer step are clipped by."""
        return self.clip

    def take(self, config: DistillerConfig) -> None:
        """Take other options, of which those that decide about what is learned are the same."""
        self.config = config

    def probe(self) -> Distiller:
        """A copy to be tried out: a pool that it fills or advances is no concern of this one."""
        return copy.copy(self)

    def prepare(self, materials: Materials) -> None:
        """Make ready what the method needs besides mini-batches, before the first outer step; on every process.

        A method that overrides this calls it first, and adds what its own work cost, now or when the cache was
        filled, to `prepared_seconds`.
        """
        if self.config.labels == "teacher":
            teacher, self.prepared_seconds = train_teacher(materials, self.seed)
            for synthetic in (self.synthetic, self.averaged.mean, self.best.mean):
                synthetic.teacher = teacher

    def judging(self, problem: Problem) -> Reading:
        """The training texts that outer steps draw from, once the method is prepared."""
        return problem.train

    @abstractmethod
    def objective(self, batch: Batch, step: int) -> Tensor:
        """The loss of the synthetic set on one real mini-batch: a scalar that carries a gradient.

        Args:
            batch: embedded real texts (N, L, D), mask (N, L) and labels (N,).
            step: number of the outer step, 0-based.
        """

    def poisson_seed(self) -> int | None:
        """A seed of which every text takes part in a step by chance; None: as many texts as configured, by the run's.

        It is asked for once checkpoints are read.
        """
        return None

    def keeps(self, accuracy: Tensor) -> bool:
        """Whether the averaged set of this accuracy on validation takes the place of the one that was kept before."""
        return bool(accuracy > self.best_accuracy)

    def told(self) -> dict[str, Any]:
        """What the manifest says besides, of a method that has something to say."""
        return {}

    def work_per_step(self, real_length: float) -> float:
        """What an outer step costs, in token-steps, for `outer_steps=0`; methods that do other work say so.

        Args:
            real_length: L of a real text.
        """
        recipe, length = self.synthetic.recipe, self.read_length
        trained = self.work.differentiated.of(recipe.steps, recipe.batch, length)
        return trained + self.work.learn.of(1, self.config.outer_batch, real_length)

    @property
    def work(self) -> Work:
        """What the student's training steps cost."""
        return self.student.module.work()

    @property
    def read_length(self) -> int:
        """L of a distilled example as the learned part of the student reads it."""
        return 1 if self.student.reads_once else self.synthetic.x.shape[1]

    def work_below(self) -> float:
        """What it costs in an outer step that a frozen body reads the set and is differentiated, in token-steps."""
        size, length, _ = self.synthetic.x.shape
        return self.work.below_learn.of(1, size, length)

    def work_before(self, texts: int, real_length: float) -> float:
        """What `prepare` costs, in token-steps; methods that prepare other things say so.

        Args:
            texts: in the training split.
            real_length: L of a real text.
        """
        return teacher_work(self.work, texts, real_length) if self.config.labels == "teacher" else 0.0

    def draw_seed(self, purpose: str, step: int, number: int = 0) -> int:
        """A seed that belongs to one draw of one outer step on one process."""
        return derive(self.seed, purpose, self.global_rank, step, number)

    def fresh_student(self, seed: int) -> State:
        """A student (P,) before its first step, on the device and in the precision of the set."""
        like = self.synthetic.one_hot
        return State.fresh(self.student.fresh(seed, like.device, like.dtype), self.optimiser)

    def lesson(self, seed: int) -> Lesson:
        """What one student of the objective is taught; `seed` decides the order where the recipe shuffles."""
        return self.synthetic.lesson(seed)

    def taught_lesson(self, seed: int) -> Lesson:
        """The same as the learned part of the student reads it."""
        return as_read(self.student, self.lesson(seed))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """One outer step."""
        del batch_idx
        loss = self.objective(batch, self.global_step)
        self.log("outer/loss", loss.detach(), prog_bar=True, sync_dist=True)
        return loss

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """The outer optimiser, one group for each kind of what is learned, and the decay of their step sizes."""
        config, groups = self.config, self.parameter_groups()
        adam = config.outer_optimiser == "adam"
        optimizer = torch.optim.Adam(groups) if adam else torch.optim.SGD(groups)
        if config.decay == "none":
            return optimizer
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.outer_steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def parameter_groups(self) -> list[dict[str, Any]]:
        """What is learned, a group for each kind of it, with its outer step size."""
        config, synthetic = self.config, self.synthetic
        texts = list(synthetic.texts.parameters())
        groups = [{"params": texts, "lr": config.outer_step_size * synthetic.texts.step_scale}] if texts else []
        if synthetic.label_logits is not None:
            groups.append({"params": [synthetic.label_logits], "lr": config.label_step_size})
        if synthetic.raw_step_sizes is not None:
            groups.append({"params": [synthetic.raw_step_sizes], "lr": config.step_size_step_size})
        if synthetic.attention_logits is not None:
            groups.append({"params": [synthetic.attention_logits], "lr": self.attention_step_size})
        return groups

    def configure_gradient_clipping(self, optimizer: torch.optim.Optimizer, *_: Any, **__: Any) -> None:
        """Clip adaptively; processes have averaged their gradients by now, so all clip alike.

        A run that diverges for good ends here, and keeps the set that did best until then.

        Raises:
            TextddError: it diverged before the first check, so there is no such set.
        """
        try:
            learned = (parameter for group in optimizer.param_groups for parameter in group["params"])
            self.log("outer/gradient_norm", self.clipping(learned))
        except TextddError as error:
            if self.best_accuracy < 0:
                raise
            say(f"{error} The set that did best until now is kept.")
            self.trainer.should_stop = True

    def on_train_start(self) -> None:
        """Start the clock of this sitting."""
        self._clock = time.perf_counter()

    def on_train_batch_end(self, *_: Any) -> None:
        """Follow the iterate and count the time."""
        self._count_time()
        self.follow()

    def follow(self) -> None:
        """Follow the iterate."""
        self.averaged.follow(self.synthetic, self.global_step - 1)

    def on_validation_epoch_start(self) -> None:
        """Train the students that this check looks at."""
        with self.trainer.precision_plugin.forward_context():
            self._trained = self.checked_students()

    def checked_students(self) -> list[Tensor]:
        """Train fresh students on the averaged set; the same initialisations at every check."""
        synthetic = self.averaged.mean
        seeds = [derive(self.seed, "check", self.global_rank, k) for k in range(self.config.check_students)]
        starts = [self.fresh_student(seed) for seed in seeds]
        lessons = sharing([synthetic.lesson(seed) for seed in seeds])
        lessons = sharing([as_read(self.student, lessons[0]), *lessons[1:]])
        marks, choice = [synthetic.recipe.steps], self.config.side_by_side
        trained = train_all(train, self.student, self.optimiser, starts, lessons, marks, choice)
        return [state.theta for (state,) in trained]

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Score those students on one batch of validation texts, embedded once for all."""
        del batch_idx
        logits = answers(self.student, self._trained, batch.x, batch.mask, self.config.side_by_side)
        wanted = batch.labels.expand(len(logits), *batch.labels.shape).flatten(0, 1)
        self.accuracy.update(logits.flatten(0, 1), wanted)

    def on_validation_epoch_end(self) -> None:
        """Keep the averaged set if it is the best so far, by the headline measure of the task."""
        accuracy = self.accuracy.compute()  # over all processes
        self.accuracy.reset()
        self.log(f"validation/{self.student.task.measures[0]}", accuracy, prog_bar=True, sync_dist=True)
        if self.keeps(accuracy):
            self.best_accuracy.copy_(accuracy)
            self.best.follow(self.averaged.mean, step=0)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Store the clip's running mean, and the options, so that no other run takes the checkpoint for its own."""
        checkpoint["clip"] = self.clip.state_dict()
        checkpoint["config"] = asdict(self.config)
        if self.pool is not None:  # the pools of all processes: each has its own
            checkpoint["pools"] = {name: self.of_all_processes(t) for name, t in self.pool.state_dict().items()}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the running mean up again, and this process's pool."""
        self.clip.load_state_dict(checkpoint["clip"])
        if "pools" in checkpoint:
            mine = {name: stacked[self.global_rank].to(self.device) for name, stacked in checkpoint["pools"].items()}
            self.pool = Pool.from_state_dict(mine)

    def of_all_processes(self, tensor: Tensor) -> Tensor:
        """Stack the processes' tensors, by rank."""
        tensors = [torch.empty_like(tensor) for _ in range(self.trainer.world_size)]
        if len(tensors) == 1:
            return tensor.unsqueeze(0)
        torch.distributed.all_gather(tensors, tensor)
        return torch.stack(tensors)

    def on_train_end(self) -> None:
        """Stop the clock."""
        self._count_time()

    def _count_time(self) -> None:
        now = time.perf_counter()
        self.seconds += now - self._clock
        self._clock = now
