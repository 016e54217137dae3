"""How long distilled texts are: a small set wants short ones, a larger one has use for more tokens.

At one text per class every token more is one more way to please the students at hand and no others; at thirty the
tokens are what is scarce (measured in experiments/search/by_hand.md). The rule is the same for all corpora.
"""

from __future__ import annotations

import numpy as np

SHORTEST, LONGEST = 6, 24
"""Tokens at one example per class, and the most, of a text that is taught whole or of a piece."""

GROWTH = 0.4
"""Exponent of the examples per class: three want texts of 9 tokens, ten of 15, thirty of 23."""


ORDINARY = 0.99
"""Share of the real texts that are no longer than the length that counts as theirs."""


def usual_length(lengths: np.ndarray, around: int = 0) -> int:
    """The length of real texts, in tokens, from what is read of each: a corpus of short ones may allow for longer ones.

    Args:
        lengths: tokens of every text (n,).
        around: tokens that the space puts around each.
    """
    return around + int(np.quantile(lengths, ORDINARY, method="lower"))


def text_length(asked: int, per_class: int, real_length: int, pieces: int = 1, around: int = 0) -> int:
    """L of a distilled text, in tokens.

    Args:
        asked: -1 lets it grow with the set, but not beyond real texts; 0 is the length of real texts.
        per_class: M / C.
        real_length: L of real texts.
        pieces: V, into which it is cut; the rule holds for the pieces, which are that many times as many.
        around: tokens that the space puts around a text; the rule is for what is left.
    """
    longest = max(1, real_length // pieces)
    if asked == -1:
        return pieces * min(around + min(round(SHORTEST * (pieces * per_class) ** GROWTH), LONGEST), longest)
    return asked or pieces * longest
