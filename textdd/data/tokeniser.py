"""The word-level tokeniser: lower-cased words and signs, the most frequent of them kept."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

import numpy as np
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.trainers import WordLevelTrainer

PAD, UNK = 0, 1
SPECIAL = ("[PAD]", "[UNK]")


def train_tokeniser(texts: Iterable[list[str]], vocabulary: int) -> Tokenizer:
    """Count the words of a stream of texts and keep the most frequent.

    Words are split at white space and at every punctuation sign, as the authors of GloVe did, so most words
    are found in pretrained vectors. Accents are kept. Equal counts are settled by the alphabet.

    Args:
        texts: batches of texts, read once.
        vocabulary: most words kept, `[PAD]` and `[UNK]` included.
    """
    tokeniser = Tokenizer(WordLevel(unk_token=SPECIAL[UNK]))
    tokeniser.normalizer = BertNormalizer(
        clean_text=True, handle_chinese_chars=True, strip_accents=False, lowercase=True
    )
    tokeniser.pre_tokenizer = BertPreTokenizer()
    trainer = WordLevelTrainer(vocab_size=vocabulary, special_tokens=list(SPECIAL), show_progress=False)
    tokeniser.train_from_iterator(texts, trainer)
    return tokeniser


def encode(tokeniser: Tokenizer, texts: list[str], most: int, dtype: type[np.integer]) -> tuple[np.ndarray, np.ndarray]:
    """Turn texts into token numbers, on all cores.

    Args:
        tokeniser: the vocabulary.
        texts: N texts, some thousands at most: every token of them is a Python object for a moment.
        most: tokens kept of each text.
        dtype: the integers to make.

    Returns:
        All tokens one after the other (sum of lengths,) and the lengths (N,), int64, none of them zero.
    """
    # A text of nothing but invisible signs has no token; one [UNK] spares students an example without any.
    ids = [encoding.ids[:most] or [UNK] for encoding in tokeniser.encode_batch_fast(texts, add_special_tokens=False)]
    lengths = np.fromiter(map(len, ids), dtype=np.int64, count=len(ids))
    return np.fromiter(chain.from_iterable(ids), dtype=dtype, count=int(lengths.sum())), lengths


def words(tokeniser: Tokenizer) -> list[str]:
    """List the V words; a word's position is its token number."""
    numbers = tokeniser.get_vocab()
    return sorted(numbers, key=numbers.__getitem__)
