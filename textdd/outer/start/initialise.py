"""Where the distilled texts start: noise, real texts, telling passages, or the texts nearest to k-means centres."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from textdd.errors import unknown_choice
from textdd.outer.config import STARTS
from textdd.outer.start.telling import telling_passages
from textdd.seeds import numpy_generator, torch_generator
from textdd.selectors import SELECTORS
from textdd.spaces.reading import Reader, Reading


class Initial(NamedTuple):
    """Texts that distilling starts from; row m belongs to class m mod C.

    Attributes:
        x: embeddings (M, L, D).
        ids: their tokens (M, L), zero beyond the end of a text; None for noise, which has none.
        rows: which texts of the training split they are (M,); None for noise.
    """

    x: Tensor
    ids: Tensor | None
    rows: np.ndarray | None


def initial_texts(start: str, train: Reading, reader: Reader, per_class: int, length: int, seed: int) -> Initial:
    """Make the texts that distilling starts from.

    Args:
        start: `noise` (the paper), `real`, `telling` or `kmeans`.
        train: the training texts.
        reader: has the table.
        per_class: M / C.
        length: L of a distilled text; longer real texts are cut, shorter ones end in zeros.
        seed: the run's seed.

    Raises:
        TextddError: no such start.
    """
    classes = reader.student.task.classes
    table = reader.space.table
    if start == "noise":
        noise = torch.randn(per_class * classes, length, table.shape[1], generator=torch_generator(seed, "noise"))
        return Initial(noise * table.std(), None, None)
    if start not in STARTS:
        raise unknown_choice("start of the distilled texts", start, STARTS, "distiller.start")
    firsts = None
    if start == "kmeans":
        rows = SELECTORS["k_means"](train, reader, per_class, seed)
    elif start == "telling":
        rows, firsts = telling_passages(train, classes, per_class, length, seed)
    else:  # row-major: one of each class in turn
        rows = np.stack([random_of_class(train, c, per_class, seed) for c in range(classes)], axis=1).ravel()
    tokens = train.tokens(rows)
    ids = passages(tokens.ids, firsts, length)
    x = table[ids]
    if tokens.second is not None:
        x = x + passages(tokens.second, firsts, length).unsqueeze(-1) * reader.space.second
    return Initial(x, ids, rows)


def passages(tokens: Tensor, firsts: np.ndarray | None, length: int) -> Tensor:
    """Cut a passage of `length` tokens out of each text, with zeros beyond its end.

    Args:
        tokens: of the texts (N, L).
        firsts: where the passages begin (N,); None takes the beginnings.
        length: of a passage.
    """
    at = torch.arange(length).expand(len(tokens), -1)
    if firsts is not None:
        at = at + torch.from_numpy(firsts).unsqueeze(1)
    return torch.nn.functional.pad(tokens, (0, length)).gather(1, at)


def random_of_class(train: Reading, label: int, count: int, seed: int) -> np.ndarray:
    """Draw `count` distinct rows of one class."""
    rows = np.flatnonzero(train.split.strata == label)
    return numpy_generator(seed, "start", label).choice(rows, count, replace=False)
