"""Distil: from a corpus and a method to a distilled set, resumable at any moment."""

from __future__ import annotations

import shutil
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint

from textdd.corpora.corpus import Corpus
from textdd.distillers import DISTILLERS
from textdd.errors import TextddError
from textdd.evaluation.cost import Cost
from textdd.loggers import Mirrors
from textdd.outer import work
from textdd.outer.batches import OuterData
from textdd.outer.distiller import Distiller, DistillerConfig
from textdd.outer.engine import EngineConfig
from textdd.outer.initialise import initial_texts, initial_words
from textdd.outer.length import text_length, usual_length
from textdd.outer.materials import Materials
from textdd.outer.nested import check_nested
from textdd.outer.plan import Plan, plan
from textdd.outer.synthetic import SyntheticSet
from textdd.outer.warm_start import check_fits, take_up
from textdd.progress import TrainingBar, say
from textdd.seeds import derive
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.parametrisations import PARAMETRISATIONS, Source
from textdd.sets.parametrisations.half import round_to_half
from textdd.sets.parametrisations.pieces import join, piece_count
from textdd.spaces.vectors import WordVectors
from textdd.trainer import AtomicCheckpointIO, SetUpProcess, TrainerConfig, make_trainer
from textdd.training import Recipe
from textdd.training.student import FlatStudent


def recipe_of(config: DistillerConfig, size: int, classes: int) -> Recipe:
    """The recipe that a distiller's options describe, for a set of `size` examples."""
    recipe = Recipe(config.inner_optimiser, config.inner_steps, size, config.order, config.step_size)
    return recipe.sized(size, classes, config.inner_batch)


def outer_steps_of(config: DistillerConfig, work_per_step: float, work_before: float = 0.0) -> int:
    """The number of outer steps: as configured, or as many as the work of the minutes given pays for.

    Args:
        config: the distiller's options.
        work_per_step: what one of them costs, in token-steps (see textdd/outer/work.py).
        work_before: what preparing costs; at least half of the minutes are for outer steps all the same.
    """
    paid = config.minutes * work.PER_MINUTE
    steps = config.outer_steps or max(1, round(max(paid - work_before, paid / 2) / work_per_step))
    every = config.check_every
    return steps if steps <= every else -(-steps // every) * every  # the last step is followed by a check


def check_starts(config: DistillerConfig, texts: np.ndarray, per_class: int) -> None:
    """Check that every piece can start from a real text of its own.

    Args:
        config: the distiller's options.
        texts: training texts of every class (C,).
        per_class: M / C.

    Raises:
        TextddError: a class has too few.
    """
    fewest = int(texts.min())
    if config.start != "noise" and config.pieces > 1 and config.pieces * per_class > fewest:
        raise TextddError(
            f"Got distiller.pieces={config.pieces} and {per_class} examples per class: every piece starts from a real "
            f"text of its own, and one class has {fewest}. Type: distiller.pieces={max(1, fewest // per_class)}"
        )


def shape_of(config: DistillerConfig, corpus: Corpus, per_class: int, source: DistilledSet | None) -> tuple[int, int]:
    """L of a text and V, its pieces: as configured, or as in the set to start from, or by rule.

    Args:
        config: the distiller's options.
        corpus: the texts.
        per_class: M / C.
        source: the set to start from, if any.

    Raises:
        TextddError: there are fewer real texts of a class than pieces.
    """
    pieces = 1
    real_length = corpus.length if config.length == 0 else usual_length(corpus.train.lengths())
    if source is not None:
        pieces = config.pieces or source.pieces
    elif config.parametrisation != "real":
        texts = np.bincount(corpus.train.labels, minlength=len(corpus.classes))
        check_starts(config, texts, per_class)
        most = [int(texts.min()) // per_class]  # every piece starts from a real text of its own
        if config.inner_batch > 0:  # and a training reaches all of them
            most.append(config.inner_steps * config.inner_batch // (per_class * len(texts)))
        pieces = piece_count(config.pieces, config.length, real_length, min(most))
    length = text_length(config.length, per_class, real_length, pieces)
    if source is not None and config.length == -1:
        length = source.texts().shape[1]
    return length, pieces


def make_distiller(
    config: DistillerConfig,
    student: FlatStudent,
    corpus: Corpus,
    vectors: WordVectors,
    per_class: int,
    seed: int,
    source: DistilledSet | None = None,
) -> Distiller:
    """Build a distiller at its start; its `config` has the outer steps and the pieces that will be taken.

    Raises:
        TextddError: a nested set is no smaller than the whole, the texts have no parametrisation of this rank, there
            are fewer real texts than pieces, or `source`, the set to start from, is of another shape.
    """
    check_nested(config.nested, per_class)
    classes = len(corpus.classes)
    length, pieces = shape_of(config, corpus, per_class, source)
    config = replace(config, pieces=pieces)
    if source is None:  # every piece starts as a real text of its own does
        start = (config.start, corpus.train, vectors.table, per_class * pieces, length // pieces, seed)
        ids = initial_words(*start)
        x = join(initial_texts(*start) if ids is None else vectors.table[ids], classes, pieces)
        ids = None if ids is None else join(ids, classes, pieces)
    else:
        check_fits(source, corpus.classes, per_class, length, pieces, vectors.table.shape[1])
        x, ids = source.texts().detach(), source.texts.words()
    kind = PARAMETRISATIONS[config.parametrisation]
    texts = kind.start(Source(x, ids, vectors.table, corpus.tokeniser), config.rank)
    recipe = recipe_of(config, pieces * len(x), classes)
    learned = (config.labels, config.confidence, config.learn_step_sizes)
    synthetic = SyntheticSet(texts, classes, recipe, *learned, pieces)
    if source is not None:
        take_up(synthetic, source, config)
    method, _ = DISTILLERS[config.name]
    distiller = method(config, student, synthetic, seed)
    before = distiller.work_before(len(corpus.train), corpus.length)
    outer_steps = outer_steps_of(config, distiller.work_per_step(corpus.length), before)
    distiller.config = replace(config, outer_steps=outer_steps)
    return distiller


def distil(
    config: DistillerConfig,
    trainer_config: TrainerConfig,
    student: FlatStudent,
    corpus: Corpus,
    vectors: WordVectors,
    per_class: int,
    seed: int,
    folder: Path,
    shared: Path,
    mirrors: Mirrors,
    source: DistilledSet | None = None,
) -> tuple[SyntheticSet, dict[str, Any]]:
    """Optimise a distilled set; a run that was killed goes on from its last checkpoint to the same result.

    Args:
        config: the method's options.
        trainer_config: devices and precision.
        student: the student to distil for.
        corpus: the texts.
        vectors: the word vectors.
        per_class: M / C.
        seed: the run's seed.
        folder: where checkpoints are kept.
        shared: where methods keep what other runs on the same texts, vectors and student can use.
        mirrors: the loggers.
        source: the set to start from, if any.

    Returns:
        The averaged set that did best on validation, its texts rounded to 16 bits, and what it cost: `seconds` over
        all sittings and of its preparation, `peak_memory_bytes`, `validation_accuracy`, `outer_steps`, `engine`.

    Raises:
        TextddError: the memory at hand is not enough, the hypergradient stopped being finite, or the last checkpoint
            is not one of this run.
    """
    distiller = make_distiller(config, student, corpus, vectors, per_class, seed, source)
    config = distiller.config
    data = OuterData(corpus, vectors.table, config.outer_batch, config.outer_steps, config.check_texts, seed)
    checkpoints = folder / "checkpoints"
    last = checkpoints / "last.ckpt"
    if last.exists():
        distiller.config = check_checkpoint(last, config)
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
            Rewind(mirrors),
        ],
        logger=mirrors.distilling(),
        plugins=[AtomicCheckpointIO()],
    )
    pl.seed_everything(derive(seed, "lightning") % 2**32, verbose=False)
    with Cost() as cost:
        alone = partial(make_trainer, trainer_config, alone=True)
        distiller.prepare(Materials(corpus, vectors.table, shared, alone))
        planned = plan(distiller, trainer, corpus, vectors.table)
        say(str(planned))
        trainer.fit(distiller, datamodule=data, ckpt_path=str(last) if last.exists() else None, weights_only=True)
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()  # what follows is the first process's work alone
    facts = {
        "seconds": float(distiller.seconds) + distiller.prepared_seconds,
        "peak_memory_bytes": cost.peak_memory_bytes,
        "validation_accuracy": float(distiller.best_accuracy),
        "outer_steps": trainer.global_step,
        "engine": planned.engine,
    }
    synthetic = distiller.best.mean.cpu()
    round_to_half(synthetic.texts)
    return synthetic, facts


def plan_of(
    config: DistillerConfig,
    trainer_config: TrainerConfig,
    student: FlatStudent,
    corpus: Corpus,
    vectors: WordVectors,
    per_class: int,
    seed: int,
    shared: Path,
) -> Plan:
    """What `distil` will take; what is prepared for it stays in the cache. Arguments and errors as there."""
    distiller = make_distiller(config, student, corpus, vectors, per_class, seed)
    alone = partial(make_trainer, trainer_config, alone=True)
    distiller.prepare(Materials(corpus, vectors.table, shared, alone))
    return plan(distiller, make_trainer(trainer_config), corpus, vectors.table)


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
