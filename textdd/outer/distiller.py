"""What all distillers share: the outer optimiser as a LightningModule. A method only adds its objective."""

from __future__ import annotations

import copy
import math
import time
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, ClassVar, Self

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor

from textdd.allowed import (
    Chosen,
    Count,
    Few,
    InMemory,
    Minutes,
    Number,
    OneOf,
    OuterStepSize,
    Place,
    StepSize,
    Whole,
)
from textdd.corpora.sources import MOST_TOKENS
from textdd.errors import TextddError
from textdd.outer.averaging import Averaged
from textdd.outer.clipping import AdaptiveClip
from textdd.outer.materials import Materials
from textdd.outer.pool import Pool
from textdd.outer.synthetic import LABELS, SyntheticSet
from textdd.outer.teacher import teacher_work, train_teacher
from textdd.problem import Problem
from textdd.progress import say
from textdd.seeds import derive
from textdd.sets.parametrisations import PARAMETRISATIONS
from textdd.sets.parametrisations.pieces import check_length
from textdd.spaces.reading import Batch, Reading
from textdd.training import OPTIMISERS, Lesson, State, make_optimiser, train
from textdd.training.recipe import ORDERS
from textdd.training.side_by_side import CHOICES, answers, sharing, train_all
from textdd.training.student import FlatStudent
from textdd.training.training import as_read
from textdd.training.work import Work

STARTS = ("noise", "real", "telling", "kmeans")


@dataclass
class DistillerConfig:
    """Options that every distiller has.

    Attributes:
        name: the choice `distiller=`.
        start: where the distilled texts start: `noise`, `real` (the beginnings of real texts), `telling` (their most
            telling passages) or `kmeans`.
        warm_start: artefact of another run whose texts, labels and, where they fit, step sizes to start from, instead
            of `start`; null starts afresh.
        length: L of a distilled text, in tokens; -1 lets what is taught as one example, text or piece, grow with the
            number of examples, from 6 tokens at one per class to 23 at 30, but not beyond 24 or, a whole text, beyond
            99 of 100 real ones; 0 takes what is read of a real text, `dataset.length`.
        pieces: V equally long pieces that each text is cut into, every one an example with the text's label (IDC, Kim
            et al. 2022); 1 leaves texts whole. 0 takes 4 where pieces of a real text have 12 tokens (8 where there are
            many classes, more than 16) and T inner steps reach all of them, else fewer.
        parametrisation: what of the texts is learned and stored. `free`: their matrices (L, D). `low_rank`: matrices
            (L, R) and (R, D) whose product each is. `basis`: R vectors for all texts and each position's combination
            of them. `mixture`: at each position the shares of R words, which can be read. `real`: nothing, real texts
            stay as they are.
        rank: R, for the parametrisations `low_rank`, `basis` and `mixture`.
        nested: examples per class, such as [1,3,10], of beginnings of the set that are to be good sets, too.
        labels: `hard` (one-hot), `soft` (learned distributions) or `teacher` (what a student trained on the full data
            thinks of the texts).
        confidence: probability of its own class where a soft label starts.
        inner_optimiser: how students are trained on the set: `sgd`, `momentum`, `adam`, or `smooth_adam`, Adam with an
            epsilon of 0.001.
        inner_steps: T.
        inner_batch: examples in an inner step; a small set is taught in mini-batches of a third of it, of at least C
            examples, and one that has more than T steps reach in fixed order in mini-batches of a T-th. 0 divides the
            set into T mini-batches; -1 takes the whole set in every step.
        epochs: how often T steps see the set, where inner_batch=0 divides it.
        order: `fixed` or `shuffled` mini-batches.
        step_size: inner step size, or where learned ones start; multiplied by what suits the student (1 for small
            networks, 10 for a head on a frozen body) and the optimiser (3 for `smooth_adam`, else 1).
        learn_step_sizes: learn one positive step size per inner step.
        outer_steps: updates of the distilled set, in whole multiples of check_every; 0 takes as many as cost about
            `minutes`.
        minutes: on two CPU cores, preparation included, for outer_steps=0; counted in operations, not timed.
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
        side_by_side: whether K students are trained as one stack of parameters: `always`, `never`, or where it is
            faster (`auto`: on a GPU, and on a CPU in small mini-batches). Both ways agree but for rounding.
    """

    name: Annotated[str, Chosen("distiller")] = "distiller"
    start: Annotated[str, OneOf(*STARTS)] = "real"
    warm_start: Place | None = None
    length: Annotated[int, Whole(-1, MOST_TOKENS)] = -1
    pieces: Annotated[int, Whole(0, MOST_TOKENS)] = 0
    parametrisation: Annotated[str, OneOf(*PARAMETRISATIONS)] = "free"
    rank: Annotated[int, Whole(1, 4096)] = 8
    nested: list[Count] = field(default_factory=list)
    labels: Annotated[str, OneOf(*LABELS)] = "soft"
    confidence: Annotated[float, Number(1e-6, 1 - 1e-6)] = 0.9
    inner_optimiser: Annotated[str, OneOf(*OPTIMISERS)] = "adam"
    inner_steps: Annotated[int, Whole(1, 100_000)] = 24
    inner_batch: Annotated[int, Whole(-1, 65_536)] = 40
    epochs: Count = 1
    order: Annotated[str, OneOf(*ORDERS)] = "fixed"
    step_size: StepSize = 0.004
    learn_step_sizes: bool = True
    outer_steps: Annotated[int, Whole(0, 100_000_000)] = 0
    minutes: Minutes = 4.5
    outer_batch: InMemory = 128
    outer_optimiser: Annotated[str, OneOf("adam", "sgd")] = "adam"
    outer_step_size: OuterStepSize = 0.02
    label_step_size: OuterStepSize = 0.3
    step_size_step_size: OuterStepSize = 0.03
    decay: Annotated[str, OneOf("cosine", "none")] = "cosine"
    clip: Annotated[float, Number(0, 1e6)] = 2.0
    averaging: Annotated[float, Number(0, 1, "[)")] = 0.99
    check_every: Annotated[int, Whole(1, 100_000_000)] = 100
    check_students: Few = 2
    check_texts: Count = 2000
    side_by_side: Annotated[str, OneOf(*CHOICES)] = "auto"

    def check(self) -> None:
        """Check what relates several options, each of which is within its range.

        Raises:
            TextddError: they do not go together.
        """
        if self.length > 0 and self.pieces:
            check_length(self.length, self.pieces)

    def settled(self, problem: Problem) -> Self:
        """The same with what is left to the corpus settled; methods that leave something to it say what.

        Args:
            problem: corpus, space, student and size.
        """
        del problem
        return self


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
