"""A space: how texts become vectors. A tokeniser, a table (V, D), and what is put around a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import torch
from tokenizers import Tokenizer
from torch import Tensor

from textdd.errors import TextddError
from textdd.spaces.frame import Frame
from textdd.spaces.store import Encode, Encoded, alternating


class TokenBatch(NamedTuple):
    """N examples as token numbers.

    Attributes:
        ids: token numbers (N, L), int64; zero beyond the end of a text. L is the longest text of the batch, at most
            the length that is read.
        mask: where tokens are (N, L), bool; true at least once in every row.
        labels: targets: class numbers (N,), int64, or 0 and 1 for each label (N, C).
        second: of pairs, where the second segment is (N, L), bool; else None.
    """

    ids: Tensor
    mask: Tensor
    labels: Tensor
    second: Tensor | None = None


@dataclass(frozen=True)
class Space:
    """How texts become vectors.

    Attributes:
        name: where its vectors come from: "corpus", "glove", "random", or the pretrained model's name.
        kind: `words`, whose tokeniser and table a set of matrices carries, or `pretrained`, which it only names.
        tokeniser: texts to token numbers; of pretrained ones without what they put around a text.
        encode: the same in bulk.
        frame: what is put around a text, and between the segments of a pair.
        table: a vector for every token (V, D), float32.
        second: what is added to the vectors of a pair's second segment (D,).
        length: L, tokens read of a text.
        sha256: identifies the space: a hash of its table.
        facts: what else is known of it, for the artefact.
    """

    name: str
    kind: str
    tokeniser: Tokenizer
    encode: Encode
    frame: Frame
    table: Tensor
    second: Tensor
    length: int
    sha256: str
    facts: dict[str, Any]

    @property
    def dimension(self) -> int:
        """D."""
        return self.table.shape[1]

    def beginning(self, text: str, tokens: int) -> str:
        """The first tokens of a text, as it was written."""
        ends = self.tokeniser.encode(text, add_special_tokens=False).offsets
        return text if len(ends) <= tokens else text[: ends[tokens - 1][1]]

    def tokens(self, texts: list[tuple[str, ...]]) -> TokenBatch:
        """Any texts as tokens, with targets that say nothing (N,).

        Args:
            texts: one segment each, or two of pairs.

        Raises:
            TextddError: a text is empty.
        """
        for number, text in enumerate(texts):
            if not all(segment.strip() for segment in text):
                raise TextddError(f"Text {number} is empty. Leave it out, or write at least one word.")
        return self.framed([self.encode(pa.array(list(segment), pa.string())) for segment in zip(*texts, strict=True)])

    def framed(self, segments: Sequence[Encoded]) -> TokenBatch:
        """N texts, whose tokens are there, within what the space puts around them.

        Args:
            segments: all texts, or of pairs all first and all second segments.
        """
        flat = segments[0].tokens if len(segments) == 1 else alternating(*segments)
        counts = np.sum([segment.lengths for segment in segments], axis=0)
        starts = np.cumsum(counts) - counts
        second = None
        if len(segments) > 1:
            ids, mask, second = self.frame.pairs(flat, starts, segments[0].lengths, counts, self.length)
        else:
            ids, mask = self.frame.singles(flat, starts, counts, self.length)
        parts = [torch.from_numpy(part) for part in (ids, mask, np.zeros(len(counts), np.int64))]
        return TokenBatch(parts[0], parts[1], parts[2], None if second is None else torch.from_numpy(second))
