"""The word-level tokeniser: lower-cased words and signs, the most frequent of them kept."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from textdd.corpora.parallel import in_order
from textdd.corpora.sources import MOST_TOKENS
from textdd.spaces.store import Encoded
from textdd.spaces.word_splitting import NORMALISER, PRE_TOKENISER, split_words

PAD, UNK, SEP = 0, 1, 2
SPECIAL = ("[PAD]", "[UNK]")
BETWEEN = "[SEP]"
"""Stands between the segments of a pair; corpora of single texts do not have it."""

# Words with their counts, one row per batch that they occur in, that may wait to be added up: about 0.1 GB.
MOST_WAITING = 4_000_000


def train_tokeniser(batches: Iterable[pa.StringArray], vocabulary: int, *, pair: bool = False) -> Tokenizer:
    """Count the words of a stream of texts, on all cores, and keep the most frequent.

    Words are split at white space and at every punctuation sign, as the authors of GloVe did, so most words
    are found in pretrained vectors. Accents are kept. Equal counts are settled by the alphabet.

    Args:
        batches: some thousand texts each, read once.
        vocabulary: most words kept, `[PAD]` and `[UNK]` included.
        pair: the texts are segments of pairs, so that there has to be something that stands between them.
    """
    special = (*SPECIAL, BETWEEN) if pair else SPECIAL
    frequent = _most_frequent(in_order(_count, batches), vocabulary - len(special))
    return tokeniser_of({word: number for number, word in enumerate([*special, *frequent])})


def tokeniser_of(numbers: dict[str, int]) -> Tokenizer:
    """The tokeniser of some words, each with its number; the special ones are among them."""
    tokeniser = Tokenizer(WordLevel(numbers, unk_token=SPECIAL[UNK]))
    tokeniser.normalizer, tokeniser.pre_tokenizer = NORMALISER, PRE_TOKENISER
    return tokeniser


def _count(texts: pa.StringArray) -> pa.Table:
    """Count the words of a batch: columns `word` and `count`."""
    return pa.table(pc.value_counts(split_words(texts).flat).flatten(), ["word", "count"])


def _most_frequent(counts: Iterable[pa.Table], most: int) -> list[str]:
    """Add up the counts of all batches and list the words with the highest, at most so many."""
    total = pa.table({"word": pa.array([], pa.string()), "count": pa.array([], pa.int64())})
    waiting, rows = [total], 0

    def added_up() -> pa.Table:
        table = pa.concat_tables(waiting).group_by("word").aggregate([("count", "sum")])
        return table.rename_columns(["word", "count"])

    for count in counts:
        waiting.append(count)
        rows += len(count)
        # The more words there are, the longer adding up takes, and the more may wait for it.
        if rows > max(MOST_WAITING, 2 * len(total)):
            total = added_up()
            waiting, rows = [total], 0
    total = added_up()
    order = pc.select_k_unstable(total, min(most, len(total)), [("count", "descending"), ("word", "ascending")])
    return total["word"].take(order).to_pylist()


def encode(vocabulary: pa.StringArray, texts: pa.StringArray, dtype: type[np.integer]) -> Encoded:
    """Turn texts into the token numbers that the tokeniser gives them, the first `MOST_TOKENS` of each.

    Args:
        vocabulary: the V words; a word's position is its token number.
        texts: N texts.
        dtype: the integers to make.
    """
    flat, uncut = split_words(texts)
    tokens = pc.index_in(flat, value_set=vocabulary).fill_null(UNK).to_numpy().astype(dtype)
    begins = np.cumsum(uncut) - uncut
    tokens = tokens[np.arange(len(tokens)) - np.repeat(begins, uncut) < MOST_TOKENS]
    lengths = np.minimum(uncut, MOST_TOKENS)
    # A text of nothing but invisible signs has no token; one [UNK] spares students an example without any.
    empty = lengths == 0
    tokens = np.insert(tokens, (np.cumsum(lengths) - lengths)[empty], UNK)
    return Encoded(tokens, np.where(empty, 1, lengths), np.maximum(uncut, 1))


def words(tokeniser: Tokenizer) -> list[str]:
    """List the V words; a word's position is its token number."""
    numbers = tokeniser.get_vocab()
    return sorted(numbers, key=numbers.__getitem__)
