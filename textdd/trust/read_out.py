"""Matrices put into words: what somebody reads in a set who looks up the nearest word of every position."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from textdd.report.inside import NEAR, nearest
from textdd.sets.matrices import MatrixSet
from textdd.sets.texts import Text
from textdd.spaces.space import Space
from textdd.spaces.tokeniser import words

CONTINUED = "##"
"""With what pieces of words begin that go on, where a tokeniser cuts words."""


@torch.no_grad()
def read_out(distilled: MatrixSet, space: Space) -> tuple[list[Text], dict[str, Any]]:
    """The nearest words of all N examples, and how near they are.

    Args:
        distilled: the set.
        space: has the words.

    Returns:
        N texts, and what the report holds of them: the mean `cosine` of positions and their nearest words, the share of
        positions whose word is `near`, and the `texts`.
    """
    vocabulary, kept = words(space.tokeniser), distilled.texts.mask
    texts, cosines = [], []
    for number, x in enumerate(distilled.x):
        found, ids = nearest(x if kept is None else x[kept[number].bool()], space.table)
        cosines.append(found.numpy())
        texts.append(" ".join(vocabulary[i] for i in ids.tolist()).replace(f" {CONTINUED}", ""))
    flat = np.concatenate(cosines)
    facts = {"cosine": float(flat.mean()), "near": float((flat >= NEAR).mean()), "texts": texts}
    return [(text,) for text in texts], facts
