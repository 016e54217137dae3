"""Baselines as sets of texts: selectors' picks, and random texts of as many examples, words or bytes as a set has."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from textdd.problem import Problem
from textdd.scoring.size import Size, lengths
from textdd.seeds import derive, numpy_generator
from textdd.selectors import SELECTORS
from textdd.sets.texts import ABOUT_A_HUNDRED, TextSet
from textdd.spaces.reading import Reader

EQUAL = ("count", "tokens", "bytes")
"""In what a random baseline is as large as the set."""

BLOCK = 256
"""Texts that are measured at a time."""


def picked(selector: str, problem: Problem, reader: Reader, size: Size, seed: int, number: int) -> TextSet:
    """Real texts that a selector picks, as many of each class as the set has.

    Args:
        selector: a name in SELECTORS.
        problem: has the training texts.
        reader: has the features that selectors look at.
        size: of the set.
        seed: the run's seed.
        number: another number is another pick.
    """
    if selector == "random":
        return at_random("count", problem, size, seed, number)
    chosen = SELECTORS[selector](problem.train, reader, size.per_class, derive(seed, f"{selector} subset", number))
    return real(problem, chosen)


def at_random(equal: str, problem: Problem, size: Size, seed: int, number: int) -> TextSet:
    """Random texts, one of each class after the other, until there are as many, or as much of them, as in the set.

    Sets of one number that are equal in different things begin with the same texts. Of words and bytes, the whole
    rounds are taken that come nearest.

    Args:
        equal: a name in EQUAL.
        problem: has the training texts.
        size: of the set.
        seed: the run's seed.
        number: another number draws other texts.
    """
    strata, classes = problem.corpus.train.strata, len(problem.corpus.classes)
    generators = [numpy_generator(seed, "random subset", number, c) for c in range(classes)]
    orders = [g.permutation(np.flatnonzero(strata == c)) for c, g in enumerate(generators)]
    rounds = np.stack([order[: min(map(len, orders))] for order in orders], axis=1)  # (rounds, C)
    if equal == "count":
        return real(problem, rounds[: size.per_class].ravel())
    target = size.tokens if equal == "tokens" else size.bytes
    totals: list[int] = []
    for taken in amounts(equal, problem, rounds):
        totals.append(taken + (totals[-1] if totals else 0))
        if totals[-1] >= target:
            break
    nearest = int(np.abs(np.array(totals) - target).argmin())
    return real(problem, rounds[: nearest + 1].ravel())


def amounts(equal: str, problem: Problem, rounds: np.ndarray) -> Iterator[int]:
    """The words or bytes of each round of texts (rounds, C), labels included."""
    split, step = problem.corpus.train, max(1, BLOCK // rounds.shape[1])
    for start in range(0, len(rounds), step):
        block = rounds[start : start + step]
        if equal == "tokens":
            found = lengths(split.texts(block.ravel()))
        else:
            labels = np.ones(block.size, int) if split.targets.ndim == 1 else split.targets[block.ravel()].sum(1)
            found = split.store.bytes[split.rows[block.ravel()]] + labels
        yield from map(int, found.reshape(block.shape).sum(1))


def real(problem: Problem, rows: np.ndarray) -> TextSet:
    """Some training texts as a set, with the labels that they have."""
    corpus = problem.corpus
    targets = torch.from_numpy(corpus.train.targets[rows])
    y = corpus.task.as_labels(targets).float()
    return labelled(problem, corpus.train.texts(rows), y)


def labelled(problem: Problem, texts: list[tuple[str, ...]], y: Tensor) -> TextSet:
    """Texts with labels (M, C) as a set for this corpus."""
    corpus = problem.corpus
    manifest = {
        "dataset": corpus.name,
        "task": corpus.task.name,
        "pair": corpus.pair,
        "classes": corpus.classes,
        "distiller": {"name": "selector"},
    }
    return TextSet(texts, y, None, ABOUT_A_HUNDRED, manifest)
