"""A small training set of any origin: distilled, or real texts that a selector picked."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor
from torch.nn import functional as F

from textdd.corpora.corpus import Split
from textdd.spaces.embedded import embed
from textdd.training import Lesson, Recipe


@dataclass(frozen=True)
class TrainingSet:
    """M examples ready to train on.

    Attributes:
        x: texts as embeddings (M, L, D).
        y: label distributions (M, C).
        mask: true at real tokens (M, L); None where every position is one.
        bytes: what it takes to store them: the tensors of a distilled set, step sizes included, or UTF-8 text and one
            byte per label.
    """

    x: Tensor
    y: Tensor
    mask: Tensor | None
    bytes: int

    def lesson(self, recipe: Recipe, seed: int, step_sizes: Tensor | None = None) -> Lesson:
        """What one student is taught from this set.

        Args:
            recipe: how to train.
            seed: decides the order where the recipe shuffles.
            step_sizes: learned ones (T,) in place of the recipe's constant one.
        """
        steps = recipe.step_sizes() if step_sizes is None else step_sizes
        rows = recipe.schedule(len(self.x), seed).to(self.x.device)
        return Lesson(self.x, self.y, steps.to(self.x), rows, self.mask)


def in_pieces(examples: TrainingSet, tokens: int) -> TrainingSet:
    """Cut real texts into pieces of so many tokens, every one an example with its text's label.

    The last piece of a text may be shorter; none is empty.
    """
    assert examples.mask is not None
    _, length, width = examples.x.shape
    short = -length % tokens
    x = F.pad(examples.x, (0, 0, 0, short)).reshape(-1, tokens, width)
    mask = F.pad(examples.mask, (0, short)).reshape(-1, tokens)
    y = examples.y.repeat_interleave((length + short) // tokens, dim=0)
    kept = mask.any(dim=1)
    return replace(examples, x=x[kept], y=y[kept], mask=mask[kept])


def real_set(split: Split, rows: np.ndarray, table: Tensor, classes: int) -> TrainingSet:
    """Look real texts up: `rows` (M,) of a split, with one-hot labels."""
    tokens = split.batch(rows)
    batch = embed(table, type(tokens)(*(tensor.to(table.device) for tensor in tokens)))
    one_hot = F.one_hot(batch.labels, classes).to(table)
    return TrainingSet(batch.x, one_hot, batch.mask, split.stored_bytes(rows) + len(rows))
