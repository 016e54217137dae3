"""Real texts, left as they are: what remains to learn is labels and step sizes (Bohdal et al. 2020)."""

from __future__ import annotations

from typing import Self

import torch
from tokenizers import Tokenizer
from torch import Tensor

from textdd.sets.parametrisations.parametrisation import Parametrisation, Source
from textdd.spaces.tokeniser import PAD, words


class Real(Parametrisation):
    """Texts of words, stored as UTF-8: the words of a text apart by spaces, the texts by line ends.

    Args:
        texts: M texts of words of the vocabulary.
        ids: the same as word numbers (M, L), zero beyond the end of a text; L is the longest.
        vectors: word vectors (V, D).
    """

    def __init__(self, texts: list[str], ids: Tensor, vectors: Tensor) -> None:
        super().__init__()
        self.texts = texts
        self.ids: Tensor
        self.register_buffer("ids", ids)
        self.vectors: Tensor
        self.register_buffer("vectors", vectors, persistent=False)

    @classmethod
    def start(cls, source: Source, rank: int) -> Self:
        """Take the initial texts.

        Raises:
            TextddError: the start has no words.
        """
        del rank
        vocabulary = words(source.tokeniser)
        texts = [" ".join(vocabulary[i] for i in row[row != PAD].tolist()) for row in source.words()]
        return cls.of(texts, source.vectors, source.tokeniser)

    @classmethod
    def of(cls, texts: list[str], vectors: Tensor, tokeniser: Tokenizer) -> Self:
        """Look up texts whose words are of the vocabulary.

        Raises:
            ValueError: one is not.
        """
        numbers = tokeniser.get_vocab()
        unknown = [word for text in texts for word in text.split(" ") if word not in numbers]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is not in the vocabulary")
        rows = [torch.tensor([numbers[word] for word in text.split(" ")]) for text in texts]
        return cls(texts, torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=PAD), vectors)

    @classmethod
    def from_stored(cls, tensors: dict[str, Tensor], vectors: Tensor, tokeniser: Tokenizer) -> Self:
        """Rebuild from UTF-8.

        Raises:
            KeyError: there is no text.
            ValueError: it is no UTF-8, or a word is not in the vocabulary.
        """
        return cls.of(tensors["text"].numpy().tobytes().decode().split("\n"), vectors, tokeniser)

    def stored(self) -> dict[str, Tensor]:
        """The texts as one tensor of bytes."""
        return {"text": torch.frombuffer(bytearray("\n".join(self.texts).encode()), dtype=torch.uint8)}

    def first(self, count: int) -> Self:
        """The first `count` texts alone."""
        ids = self.ids[:count]
        return type(self)(self.texts[:count], ids[:, (ids != PAD).any(dim=0)], self.vectors)

    def forward(self) -> Tensor:
        """The texts (M, L, D)."""
        return self.vectors[self.ids]

    @property
    def mask(self) -> Tensor:
        """True at words (M, L)."""
        return self.ids != PAD

    def words(self) -> Tensor:
        """The words (M, L)."""
        return self.ids
