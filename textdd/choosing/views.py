"""Views: what encoders make of texts. One sample of the corpus serves all seeds, other texts come as needed."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from textdd.choosing.encoders import Encoder
from textdd.corpora.corpus import Split
from textdd.problem import Problem
from textdd.seeds import numpy_generator
from textdd.sets.texts import Text


def sample_of(problem: Problem, most: int) -> Split:
    """A sample of the training texts, class by class in proportion.

    It is drawn from the whole file, validation texts among them, and those are taken out: so runs with other seeds,
    whose validation texts are others, find nearly all in the cache that an encoder has to say.

    Args:
        problem: has the texts.
        most: how many at most; every class keeps ten times as many as will be picked, if it has them.
    """
    store = problem.corpus.train.store
    return Split(store, np.intersect1d(file_sample(problem, most).rows, problem.corpus.train.rows))


def file_sample(problem: Problem, most: int) -> Split:
    """The sample of all texts of the file; arguments as for `sample_of`."""
    store, found = problem.corpus.train.store, []
    whole = Split(store, np.arange(len(store)))
    share = min(1.0, most / len(store))
    for label in range(problem.classes):
        rows = np.flatnonzero(whole.strata == label)
        size = min(len(rows), max(round(share * len(rows)), 10 * problem.per_class))
        found.append(numpy_generator(0, "pool", label).choice(rows, size, replace=False))
    return Split(store, np.sort(np.concatenate(found)))


class Views:
    """What all encoders make of texts.

    Args:
        encoders: read them.
        problem: has the corpus and the cache.
        most: texts of the corpus that are read at once.
    """

    def __init__(self, encoders: list[Encoder], problem: Problem, most: int) -> None:
        self.encoders, self.cache = encoders, problem.cache
        sample = file_sample(problem, most)
        texts = list(dict.fromkeys(sample.texts(np.arange(len(sample)))))
        self.known = {text: i for i, text in enumerate(texts)}
        self.read = self.fresh(texts)

    def fresh(self, texts: list[Text]) -> list[Tensor]:
        """Features (n, F) of every view of texts, from the cache or computed now."""
        return [view for encoder in self.encoders for view in encoder.views(texts, self.cache)]

    def of(self, texts: list[Text]) -> list[Tensor]:
        """Features (n, F) of every view of any texts: those of the sample are not read again."""
        others = list(dict.fromkeys(text for text in texts if text not in self.known))
        places = {**self.known, **{text: len(self.known) + i for i, text in enumerate(others)}}
        rows = torch.tensor([places[text] for text in texts], dtype=torch.int64)
        if not others:
            return [view[rows] for view in self.read]
        return [torch.cat(pair)[rows] for pair in zip(self.read, self.fresh(others), strict=True)]
