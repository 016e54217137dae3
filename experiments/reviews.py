"""Made-up reviews, in the size and the form in which Zhang et al. (2015) published Amazon Polarity.

3,600,000 training texts are a csv of 1.6 GB: two classes, a title and a text of some 75 words together, words that
follow Zipf's law out of a vocabulary of two million, since real reviews have that many spellings. Written in a
stream, the same under every seed that is the same.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
WORDS = 2_000_000
CHUNK = 20_000
"""Texts made at a time."""


def write_reviews(path: Path, texts: int, seed: int) -> None:
    """Write a csv of three quoted cells a row: class 1 or 2, title, text."""
    generator, words = np.random.default_rng(seed), vocabulary()
    with path.open("wb") as file:
        for start in range(0, texts, CHUNK):
            count = min(CHUNK, texts - start)
            labels = generator.integers(1, 3, count)
            title = drawn(words, labels, generator.integers(2, 9, count), generator)
            body = drawn(words, labels, generator.gamma(3, 24, count).clip(8, 230).astype(int), generator)
            cells = [pc.cast(pa.array(labels), pa.string()), title, body]
            rows = pc.binary_join_element_wise('"', pc.binary_join_element_wise(*cells, '","'), '"\n', "")
            file.write(pc.binary_join(pa.ListArray.from_arrays([0, count], rows), "")[0].as_buffer())


def vocabulary() -> pa.Array:
    """List distinct words, the most frequent first; every eighth is followed by a sign (words,)."""
    syllables, number = pa.array([*SYLLABLES, ""]), np.arange(WORDS)
    base, parts = len(SYLLABLES), []
    for place in range(4):
        digit = number // base**place
        # As many syllables as the number has digits: frequent words are short.
        parts.append(syllables.take(pa.array(np.where((digit > 0) | (place == 0), digit % base, base))))
    signs = pa.array(["", ",", "."]).take(pa.array(np.where(number % 8 == 7, 1 + number // 8 % 2, 0)))
    return pc.binary_join_element_wise(*parts, signs, "")


def drawn(words: pa.Array, labels: np.ndarray, lengths: np.ndarray, generator: np.random.Generator) -> pa.Array:
    """Draw texts of so many words by Zipf's law; a tenth of the words are of their class alone (texts,)."""
    flattened = 3  # Mandelbrot's shift: the most frequent word is one in thirty, as in English
    uniform = generator.random(int(lengths.sum()))
    rank = (flattened * ((WORDS / flattened + 1) ** uniform - 1)).astype(np.int64).clip(0, WORDS - 1)
    own = generator.random(len(rank)) < 0.1
    rank = np.where(own, rank // 2 * 2 + np.repeat(labels - 1, lengths), rank).clip(0, WORDS - 1)
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())
    return pc.binary_join(pa.ListArray.from_arrays(offsets, words.take(pa.array(rank))), " ")
