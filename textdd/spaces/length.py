"""How many tokens are read of a text, and what that cuts off."""

from __future__ import annotations

import numpy as np

from textdd.corpora.sources import MOST_TOKENS
from textdd.progress import say
from textdd.spaces.reading import Reading

ENOUGH = 0.95
"""Share of the training texts that `dataset.length=auto` reads to their end."""

MUCH = 0.05
"""Share of the words that may be cut without a warning."""


def needed(uncut: np.ndarray, frame: int) -> int:
    """L of `auto`: what so many of the training texts need.

    Args:
        uncut: tokens of every text (n,).
        frame: tokens that are put around each.
    """
    return min(MOST_TOKENS, frame + int(np.quantile(uncut, ENOUGH, method="higher")))


def tell_cuts(train: Reading) -> None:
    """Say how many of the training texts are cut and how many words that takes, and warn where these are many."""
    uncut, frame = train.store.uncut[train.rows], train.space.frame.size(pair=train.store.firsts is not None)
    room = train.length - frame
    lost = int(np.maximum(uncut - room, 0).sum())
    texts, share = int((uncut > room).sum()), lost / max(1, int(uncut.sum()))
    line = (
        f"{train.length} tokens are read of a text: {texts / len(train):.1%} of the training texts are cut, "
        f"{share:.1%} of their words are not read"
    )
    if share > MUCH:
        more = train.length < needed(uncut, frame)
        remedy = "To read 95 of 100 texts whole, type: dataset.length=auto" if more else "Nor can more be read"
        line = f"warning: {line}. {remedy}"
    say(line)
