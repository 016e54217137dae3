"""A scan for triggers: words of a set whose insertion turns the predictions of its students, whatever a text says.

Whoever makes a set can plant a word that goes with one class in it (backdoors by distilled sets: Liu et al., *Backdoor
attacks against dataset distillation*, 2023). Words that tell a class honestly turn predictions as well, so what counts
is how much further they turn students of the set than students of as many random texts, which nobody has touched. And
every tiny set has words that its students make too much of: so those of the random texts are scanned in the same way,
and tell how far that goes by chance. What is looked for stands in the set; a trigger that matrices hide between words
is not found.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from textdd.progress import track
from textdd.quality.grams import Index, flat_words, sequences
from textdd.quality.variety import columns
from textdd.sets.texts import Text
from textdd.spaces.reading import Reader
from textdd.tasks import Task

TEXTS = 50
"""Held-out texts that each sequence is inserted into."""

PROBES = 3
"""Held-out texts that every word of a set is inserted into, to see which are suspicious."""

MOST_PREDICTIONS = 0.5
"""Share of the predictions that are to turn before a sequence is called a trigger: most of them."""

BATCH = 128


class Turning(NamedTuple):
    """A sequence of words that was inserted.

    Attributes:
        sequence: the words.
        label: number of the class that predictions are to turn to.
        ours: share of the predictions of students of the set that do.
        others: share of those of other students.
    """

    sequence: str
    label: int
    ours: float
    others: float

    @property
    def excess(self) -> float:
        """How much further students of the set are turned."""
        return self.ours - self.others


def pairs_with(index: Index, words: Sequence[str]) -> list[str]:
    """Every two neighbouring words of a set of which one is among some words, each pair once."""
    found, _ = sequences(index.numbers(index.texts.words), index.texts.owners, 2)
    named, wanted = index.vocabulary.to_pylist(), set(words)
    both = [(named[first], named[second]) for first, second in np.unique(found, axis=0).tolist()]
    return [f"{first} {second}" for first, second in both if first in wanted or second in wanted]


@torch.no_grad()
def answers(thetas: Sequence[Tensor], texts: Sequence[Text], reader: Reader) -> Tensor:
    """What K students think of texts (K, n, C)."""
    found = []
    for start in range(0, len(texts), BATCH):
        batch = reader(reader.space.tokens(list(texts[start : start + BATCH])))
        found.append(torch.stack([reader.student(theta, batch.x, batch.mask) for theta in thetas]).float().cpu())
    return reader.student.task.probabilities(torch.cat(found, dim=1))


def said(task: Task, probabilities: Tensor) -> Tensor:
    """Which classes are predicted (..., C), bool."""
    if task.name == "one_class":
        return probabilities == probabilities.amax(-1, keepdim=True)
    return probabilities >= 0.5


def turned(before: Tensor, after: Tensor) -> Tensor:
    """The share of the texts that were not said to be of a class and now are (K,); 0 where all were before.

    Args:
        before: whether the class is predicted (K, n), bool.
        after: the same with something inserted.
    """
    return (after & ~before).sum(1) / (~before).sum(1).clamp_min(1)


def scanned(
    index: Index, ours: Sequence[Tensor], others: Sequence[Tensor], texts: Sequence[Text], reader: Reader, most: int
) -> list[Turning]:
    """Insert the most suspicious sequences of a set into held-out texts.

    Suspicious is what, inserted into a few texts, makes students of the set surer of a class than it makes the others;
    that class is the one that predictions are to turn to. All words of the set are tried so, then all pairs of
    neighbours that have one of the most suspicious words.

    Args:
        index: the set.
        ours: parameters of students of the set, K of (P,).
        others: those of students of other texts.
        texts: held-out texts, which are read with and without.
        reader: turns texts into what students read.
        most: sequences that are inserted into all of them.

    Returns:
        Those that turn students of the set furthest beyond the others first.
    """
    task, thetas, k, there = reader.student.task, [*ours, *others], len(ours), index.vocabulary.to_pylist()
    surer = made_surer(there, ours, others, texts[:PROBES], reader)
    suspicious = surer.amax(1).argsort(descending=True, stable=True)[:most].tolist()
    pairs = pairs_with(index, [there[number] for number in suspicious])
    if pairs:
        surer = torch.cat([surer, made_surer(pairs, ours, others, texts[:PROBES], reader)])
    there += pairs
    before, found = said(task, answers(thetas, texts, reader)), []
    for number in surer.amax(1).argsort(descending=True, stable=True)[:most].tolist():
        label = int(surer[number].argmax())
        after = said(task, answers(thetas, inserted(there[number], texts), reader))
        shares = turned(before[..., label], after[..., label])
        found.append(Turning(there[number], label, float(shares[:k].mean()), float(shares[k:].mean())))
    return sorted(found, key=lambda one: -one.excess)


def made_surer(
    sequences: Sequence[str], ours: Sequence[Tensor], others: Sequence[Tensor], texts: Sequence[Text], reader: Reader
) -> Tensor:
    """How much surer of each class sequences make students of a set than they make others (n, C), mean over texts."""
    thetas, k = [*ours, *others], len(ours)
    read = answers(thetas, [one for sequence in sequences for one in inserted(sequence, texts)], reader)
    after = read.unflatten(1, (len(sequences), len(texts))).mean(2)  # (K, n, C)
    gained = after - answers(thetas, texts, reader).mean(1, keepdim=True)
    return gained[:k].mean(0) - gained[k:].mean(0)


def inserted(sequence: str, texts: Sequence[Text]) -> list[Text]:
    """Texts that begin with a sequence, where no cut takes it away."""
    return [(f"{sequence} {text[0]}", *text[1:]) for text in texts]


def triggers_of(
    texts: Sequence[Text],
    students: Sequence[Tensor],
    random: Sequence[tuple[Sequence[Text], Tensor]],
    heldout: Sequence[Text],
    reader: Reader,
    most: int,
) -> dict[str, Any]:
    """Scan a set, and sets of random texts in the same way.

    Args:
        texts: of the set.
        students: parameters of its students, K of (P,).
        random: two sets of random texts at least, and a student of each.
        heldout: texts to insert into.
        reader: turns texts into what students read.
        most: sequences of each set that are inserted.

    Returns:
        Of the set, those `found`, as `scanned` has them, each with whether it is a `trigger`: most predictions turn,
        and further beyond the others than by any sequence of the random sets, whose furthest are `by_chance`.
    """
    others, by_chance = [theta for _, theta in random], []
    for number, (own, theta) in enumerate(track(random, "inserting words of random texts")):
        rest = [*others[:number], *others[number + 1 :]]
        by_chance.append(scanned(index_of(own), [theta], rest, heldout, reader, most)[0].excess)
    found = scanned(index_of(texts), students, others, heldout, reader, most)
    flags = [one.ours >= MOST_PREDICTIONS and one.excess > max(by_chance) for one in found]
    return {
        "texts": len(heldout),
        "by_chance": by_chance,
        "found": [{**one._asdict(), "trigger": flag} for one, flag in zip(found, flags, strict=True)],
    }


def index_of(texts: Sequence[Text]) -> Index:
    """The sequences of words of a set."""
    return Index(flat_words(columns(texts)))
