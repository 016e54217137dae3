"""A set of texts by itself: how long, how many bytes, how varied, and how often it says the same."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from textdd.quality.grams import Index, contained, flat_words, sequences
from textdd.sets.texts import Text

NEAR = 0.8
"""Containment from which a text is nearly a copy of another."""

ORDERS = (1, 2, 3)


def columns(texts: Sequence[Text]) -> list[pa.StringArray]:
    """M texts as columns, one for each segment."""
    return [pa.array(segment, pa.string()) for segment in zip(*texts, strict=True)]


def normalised(segments: Sequence[pa.StringArray]) -> pa.StringArray:
    """N texts without differences in white space and case; the segments of a pair stand in lines."""
    plain = [
        pc.utf8_trim_whitespace(pc.replace_substring_regex(pc.utf8_lower(segment), r"[\s\pZ]+", " "))
        for segment in segments
    ]
    return plain[0] if len(plain) == 1 else pc.binary_join_element_wise(*plain, "\n")


def variety(texts: Sequence[Text]) -> dict[str, Any]:
    """Measure M texts.

    Returns:
        `tokens`, words and signs of punctuation; `bytes` as UTF-8, and `gzip_bytes` of all together; `distinct`, the
        share of sequences of 1, 2, 3 words that are different; `duplicates`: texts that say the same as one before but
        for white space and case (`exact`), and others of which 0.8 stands in one before, or the reverse (`near`).
    """
    segments = columns(texts)
    words = flat_words(segments)
    index = Index(words)
    written = "\n".join("\n".join(text) for text in texts).encode()
    counts = {order: len(sequences(index.numbers(words.words), words.owners, order)[0]) for order in ORDERS}
    keys = normalised(segments).to_pylist()
    first = {key: m for m, key in reversed(list(enumerate(keys)))}
    again = [first[key] < m for m, key in enumerate(keys)]
    share = contained(index, words).tocoo()
    near = share.data >= NEAR - 1e-9
    later = np.maximum(share.row, share.col)[near & (share.row != share.col)]
    return {
        "tokens": int(words.lengths.sum()),
        "bytes": sum(len(segment.encode()) for text in texts for segment in text),
        "gzip_bytes": len(gzip.compress(written, mtime=0)),
        "distinct": {str(order): index.count(order) / max(1, counts[order]) for order in ORDERS},
        "duplicates": {"exact": sum(again), "near": len({m for m in later.tolist() if not again[m]})},
    }
