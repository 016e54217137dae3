"""Groups of texts that contain one another, as the phrases of a sentence do: a split must not tear them apart.

Where it does, validation texts are parts of training texts, and what is selected on them is flattered. A text is held
by another where its words stand in that one, one after the other. All places are looked at once: a polynomial hash
modulo 2^64 of any run of words comes from two sums, and only where a text's first words stand is all of it compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from textdd.corpora.texts import TextStore
from textdd.locks import claim
from textdd.record import write_array

SHORTEST = 4
"""Words that a text has at least to tie others together: *very good* stands in many that have nothing in common."""

LONG, BEGINNING = 8, (4, 8)
"""Words from which on a text is long, and how many of its first words are looked for if it is not, and if it is."""

MOST_WORDS = 5_000_000
"""Words of a corpus that is looked through; texts of larger ones count as groups of their own."""

PAIRS_AT_A_TIME = 4_000_000

TIED = 0.01
"""Share of the texts in groups of several from which on a split keeps groups together."""

BASE = 6364136223846793005
"""Odd, so that it has an inverse modulo 2^64."""


def groups_of(texts: Sequence[str]) -> np.ndarray:
    """The group of each text (n,), int64, from 0: texts that contain one another share one.

    Args:
        texts: the texts; segments of pairs are to be joined before.
    """
    n, words = len(texts), [text.casefold().split() for text in texts]
    sizes = np.array([len(own) for own in words], dtype=np.int64)
    total = int(sizes.sum())
    if not total or total > MOST_WORDS:
        return np.arange(n)
    numbers: dict[str, int] = {}
    ids = np.fromiter((numbers.setdefault(word, len(numbers)) for own in words for word in own), np.int64, total)
    hashes, starts = Hashes(ids, len(numbers)), np.concatenate([[0], np.cumsum(sizes)])
    holder = np.repeat(np.arange(n), sizes)
    held = [
        contained(hashes, starts, sizes, holder, np.flatnonzero(chosen), beginning)
        for chosen, beginning in zip(((sizes >= SHORTEST) & (sizes < LONG), sizes >= LONG), BEGINNING, strict=True)
    ]
    inside, outside = (np.concatenate(part) for part in zip(*held, strict=True))
    links = coo_matrix((np.ones(len(inside), bool), (inside, outside)), shape=(n, n))
    return np.asarray(connected_components(links, directed=False)[1], dtype=np.int64)


class Hashes:
    """Hashes of all runs of words of a text: sum over j of value(word j) BASE^j, modulo 2^64.

    Args:
        ids: the words (N,), as numbers.
        kinds: how many different words there are.
    """

    def __init__(self, ids: np.ndarray, kinds: int) -> None:
        values = np.random.default_rng(0).integers(0, 2**64, kinds, dtype=np.uint64)
        one = np.ones(1, np.uint64)
        base, inverse = np.uint64(BASE), np.uint64(pow(BASE, -1, 2**64))
        with np.errstate(over="ignore"):
            powers = np.cumprod(np.concatenate([one, np.full(len(ids), base)]))
            self.undo = np.cumprod(np.concatenate([one, np.full(len(ids), inverse)]))
            self.sums = np.concatenate([one - one, np.cumsum(values[ids] * powers[:-1], dtype=np.uint64)])

    def of(self, starts: np.ndarray, sizes: np.ndarray | int) -> np.ndarray:
        """The hashes of runs (n,) that begin at some words and have some sizes."""
        with np.errstate(over="ignore"):
            found: np.ndarray = (self.sums[starts + sizes] - self.sums[starts]) * self.undo[starts]
        return found


def contained(
    hashes: Hashes, starts: np.ndarray, sizes: np.ndarray, holder: np.ndarray, chosen: np.ndarray, beginning: int
) -> tuple[np.ndarray, np.ndarray]:
    """Find in which texts some texts stand.

    Args:
        hashes: of all runs of words.
        starts: where each text begins (n + 1,).
        sizes: words of each (n,).
        holder: the text of each word (N,).
        chosen: the texts that are looked for; none has fewer words than `beginning`.
        beginning: how many of their first words are looked for.

    Returns:
        Texts, and for each one that it stands in.
    """
    first = hashes.of(starts[chosen], beginning)
    order = np.argsort(first, kind="stable")
    chosen, first = chosen[order], first[order]
    places = np.arange(len(holder) - beginning + 1)
    places = places[holder[places] == holder[places + beginning - 1]]
    seen = hashes.of(places, beginning)
    low, high = np.searchsorted(first, seen, "left"), np.searchsorted(first, seen, "right")
    there = np.flatnonzero(high > low)
    places, low, counts = places[there], low[there], (high - low)[there]
    inside, outside = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    ends = np.cumsum(counts)
    for begin in range(0, int(ends[-1]) if len(ends) else 0, PAIRS_AT_A_TIME):
        pairs = np.arange(begin, min(begin + PAIRS_AT_A_TIME, int(ends[-1])))
        place = np.searchsorted(ends, pairs, "right")
        text = chosen[low[place] + pairs - (ends - counts)[place]]
        at = places[place]
        whole = (at + sizes[text] <= starts[holder[at] + 1]) & (holder[at] != text)
        text, at = text[whole], at[whole]
        same = hashes.of(starts[text], sizes[text]) == hashes.of(at, sizes[text])
        inside.append(text[same])
        outside.append(holder[at[same]])
    return np.concatenate(inside), np.concatenate(outside)


def kept_groups(folder: Path, store: TextStore) -> np.ndarray:
    """The groups of a corpus's training texts (n,), found once and kept beside them."""
    path = folder.with_name(f"{folder.name}-groups.npy")
    with claim(path, "looking for texts that contain one another") as ours:
        if ours:
            write_array(path, groups_of([" ".join(text) for text in store.take(np.arange(len(store)))]))
    return np.asarray(np.load(path, allow_pickle=False))


def tied(groups: np.ndarray) -> float:
    """Share of the texts that are in a group with others."""
    return float((np.bincount(groups)[groups] > 1).mean())


def said_of(groups: np.ndarray, *, together: bool) -> list[str]:
    """What is said of groups that were looked for (n,); none if there are none."""
    if not len(groups):
        return []
    if together:
        return [f"{tied(groups):.0%} of the training texts contain others or stand in them; splits keep them together"]
    return [
        "hardly any training texts contain one another (dataset.groups=auto), so that splits are as without looking"
    ]
