"""The attention labels that a set of matrices carries: part of its own recipe, for students that attend likewise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from torch import Tensor

from textdd.progress import say
from textdd.spaces.reading import Reader
from textdd.training.attention import shares

LARGEST = 6e4
"""Logits beyond this are as good as this, and 16 bits hold it."""


class Attention(NamedTuple):
    """Attention labels of N examples.

    Attributes:
        logits: of distributions over tokens (N, S, H, R, L), in 16 bits.
        weight: of the divergence from these beside the loss of the classes.
    """

    logits: Tensor
    weight: float

    def first(self, count: int) -> Attention:
        """Those of the first examples."""
        return Attention(self.logits[:count], self.weight)

    def taught(self, reader: Reader, mask: Tensor | None) -> Tensor | None:
        """What students are taught (N, S, H, R, L); None, which is said, for students of whom it says nothing."""
        _, layers, heads, _, _ = self.logits.shape
        attends = reader.student.module.attends
        if attends is None or attends[1] != heads or attends[0] < layers:
            say(
                f"The attention labels of this set are of {layers} layers with {heads} heads, and this student learns "
                "no such attention: it is trained without them."
            )
            return None
        return shares(self.logits.to(reader.device, reader.dtype), mask, self.weight)


def in_half(logits: Tensor) -> Tensor:
    """Logits in 16 bits."""
    return logits.clamp(-LARGEST, LARGEST).half()


def attention_in(tensors: dict[str, Tensor], manifest: dict[str, Any], texts: Sequence[int]) -> Attention | None:
    """The attention labels that a folder has, or None.

    Args:
        tensors: of the set.
        manifest: of the set.
        texts: their shape (M, L, D).

    Raises:
        ValueError: they do not fit to the texts, or there are labels without a weight or the other way round.
    """
    logits, given = tensors.get("attention"), manifest.get("attention")
    if logits is None and given is None:
        return None
    if logits is None or given is None:
        raise ValueError("there are attention labels without a weight, or a weight without labels")
    pieces = manifest.get("pieces", 1)
    examples, length = texts[0] * pieces, texts[1] // pieces
    count, _, _, rows, tokens = logits.shape
    if (count, tokens) != (examples, length) or rows not in (1, length):
        raise ValueError(f"attention labels {tuple(logits.shape)} for {examples} examples of {length} tokens")
    return Attention(logits, float(given["weight"]))
