"""Pieces: one stored text is taught as several shorter ones (multi-formation, IDC, Kim et al. 2022).

A student that takes the maximum over time keeps one window of a text for each filter, so most of a long text teaches it
nothing. Cut into V pieces with the text's label, the same M stored texts are V M examples, of which every step of a
training sees others: more to learn in as many steps, before a set that small is known by heart.

Rows are ordered by turns of the classes, before and after: row m belongs to class m mod C, and the pieces of the first
n texts of every class come first.
"""

from __future__ import annotations

from torch import Tensor

from textdd.errors import TextddError

MOST, SHORTEST = 4, 12
"""Where it is left to the rule, a text is cut into four pieces if each can have 12 tokens, else into fewer: measured in
experiments/search/by_hand.md."""

MANY, SHORTEST_OF_MANY = 16, 8
"""With more classes than that 8 tokens are enough, as a small set says little of each (experiments/README.md)."""


def shortest_piece(classes: int) -> int:
    """The least tokens of a piece, for C classes, where their number is left to the rule."""
    return SHORTEST_OF_MANY if classes > MANY else SHORTEST


def piece_count(asked: int, length: int, real_length: int, shortest: int, most: int = MOST) -> int:
    """V, pieces of a text.

    Args:
        asked: 0 leaves it to the rule.
        length: what is asked for the length of a distilled text, in tokens; 0 and less depend on real texts.
        real_length: L of a real text.
        shortest: tokens that a piece has at least by the rule.
        most: more than these are not taken by the rule.
    """
    if asked:
        return asked
    tokens = length if length > 0 else real_length
    fits = (v for v in range(2, 1 + min(MOST, most)) if tokens >= shortest * v and (length <= 0 or not length % v))
    return max(fits, default=1)


def cut(texts: Tensor, classes: int, pieces: int) -> Tensor:
    """Cut texts (M, L, ...) into examples (V M, L / V, ...).

    Args:
        texts: embeddings, words or anything else that has a row per token.
        classes: C; divides M.
        pieces: V; divides L.
    """
    if pieces == 1:
        return texts
    count, length, *rest = texts.shape
    turns = texts.reshape(count // classes, classes, pieces, length // pieces, *rest)
    return turns.transpose(1, 2).flatten(0, 2)


def join(examples: Tensor, classes: int, pieces: int) -> Tensor:
    """The inverse: examples (V M, L / V, ...) become texts (M, L, ...); arguments as above."""
    if pieces == 1:
        return examples
    count, length, *rest = examples.shape
    turns = examples.reshape(count // classes // pieces, pieces, classes, length, *rest)
    return turns.transpose(1, 2).flatten(2, 3).flatten(0, 1)


def for_pieces(labels: Tensor, pieces: int) -> Tensor:
    """Give the label distributions (M, C) of texts to all their pieces, (V M, C)."""
    if pieces == 1:
        return labels
    count, classes = labels.shape
    return labels.view(count // classes, 1, classes, classes).expand(-1, pieces, -1, -1).flatten(0, 2)


def check_length(length: int, pieces: int) -> None:
    """Check that texts of `length` tokens can be cut into so many pieces.

    Raises:
        TextddError: they cannot.
    """
    if length % pieces:
        fits = max(pieces, length - length % pieces)
        raise TextddError(
            f"Got distiller.length={length} and distiller.pieces={pieces}: pieces are equally long. "
            f"Type: distiller.length={fits}, or distiller.length=-1 to leave it to textdd"
        )
