"""Texts to words in bulk: the tokeniser's own result, some ten times faster, since Arrow works on whole columns.

Arrow lower-cases ASCII and splits at white space and at ASCII's punctuation signs. A word that holds anything else goes
through the tokeniser's rules; these look at one sign at a time, so they may be given a text word by word.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

NORMALISER = BertNormalizer(clean_text=True, handle_chinese_chars=True, strip_accents=False, lowercase=True)
PRE_TOKENISER = BertPreTokenizer()
# The tokeniser drops these two; for Arrow they are white space.
DROPPED = r"[\x0b\x0c]"
PUNCTUATION = r"([!-/:-@\[-`{-~])"
# An empty word is what Arrow makes of an empty text.
OTHERS = r"^$|[^!-~]"


class Words(NamedTuple):
    """The words of N texts.

    Attributes:
        flat: all of them, one text after the other (R,), lower-cased; punctuation signs are words too.
        lengths: how many belong to each text (N,), int64; zero for a text of nothing but invisible signs.
    """

    flat: pa.StringArray
    lengths: np.ndarray


def split_words(texts: pa.StringArray) -> Words:
    """Split N texts; threads may do this side by side."""
    spaced = pc.replace_substring_regex(pc.replace_substring_regex(texts, DROPPED, ""), PUNCTUATION, r" \1 ")
    split = pc.ascii_split_whitespace(pc.ascii_lower(pc.ascii_trim_whitespace(spaced)))
    flat = split.flatten()
    ends = np.cumsum(pc.list_value_length(split).to_numpy(), dtype=np.int64)  # (N,)
    others = np.flatnonzero(pc.match_substring_regex(flat, OTHERS).to_numpy(zero_copy_only=False))
    if len(others):
        pieces = [_by_rules(word) for word in flat.take(pa.array(others)).to_pylist()]
        sizes, sources = np.ones(len(flat), np.int64), np.arange(len(flat))
        sizes[others] = [len(piece) for piece in pieces]
        # The pieces come behind the words, and each word is then taken from its place or from theirs.
        sources[others] = len(flat) + np.cumsum(sizes[others]) - sizes[others]
        both = pa.concat_arrays([flat, pa.array([word for piece in pieces for word in piece], pa.string())])
        borders = np.concatenate([[0], np.cumsum(sizes)])
        flat = both.take(pa.array(np.repeat(sources - borders[:-1], sizes) + np.arange(borders[-1])))
        ends = borders[ends]
    return Words(flat, np.diff(ends, prepend=0))


@lru_cache(maxsize=1 << 16)
def _by_rules(word: str) -> tuple[str, ...]:
    return tuple(piece for piece, _ in PRE_TOKENISER.pre_tokenize_str(NORMALISER.normalize_str(word)))
