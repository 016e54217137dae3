"""Texts that a set was not made from, beside those that it was: both from one source, none in both.

Where a set was distilled from this very corpus, the validation texts are held out: they were drawn from the training
texts by chance, so that nothing but the making of the set tells the two apart. Of a set that came from elsewhere nobody
here knows what it has seen: there it is the test texts, and these may differ from the training texts in other ways.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from textdd.corpora.corpus import Corpus, Split
from textdd.corpora.sources import DatasetConfig
from textdd.corpora.texts import TextStore
from textdd.errors import TextddError
from textdd.prepare import bars
from textdd.quality.against import blocks
from textdd.quality.variety import normalised
from textdd.seeds import numpy_generator
from textdd.sets.distilled_set import DistilledSet

BLOCK = 10_000
"""Real texts that are looked at together."""

DEALT = ("validation", "validation_max", "test_fraction")
"""Options that decide, with the seed that a set records, which texts are validation texts."""

ALIKE = "drawn from the training texts by chance, and not trained on"
FOREIGN = (
    "nothing says which training texts this set has not seen; where test texts differ from training texts in other "
    "ways, so do all figures, those of random texts and of the full data as well"
)


@dataclass(frozen=True)
class Sides:
    """The two sides that a set is held against.

    Attributes:
        part: `validation` or `test`, which is held out.
        why: in words.
        training: training texts, a split.
        heldout: held-out texts, a split.
        shared: texts of either side that stand in the other one too, but for white space and case; they are in neither.
    """

    part: str
    why: str
    training: Split
    heldout: Split
    shared: int

    def blocks(self, most: int) -> Iterator[tuple[list[pa.StringArray], np.ndarray]]:
        """All texts of both sides, each once, at most so many at a time.

        Yields:
            Their segments, and whether each is held out (n,), bool.
        """
        with bars() as show:
            done, total = 0, sum(len(store) for store in self.stores())
            for store in self.stores():
                inside = [rows_in(split, store) for split in (self.training, self.heldout)]
                for start, segments in blocks(store, most):
                    rows = slice(start, start + len(segments[0]))
                    training, heldout = (those[rows] for those in inside)
                    either = training | heldout
                    if either.any():
                        yield [segment.filter(pa.array(either)) for segment in segments], heldout[either]
                    done += len(segments[0])
                    show("comparing the set with both sides", done, total)

    def stores(self) -> list[TextStore]:
        """The files of both, each once."""
        return list({split.store.path: split.store for split in (self.training, self.heldout)}.values())


def rows_in(split: Split, store: TextStore) -> np.ndarray:
    """Which texts of a file belong to a split (n,), bool."""
    found = np.zeros(len(store), bool)
    if split.store.path == store.path:
        found[split.rows] = True
    return found


def sides_of(distilled: DistilledSet, corpus: Corpus, dataset: DatasetConfig, seed: int) -> Sides:
    """What is held out, and what is not.

    Args:
        distilled: was it made from this corpus, split like this?
        corpus: the texts.
        dataset: how they are split.
        seed: draws as many held-out texts as there are training texts, if there are more.

    Raises:
        TextddError: all held-out texts are training texts as well.
    """
    made_of = distilled.manifest.get("corpus", {})
    split_alike = all(made_of.get("options", {}).get(name) == getattr(dataset, name) for name in DEALT)
    own = made_of.get("key") == corpus.key and split_alike
    part, heldout = ("validation", corpus.validation) if own else ("test", corpus.test)
    ours, theirs = keys_of(corpus.train), keys_of(heldout)
    both = pc.unique(theirs.filter(pc.is_in(theirs, value_set=ours)))
    kept = [np.flatnonzero(~pc.is_in(keys, value_set=both).to_numpy(zero_copy_only=False)) for keys in (ours, theirs)]
    shared = len(ours) + len(theirs) - sum(map(len, kept))
    training, other = Split(corpus.train.store, corpus.train.rows[kept[0]]), kept[1]
    if not len(other) or not len(training):
        raise TextddError(
            f"All {len(theirs)} {part} texts of {corpus.name} are training texts as well, so nothing is held out. "
            "Leave copies out, or hold the set against other texts. Type: dataset=local dataset.path=FOLDER"
        )
    if len(other) > len(training):
        other = np.sort(numpy_generator(seed, "trust", "heldout").choice(other, len(training), replace=False))
    return Sides(part, ALIKE if own else FOREIGN, training, Split(heldout.store, heldout.rows[other]), shared)


def keys_of(split: Split) -> pa.ChunkedArray:
    """The texts of a split (n,) without differences in white space and case."""
    inside = rows_in(split, split.store)
    found: list[pa.StringArray] = []
    for start, segments in blocks(split.store, BLOCK):
        found.append(normalised(segments).filter(pa.array(inside[start : start + len(segments[0])])))
    keys = pa.chunked_array(found, pa.string())
    # In the order of the file; a split lists its rows in its own.
    return keys.take(pa.array(np.argsort(np.argsort(split.rows))))


def path_of(split: Split) -> Path:
    """The file that a split is read from."""
    return split.store.path
