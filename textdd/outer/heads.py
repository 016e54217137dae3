"""Real texts for plain lessons of a head: what a frozen body makes of them is computed before the first outer step.

A head on a frozen body reads one vector of a text, so in every outer step it can be judged by hundreds of texts, for
less than it costs that a whole student reads a few dozen.
"""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from textdd.problem import Problem
from textdd.seeds import numpy_generator
from textdd.spaces.featured import body_key, featured
from textdd.spaces.reading import Batch, Featured, Reading
from textdd.training.student import FlatStudent

MOST_TEXTS = 10_000
"""Training texts that the frozen body reads; of a larger corpus a sample of so many."""


def head_texts(problem: Problem, student: FlatStudent) -> Featured:
    """The training texts as the frozen body below a head has read them, from the cache or computed now.

    Args:
        problem: has the texts.
        student: the head, on a body that makes one vector of a text.
    """
    alone = replace(problem, student=student)
    texts = Reading(problem.corpus.train, problem.stores[problem.corpus.train.store.path], problem.space)
    reader = alone.reader()
    return featured(texts, reader, body_key(reader), problem.cache, MOST_TEXTS)


def drawn(texts: Featured, count: int, seed: int, like: Tensor) -> Batch:
    """Features (N, 1, H) and labels of `count` texts, or of all if there are no more, none of them twice.

    Args:
        texts: those of `head_texts`.
        count: N.
        seed: decides which.
        like: has the device and the precision that features are wanted in.
    """
    size = min(count, len(texts))
    rows = numpy_generator(seed, "texts of heads").choice(len(texts), size, replace=False)
    x, mask, labels = texts.batch(rows)
    return Batch(x.to(like), mask.to(like.device), labels.to(like.device))
