"""How large a set is, in three ways in which baselines can be as large: examples per class, words, bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from textdd.quality.grams import flat_words
from textdd.quality.variety import columns
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.matrices import MatrixSet
from textdd.sets.texts import Text, TextSet


class Size(NamedTuple):
    """How large a set is.

    Attributes:
        texts: M.
        per_class: M / C, rounded, at least one.
        tokens: words and signs of punctuation; of matrices, positions.
        bytes: of texts in UTF-8 with a byte for each hard label; of matrices, of what they are rebuilt from.
    """

    texts: int
    per_class: int
    tokens: int
    bytes: int


def size_of(distilled: DistilledSet) -> Size:
    """Measure a set of texts or of matrices."""
    texts, classes = len(distilled.text_labels), len(distilled.classes)
    if isinstance(distilled, TextSet):
        tokens = int(lengths(distilled.texts).sum())
    else:
        assert isinstance(distilled, MatrixSet)
        mask = distilled.texts.mask
        tokens = distilled.x.shape[0] * distilled.x.shape[1] if mask is None else int(mask.sum())
    return Size(texts, max(1, round(texts / classes)), tokens, sum(distilled.stored_bytes().values()))


def mean_size(sets: Sequence[DistilledSet]) -> Size:
    """The mean size of several sets."""
    sizes = np.array([size_of(one) for one in sets])
    return Size(*(round(mean) for mean in sizes.mean(0).tolist()))


def lengths(texts: Sequence[Text]) -> np.ndarray:
    """Words and signs of punctuation of each text (N,), int64."""
    return flat_words(columns(texts)).lengths
