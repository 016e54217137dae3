"""Ragged token arrays on disk: written once in a stream, memory-mapped ever after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from tokenizers import Tokenizer

from textdd.corpora.parallel import in_order
from textdd.corpora.records import Records
from textdd.spaces.tokeniser import encode, words

# Nobody trains on more tokens of a text, and one freak text must not outweigh a corpus.
MOST_TOKENS = 512


class TokenStore:
    """The tokenised texts of one file.

    Attributes:
        folder: holds `tokens.bin`, `offsets.npy`, `labels.npy` and `text_bytes.npy`.
        tokens: every token of every text, one after the other; memory-mapped, uint16 or uint32.
        offsets: where each text begins, and the end of the last (n + 1,), int64.
        labels: class numbers (n,), int64.
        text_bytes: UTF-8 bytes of each original text (n,), int64.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.offsets: np.ndarray = np.load(folder / "offsets.npy")
        self.labels: np.ndarray = np.load(folder / "labels.npy")
        self.text_bytes: np.ndarray = np.load(folder / "text_bytes.npy")
        size = (folder / "tokens.bin").stat().st_size // int(self.offsets[-1])
        self.tokens = np.memmap(folder / "tokens.bin", dtype=f"u{size}", mode="r")

    def __len__(self) -> int:
        return len(self.labels)

    def __reduce__(self) -> tuple[type[TokenStore], tuple[Path]]:
        # Sent to another process (ddp_spawn), it is opened there; a pickled memory-map would be a full copy.
        return TokenStore, (self.folder,)

    def gather(self, rows: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
        """Take the first tokens of some texts, in one indexing operation.

        Args:
            rows: which texts (N,).
            length: most tokens of each.

        Returns:
            Token numbers (N, L), int64, zero where a text is shorter; and where tokens are (N, L), bool. L is the
            longest of these texts but at most `length`: short texts cost no computation on padding.
        """
        starts = self.offsets[rows][:, None]  # (N, 1)
        ends = self.offsets[rows + 1][:, None]  # (N, 1)
        length = min(length, int((ends - starts).max(initial=1)))
        places = starts + np.arange(length)  # (N, L)
        mask = places < ends
        tokens = self.tokens[np.where(mask, places, 0)].astype(np.int64)
        return np.where(mask, tokens, 0), mask

    def runs(self, rows: np.ndarray, tokens: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Stream all stored tokens of some texts, about so many tokens at a time.

        Args:
            rows: which texts (n,).
            tokens: the least size of a run, except for the last.

        Yields:
            The tokens of a run of whole texts (R,), int64, and the row in `rows` that each belongs to (R,).
        """
        lengths = np.diff(self.offsets)[rows]
        cuts = np.flatnonzero(np.diff(np.cumsum(lengths) // tokens)) + 1
        for part in np.split(np.arange(len(rows)), cuts):
            owner = np.repeat(part, lengths[part])  # (R,)
            begins = np.cumsum(lengths[part]) - lengths[part]
            within = np.arange(len(owner)) - np.repeat(begins, lengths[part])
            yield self.tokens[self.offsets[rows[owner]] + within].astype(np.int64), owner


def write_store(folder: Path, batches: Iterable[Records], tokeniser: Tokenizer) -> None:
    """Tokenise a stream of checked texts into a new folder, on all cores.

    Args:
        folder: is made.
        batches: the texts and labels, in order.
        tokeniser: the vocabulary.
    """
    folder.mkdir()
    vocabulary = pa.array(words(tokeniser))
    dtype = np.uint16 if len(vocabulary) <= 1 << 16 else np.uint32
    lengths, labels, text_bytes = [np.zeros(1, np.int64)], [], []

    def encoded(batch: Records) -> tuple[Records, np.ndarray, np.ndarray]:
        return batch, *encode(vocabulary, batch.texts, MOST_TOKENS, dtype)

    with (folder / "tokens.bin").open("wb") as file:
        for batch, tokens, counts in in_order(encoded, batches):
            file.write(tokens.data)
            lengths.append(counts)
            labels.append(batch.labels)
            text_bytes.append(batch.text_bytes)
    np.save(folder / "offsets.npy", np.cumsum(np.concatenate(lengths)))
    np.save(folder / "labels.npy", np.concatenate(labels))
    np.save(folder / "text_bytes.npy", np.concatenate(text_bytes))
