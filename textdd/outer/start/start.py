"""The start of a distilled set: everything that is settled before the first outer step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from textdd.errors import TextddError
from textdd.outer.attention import AttentionConfig, started_attention
from textdd.outer.config import DistillerConfig
from textdd.outer.nested import check_nested
from textdd.outer.start.initialise import Initial, initial_texts
from textdd.outer.start.length import text_length, usual_length
from textdd.outer.start.warm_start import check_fits, matrices_of, take_up
from textdd.outer.synthetic import SyntheticSet
from textdd.problem import Problem
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.parametrisations import PARAMETRISATIONS, Source
from textdd.sets.parametrisations.pieces import cut, join, piece_count, shortest_piece
from textdd.sets.texts import Text, TextSet
from textdd.training import Recipe, make_optimiser


class Start(NamedTuple):
    """A set before its first outer step.

    Attributes:
        synthetic: texts, labels and step sizes, to be learned.
        config: the method's options, with the number of pieces, and all else that was left open, settled.
        texts: the original texts (M,) that it consists of where the parametrisation is `real`; else None.
        origins: where these come from (M,); None where there are none.
        others: the same set for each further kind of student that takes turns: other step sizes to be learned.
    """

    synthetic: SyntheticSet
    config: DistillerConfig
    texts: list[Text] | None
    origins: list[str] | None
    others: Sequence[SyntheticSet] = ()


def started_set(config: DistillerConfig, problem: Problem, source: DistilledSet | None = None) -> Start:
    """Settle what a set starts as.

    Args:
        config: the method's options.
        problem: corpus, space, student and size.
        source: the set to start from, if any.

    Raises:
        TextddError: a nested set is no smaller than the whole, the texts have no parametrisation of this rank, there
            are fewer real texts than pieces, real pairs would have to be cut, or `source` is of another shape or space.
    """
    check_nested(config.nested, problem.per_class)
    config = config.settled(problem)
    classes, space = problem.classes, problem.space
    length, pieces = shape_of(config, problem, source)
    config = replace(config, pieces=pieces)
    if source is None:  # every piece starts as a real text of its own does
        found = initial_texts(
            config.start, problem.train, problem.reader(), problem.per_class * pieces, length // pieces, problem.seed
        )
        initial = Initial(
            join(found.x, classes, pieces),
            None if found.ids is None else join(found.ids, classes, pieces),
            None if found.rows is None else joined_rows(found.rows, classes, pieces),
        )
    else:
        matrices = matrices_of(source, problem)
        check_fits(source, matrices, problem, length, pieces)
        initial = Initial(matrices().detach(), matrices.words(), None)
    kind = PARAMETRISATIONS[config.parametrisation]
    texts = kind.start(Source(initial.x, initial.ids, space.table), config.rank)
    plan = recipe_of(config, pieces * len(initial.x), classes)
    recipe = plan.for_parts(problem.student.scales)
    given = labels_of(problem, initial.rows, source)
    learned = (config.labels, config.confidence, config.learn_step_sizes)
    examples = cut(texts().detach(), classes, pieces)
    attention = started_attention(config, problem.student, examples, texts.mask, problem.seed)
    weight = config.attention_weight if isinstance(config, AttentionConfig) else 0.0
    synthetic = SyntheticSet(texts, problem.task, recipe, *learned, pieces, given, attention, weight)
    others = [synthetic.shared_with(plan.for_parts(student.scales)) for _, student in problem.others]
    if source is not None:
        names = (problem.model.name, *(model.name for model, _ in problem.others))
        for name, own in zip(names, (synthetic, *others), strict=True):
            take_up(own, source.of(name) if name in source.kinds else source, config)
    originals = real_texts(problem, initial, source, length) if config.parametrisation == "real" else None
    origins = None if originals is None else origins_of(originals, problem, initial, source)
    return Start(synthetic, config, originals, origins, others)


def origins_of(texts: list[Text], problem: Problem, initial: Initial, source: DistilledSet | None) -> list[str]:
    """Where the texts (M,) that a set starts as come from."""
    if isinstance(source, TextSet):
        return source.origins
    if source is not None:
        return ["projected"] * len(texts)
    assert initial.rows is not None, "noise is refused where the initial words are asked for"
    whole = problem.train.split.texts(initial.rows)
    return ["real" if text == before else "trimmed" for text, before in zip(texts, whole, strict=True)]


def real_texts(problem: Problem, initial: Initial, source: DistilledSet | None, length: int) -> list[Text]:
    """The texts that a set of real texts consists of; where they are learned as shorter ones, they are cut there.

    Raises:
        TextddError: pairs would have to be cut.
    """
    if isinstance(source, TextSet):
        return source.texts
    if source is not None:
        return [(text,) for text in source.read()]
    assert initial.rows is not None, "noise is refused where the initial words are asked for"
    texts = problem.train.split.texts(initial.rows)
    if length >= problem.space.length:
        return texts
    if problem.corpus.pair:
        raise TextddError(
            f"Got distiller.parametrisation=real for pairs, and texts of {length} tokens; both segments stay whole. "
            "Type: distiller.length=0"
        )
    most = length - problem.space.frame.size(pair=False)
    return [(problem.space.beginning(text, most),) for (text,) in texts]


def labels_of(problem: Problem, rows: np.ndarray | None, source: DistilledSet | None) -> Tensor | None:
    """Hard labels (M, C) of texts that may have several, or none where row m belongs to class m mod C anyway."""
    if problem.task.name == "one_class":
        return None
    if source is not None:
        return problem.task.hardened(source.text_labels)
    return None if rows is None else torch.from_numpy(problem.train.labels[rows]).float()


def joined_rows(rows: np.ndarray, classes: int, pieces: int) -> np.ndarray:
    """Which real text each stored text (M,) begins with, of those (V M,) that its pieces are."""
    return rows.reshape(-1, pieces, classes)[:, 0].ravel()


def shape_of(config: DistillerConfig, problem: Problem, source: DistilledSet | None) -> tuple[int, int]:
    """L of a text and V, its pieces: as configured, or as in the set to start from, or by rule.

    Args:
        config: the method's options.
        problem: corpus, space, student and size.
        source: the set to start from, if any.

    Raises:
        TextddError: there are fewer real texts of a class than pieces.
    """
    pieces, per_class, space = 1, problem.per_class, problem.space
    around = 0 if space.frame.empty else space.frame.size(pair=problem.corpus.pair)
    real_length = space.length if config.length == 0 else usual_length(problem.train.text_lengths(), around)
    real_length = min(real_length, space.length) if around else real_length
    # Left to the rule, texts are cut only where a piece of one can stand for it.
    single = problem.task.name == "one_class" and not problem.corpus.pair and space.kind == "words"
    whole = config.parametrisation == "real" or not single
    if source is not None:
        pieces = config.pieces or source.pieces
    elif not whole or config.pieces:
        texts = np.bincount(problem.train.split.strata, minlength=problem.classes)[: problem.classes]
        check_starts(config, texts, per_class)
        most = [int(texts.min()) // per_class]  # every piece starts from a real text of its own
        if config.inner_batch > 0:  # and a training reaches all of them
            most.append(config.inner_steps * config.inner_batch // (per_class * len(texts)))
        pieces = piece_count(config.pieces, config.length, real_length, shortest_piece(problem.classes), min(most))
    length = text_length(config.length, per_class, real_length, pieces, around)
    if source is not None and config.length == -1:
        length = matrices_of(source, problem)().shape[1]
    return length, pieces


def check_starts(config: DistillerConfig, texts: np.ndarray, per_class: int) -> None:
    """Check that every piece can start from a real text of its own.

    Args:
        config: the method's options.
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


def recipe_of(config: DistillerConfig, size: int, classes: int) -> Recipe:
    """The recipe that a method's options describe, for a set of `size` examples."""
    step_size = config.step_size * make_optimiser(config.inner_optimiser).step_scale
    recipe = Recipe(config.inner_optimiser, config.inner_steps, size, config.order, step_size)
    return recipe.sized(size, classes, config.inner_batch, config.epochs)
