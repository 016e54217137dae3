"""The words of an artefact: its `tokenizer.json` is read as a list of words and nothing else.

A tokeniser's file can ask for much, such as padding to 5 * 10^8 tokens, for which the library that reads it ends the
process. All that ours say is which words there are, so these alone are taken, and what asks for more is refused.
"""

from __future__ import annotations

import json
from types import NoneType

from tokenizers import Tokenizer

from textdd.recorded import parsed
from textdd.shape import Each, OneOf, Several, Whole, mismatch
from textdd.spaces.tokeniser import BETWEEN, SPECIAL, UNK, tokeniser_of

SHAPE = {
    "truncation?": NoneType,
    "padding?": NoneType,
    "added_tokens?": Several(dict, 0, 0),
    "post_processor?": NoneType,
    "decoder?": NoneType,
    "model": {"type": OneOf(("WordLevel",)), "vocab": Each(Whole(0, 1 << 31)), "unk_token": OneOf((SPECIAL[UNK],))},
}


def vocabulary_of(content: bytes, *, pair: bool) -> Tokenizer:
    """Read a tokeniser that textdd wrote.

    Args:
        content: of the file.
        pair: there has to be a word that stands between segments.

    Raises:
        ValueError: it is none, or asks for something that ours do not.
    """
    given = parsed(content)
    if wrong := mismatch(given, SHAPE):
        raise ValueError(wrong)
    numbers = given["model"]["vocab"]
    special = (*SPECIAL, BETWEEN) if pair else SPECIAL
    if sorted(numbers.values()) != list(range(len(numbers))):
        raise ValueError(f"model.vocab does not number its {len(numbers)} words from 0 on")
    if any(numbers.get(word) != number for number, word in enumerate(special)):
        raise ValueError(f"model.vocab does not begin with {' '.join(special)}")
    made = tokeniser_of(numbers)
    ours = json.loads(made.to_str())
    for part in ("normalizer", "pre_tokenizer"):
        if given.get(part) != ours[part]:
            raise ValueError(f"{part} is not the one that textdd reads texts with")
    return made
