"""What a parametrisation is: distilled texts as a function of the numbers that are learned and stored."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple, Self

from torch import Tensor, nn

from textdd.errors import TextddError
from textdd.sets.parametrisations.half import narrowed, widened


class Source(NamedTuple):
    """What distilled texts start from, in every form that a parametrisation may need.

    Attributes:
        x: the initial texts (M, L, D).
        ids: their words (M, L), int64, zero beyond the end of a text; None where the start is noise.
        vectors: word vectors (V, D).
    """

    x: Tensor
    ids: Tensor | None
    vectors: Tensor

    def words(self) -> Tensor:
        """The words (M, L), for parametrisations that cannot do without.

        Raises:
            TextddError: the start is noise.
        """
        if self.ids is None:
            raise TextddError(
                "This distiller.parametrisation starts from words, and there are none to start from. "
                "Type: distiller.start=real"
            )
        return self.ids


class LearnedTexts(nn.Module, ABC):
    """M texts as a function of the parameters that are learned."""

    step_scale: ClassVar[float] = 1.0
    """Outer step size of the parameters as a multiple of that of plain matrices."""

    @abstractmethod
    def forward(self) -> Tensor:
        """The texts (M, L, D)."""

    @property
    def mask(self) -> Tensor | None:
        """True at tokens (M, L); None where every position is one."""
        return None

    def words(self) -> Tensor | None:
        """The words (M, L), int64, that the texts read as, zero where there is none; None if they are no words."""
        return None


class Parametrisation(LearnedTexts):
    """M texts; what they are rebuilt from is what is learned, and what an artefact stores.

    A subclass whose stored tensors are its constructor's arguments only names them in `tensors` and writes `start` and
    `forward`.
    """

    tensors: ClassVar[tuple[str, ...]] = ()
    """Names of the stored tensors; each has a row per text."""

    shared: ClassVar[tuple[str, ...]] = ()
    """Names of those that all texts share instead."""

    @classmethod
    @abstractmethod
    def start(cls, source: Source, rank: int) -> Self:
        """Come as near as it can to the initial texts.

        Args:
            source: the initial texts.
            rank: R, of the approximation.

        Raises:
            TextddError: texts of this shape have no such rank.
        """

    @classmethod
    def from_stored(cls, tensors: dict[str, Tensor], vectors: Tensor | None) -> Self:
        """Rebuild from what `stored` gave; other entries of `tensors` are ignored.

        Raises:
            KeyError: a tensor is missing.
            ValueError: one holds what cannot be.
        """
        del vectors
        return cls(*(widened(tensors[name]) for name in cls.tensors))

    def stored(self) -> dict[str, Tensor]:
        """All that has to be kept beside word vectors and tokeniser, in 16 bits where these hold it."""
        return {name: narrowed(getattr(self, name).detach()) for name in self.tensors}

    def stored_bytes(self) -> int:
        """The size of that in bytes."""
        return sum(tensor.nbytes for tensor in self.stored().values())

    def first(self, count: int) -> Self:
        """The first `count` texts alone."""
        kept = {name: getattr(self, name).detach() for name in self.tensors}
        return type(self)(*(tensor if name in self.shared else tensor[:count] for name, tensor in kept.items()))
