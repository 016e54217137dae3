"""Distil: from a problem and a method to a distilled set, resumable at any moment."""

from __future__ import annotations

import shutil
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, TypeVar

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint

from textdd.distillers import DISTILLERS
from textdd.errors import TextddError
from textdd.evaluation.cost import Cost
from textdd.loggers import Mirrors
from textdd.outer.batches import OuterData
from textdd.outer.config import DistillerConfig
from textdd.outer.distiller import Distiller
from textdd.outer.engine import EngineConfig
from textdd.outer.materials import Materials, Place
from textdd.outer.mixed import Mixed
from textdd.outer.plan import Plan, plan
from textdd.outer.start import Start, started_set
from textdd.problem import Problem
from textdd.progress import TrainingBar, say
from textdd.seeds import derive
from textdd.sets.attention import Attention, in_half
from textdd.sets.course import Course
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.matrices import MatrixSet
from textdd.sets.parametrisations import Parametrisation
from textdd.sets.parametrisations.half import round_to_half
from textdd.sets.texts import TextSet
from textdd.trainer import AtomicCheckpointIO, SetUpProcess, TrainerConfig, make_trainer
from textdd.training.by_length import read_as
from textdd.training.work import PER_MINUTE

D = TypeVar("D", bound=Distiller)


def outer_steps_of(config: DistillerConfig, work_per_step: float, work_before: float = 0.0) -> int:
    """The number of outer steps: as configured, or as many as the work of the minutes given pays for.

    Args:
        config: the distiller's options.
        work_per_step: what one of them costs, in token-steps (see textdd/training/work.py).
        work_before: what preparing costs; at least half of the minutes are for outer steps all the same.
    """
    paid = config.minutes * PER_MINUTE
    steps = config.outer_steps or max(1, round(max(paid - work_before, paid / 2) / work_per_step))
    every = config.check_every
    return steps if steps <= every else -(-steps // every) * every  # the last step is followed by a check


def make_distiller(config: DistillerConfig, problem: Problem, source: DistilledSet | None = None) -> Distiller:
    """Build a distiller at its start; its `config` has the outer steps and the pieces that will be taken.

    Raises:
        TextddError: the set cannot start as its options say; see `started_set`.
    """
    return distiller_of(started_set(config, problem, source), problem)


def distiller_of(start: Start, problem: Problem) -> Distiller:
    """Build a distiller for a set that has been started; one for each kind of student, if there are several."""
    method, _ = DISTILLERS[start.config.name]
    first = method(start.config, problem.student, start.synthetic, problem.seed)
    if not start.others:
        return settled(first, problem)
    members = [first]
    for (model, student), synthetic in zip(problem.others, start.others, strict=True):
        members.append(method(start.config, student, synthetic, derive(problem.seed, "kind", model.name)))
    return settled(Mixed(members, [problem.model.name, *(model.name for model, _ in problem.others)]), problem)


def settled(distiller: D, problem: Problem) -> D:
    """Settle how many outer steps a distiller takes."""
    batch = distiller.config.outer_batch
    length = 1 if problem.student.reads_once else read_as(problem.train.text_lengths(), problem.space.length, batch)
    before = distiller.work_before(len(problem.train), length)
    outer_steps = outer_steps_of(distiller.config, distiller.work_per_step(length), before)
    distiller.take(replace(distiller.config, outer_steps=outer_steps))
    return distiller


def distil(
    config: DistillerConfig,
    problem: Problem,
    trainer_config: TrainerConfig,
    place: Place,
    manifest: dict[str, Any],
    source: DistilledSet | None = None,
) -> DistilledSet:
    """Optimise a distilled set; a run that was killed goes on from its last checkpoint to the same result.

    Args:
        config: the method's options.
        problem: corpus, space, student and size.
        trainer_config: devices and precision.
        place: where to keep what.
        manifest: what is known of the set beforehand; what it cost is added as `distilling`.
        source: the set to start from, if any.

    Returns:
        The averaged set that did best on validation, of a private one the last, its texts rounded to 16 bits.

    Raises:
        TextddError: the memory at hand is not enough, the hypergradient stopped being finite, or the last checkpoint
            is not one of this run.
    """
    start = started_set(config, problem, source)
    distiller = distiller_of(start, problem)
    facts = learn(distiller, problem, trainer_config, place)
    return finished(distiller, start, problem, {**manifest, "distilling": facts, **distiller.told()})


def learn(distiller: Distiller, problem: Problem, trainer_config: TrainerConfig, place: Place) -> dict[str, Any]:
    """Take a distiller's outer steps, from its last checkpoint on; `best` then has the set.

    Args:
        distiller: at its start.
        problem: corpus, space, student and size.
        trainer_config: devices and precision.
        place: where to keep what.

    Returns:
        What it cost: `seconds` over all sittings and of its preparation, `peak_memory_bytes`, `validation_accuracy`,
        `outer_steps`, `engine`.

    Raises:
        TextddError: as for `distil`.
    """
    config = distiller.config
    checkpoints = place.folder / "checkpoints"
    last = checkpoints / "last.ckpt"
    if last.exists():
        distiller.take(check_checkpoint(last, config))
    keep_last = ModelCheckpoint(checkpoints, "last", save_on_train_epoch_end=False, enable_version_counter=False)
    trainer = make_trainer(
        trainer_config,
        max_steps=config.outer_steps,
        max_epochs=-1,
        val_check_interval=min(config.check_every, config.outer_steps),
        check_val_every_n_epoch=None,
        log_every_n_steps=10,
        use_distributed_sampler=False,
        enable_checkpointing=True,
        callbacks=[
            SetUpProcess(trainer_config),
            keep_last,
            TrainingBar(f"distilling with {config.name}", config.outer_steps),
            Rewind(place.mirrors),
        ],
        logger=place.mirrors.distilling(),
        plugins=[AtomicCheckpointIO()],
    )
    pl.seed_everything(derive(problem.seed, "lightning") % 2**32, verbose=False)
    with Cost() as cost:
        distiller.prepare(materials_of(problem, trainer_config, place.shared))
        planned = plan(distiller, trainer, problem)
        say(str(planned))
        judging = distiller.judging(problem)
        steps = (config.outer_batch, config.outer_steps, config.check_texts)
        data = OuterData(problem, *steps, judging, distiller.poisson_seed)
        trainer.fit(distiller, datamodule=data, ckpt_path=str(last) if last.exists() else None, weights_only=True)
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()  # what follows is the first process's work alone
    return {
        "seconds": float(distiller.seconds) + distiller.prepared_seconds,
        "peak_memory_bytes": cost.peak_memory_bytes,
        "validation_accuracy": float(distiller.best_accuracy),
        "outer_steps": trainer.global_step,
        "engine": planned.engine,
    }


def finished(distiller: Distiller, start: Start, problem: Problem, manifest: dict[str, Any]) -> DistilledSet:
    """The best set that a distiller has found, as it is kept."""
    synthetic, *others = (one.best.mean.cpu().float() for one in distiller.members)  # in whatever precision
    round_to_half(synthetic.texts)
    y, recipe = synthetic.text_labels().detach(), synthetic.recipe
    learned = synthetic.step_sizes().detach() if start.config.learn_step_sizes else None
    manifest = {**manifest, "pieces": synthetic.pieces}
    courses = []
    for (model, _), other in zip(problem.others, others, strict=True):
        step_sizes = other.step_sizes().detach() if start.config.learn_step_sizes else None
        courses.append(Course(asdict(model), other.recipe, step_sizes))
    if start.texts is not None:
        written = TextSet(start.texts, y, learned, recipe, manifest, problem.space, start.origins)
        written.others = tuple(courses)
        return written
    assert isinstance(synthetic.texts, Parametrisation)
    words = problem.space if problem.space.kind == "words" else None
    logits, attention = synthetic.attention_logits, None
    if logits is not None:
        attention = Attention(in_half(logits.detach()), synthetic.attention_weight)
    matrices = MatrixSet(synthetic.texts, y, learned, recipe, words, manifest, attention)
    matrices.others = tuple(courses)
    return matrices


def materials_of(problem: Problem, trainer_config: TrainerConfig, shared: Path) -> Materials:
    """What a method may use beforehand."""
    return Materials(problem, shared, partial(make_trainer, trainer_config, alone=True))


def plan_of(config: DistillerConfig, problem: Problem, trainer_config: TrainerConfig, shared: Path) -> Plan:
    """What `distil` will take; what is prepared for it stays in the cache. Arguments and errors as there."""
    return plan_with(make_distiller(config, problem), problem, trainer_config, shared)


def plan_with(distiller: Distiller, problem: Problem, trainer_config: TrainerConfig, shared: Path) -> Plan:
    """What `learn` will take; arguments as there."""
    distiller.prepare(materials_of(problem, trainer_config, shared))
    return plan(distiller, make_trainer(trainer_config), problem)


def check_checkpoint(path: Path, config: DistillerConfig) -> DistillerConfig:
    """Check that a checkpoint can be read and belongs to these options.

    Returns:
        The options, with the engine that the run began with where they leave the choice open: engines agree but for
        rounding, and a resumed run is to end where it would have ended.

    Raises:
        TextddError: it is damaged, or it was made with other options.
    """
    remedy = f"Type: rm {path} to distil from the start."
    try:
        stored = torch.load(path, weights_only=True)["config"]
    except (RuntimeError, KeyError, EOFError, UnpicklingError) as error:
        kind = type(error).__name__  # torch's own text advises to read it unsafely
        raise TextddError(f"{path} is no checkpoint of textdd, or it is damaged ({kind}). {remedy}") from error
    if isinstance(config, EngineConfig) and config.engine == "auto":
        config = replace(config, engine=stored.get("engine", "auto"))
    differing = [name for name, value in asdict(config).items() if stored.get(name) != value]
    if differing:
        raise TextddError(f"{path} was made with other values of {', '.join(differing)}. {remedy}")
    return config


def forget_checkpoints(folder: Path) -> None:
    """Remove the checkpoints of a finished run."""
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)


class Rewind(pl.Callback):
    """Make the metrics file agree with the checkpoint that a run resumes from."""

    def __init__(self, mirrors: Mirrors) -> None:
        self.mirrors = mirrors

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Forget later lines."""
        del pl_module
        self.mirrors.metrics.rewind(trainer.global_step)
