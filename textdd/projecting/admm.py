"""ADMM: matrices that a gradient moves and texts that a language model likes, drawn to one another.

GRADMM (Nguyen et al. 2025) writes texts by the alternating direction method of multipliers. The matrices X follow the
gradient of the objective and are drawn to the texts Z; each position of Z is the word that a language model finds
likeliest, behind the words before it, among those near to X; and the multipliers U add up what is left between the two:

    X follows the gradient of  objective(X) + ρ/2 |X - Z + U|²,    Z = the likely words near X + U,    U += X - Z.

GRADMM starts from noise and matches gradients of the language model; here X starts from a distilled set, and the
objective is that of the meta-gradient.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from textdd.distillers.meta_gradient import MetaGradient, MetaGradientConfig
from textdd.outer.synthetic import SyntheticSet
from textdd.projecting.of_words import OfWords
from textdd.projecting.placed import Placed
from textdd.spaces.reading import Batch
from textdd.spaces.space import Space
from textdd.training.student import FlatStudent

Onto = Callable[[Tensor], Tensor]
"""Matrices (M, L, D) to words (M, L)."""


class Split(OfWords):
    """Matrices, and the words that they are to become.

    Args:
        found: matrices and the nearest words.
        space: has the vectors.
    """

    def __init__(self, found: Placed, space: Space) -> None:
        super().__init__(found, space)
        self.x = nn.Parameter(found.x.clone())
        self.ids: Tensor
        self.register_buffer("ids", found.tokens.ids.clone())
        self.multipliers: Tensor
        self.register_buffer("multipliers", torch.zeros_like(found.x))
        self.size = float(space.table.square().sum(1).mean())

    def moving(self) -> Tensor:
        """As for all texts of words: the matrices, within a frame that stays."""
        return torch.where(self.places.unsqueeze(-1), self.x, self.vectors[self.ids])

    def words(self) -> Tensor:
        """The words (M, L)."""
        return self.ids

    def apart(self) -> Tensor:
        """X - Z (M, L, D), zero where there is no word."""
        return torch.where(self.places.unsqueeze(-1), self.x - self.vectors[self.ids], 0.0)

    def penalty(self) -> Tensor:
        """|X - Z + U|² for a word, as a multiple of the mean |vector|² of the space."""
        return (self.apart() + self.multipliers).square().sum() / self.places.sum() / self.size


class Alternating(MetaGradient):
    """The meta-gradient with a pull towards words, which are chosen anew before every look at validation.

    Args:
        config: see MetaGradientConfig.
        student: the student to distil for.
        synthetic: the set at its start.
        seed: the run's seed.
        rho: ρ, how strong the pull is.
        onto: chooses words.
    """

    def __init__(
        self,
        config: MetaGradientConfig,
        student: FlatStudent,
        synthetic: SyntheticSet,
        seed: int,
        rho: float,
        onto: Onto,
    ) -> None:
        super().__init__(config, student, synthetic, seed)
        self.rho, self.onto = rho, onto
        self.split.learning = True  # its averages, which are looked at, are at rest

    @property
    def split(self) -> Split:
        """The texts."""
        assert isinstance(self.synthetic.texts, Split)
        return self.synthetic.texts

    def objective(self, batch: Batch, step: int) -> Tensor:
        """The loss of students that are taught the matrices, and how far these are from words."""
        return super().objective(batch, step) + self.rho / 2 * self.split.penalty()

    def checked_students(self) -> list[Tensor]:
        """Choose the words, and train students on these; choosing twice chooses the same."""
        split = self.split
        with torch.no_grad():
            split.ids.copy_(self.onto(split.x + split.multipliers))
        self.ids_of(self.averaged).copy_(split.ids)
        return super().checked_students()

    def on_validation_epoch_end(self) -> None:
        """Keep the words if they are the best so far, and let the multipliers follow."""
        before = self.best_accuracy.clone()
        super().on_validation_epoch_end()
        if self.best_accuracy > before:
            self.ids_of(self.best).copy_(self.split.ids)
        with torch.no_grad():
            self.split.multipliers.add_(self.split.apart())

    @staticmethod
    def ids_of(averaged: nn.Module) -> Tensor:
        """The words of an average of the set."""
        ids = averaged.get_buffer("mean.texts.ids")
        return ids
