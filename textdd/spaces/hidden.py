"""What the frozen lower layers of a body make of real texts, computed once and kept: hidden states of every token.

They take far more room than one vector of a text does, so they lie on disk, memory-mapped, in single precision; of a
corpus for which that would be too much nothing is kept, and every use reads through the lower layers again.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from textdd.locks import built, claim
from textdd.progress import Bar, say
from textdd.record import write_array
from textdd.seal import discard
from textdd.spaces.featured import BATCH
from textdd.spaces.reading import Batch, Reader, Reading, as_tokens

MOST_BYTES = 4 << 30
"""Of the hidden states of one part of a corpus."""

CHUNK = 1024
"""Texts in a file that is kept as soon as it is made."""

STATES, OFFSETS = "states.bin", "offsets.npy"
"""Hidden states of all tokens, one text after the other, and where each text begins."""


class Hidden(Reading):
    """A split whose texts frozen lower layers have read: hidden states of every token, kept on disk.

    Args:
        reading: the split.
        folder: holds hidden states of all texts of its store.

    Attributes:
        states: of all tokens, one text after the other (tokens, H), float32, memory-mapped.
        offsets: where each text begins, and the end of the last (n + 1,), int64.
    """

    def __init__(self, reading: Reading, folder: Path) -> None:
        super().__init__(reading.split, reading.store, reading.space)
        self.folder = folder
        self.offsets: np.ndarray = np.load(folder / OFFSETS, allow_pickle=False)
        states = np.memmap(folder / STATES, np.float32, "r")
        self.states = states.reshape(int(self.offsets[-1]), -1)

    def batch(self, rows: np.ndarray) -> Batch:
        """Read some examples: hidden states (N, L, H), zero where a text is shorter."""
        starts, ends = self.offsets[self.rows[rows]][:, None], self.offsets[self.rows[rows] + 1][:, None]
        places = starts + np.arange(int((ends - starts).max()))  # (N, L)
        mask = places < ends
        x = self.states[np.where(mask, places, starts)] * mask[..., None]
        return Batch(torch.from_numpy(x), torch.from_numpy(mask), torch.from_numpy(self.labels[rows]))

    def sample(self, count: int) -> Reading:
        """As for every reading."""
        return self if count >= len(self) else Hidden(super().sample(count), self.folder)

    def at(self, rows: np.ndarray) -> Reading:
        """As for every reading."""
        return Hidden(super().at(rows), self.folder)


def hidden(reading: Reading, reader: Reader, what: str, cache: Path) -> Reading:
    """A split as its lower layers' hidden states, from the cache or computed now; as it is where they are too large.

    Args:
        reading: the split; all texts of its part of the corpus are read, for other splits of it.
        reader: applies the lower layers.
        what: names them.
        cache: the cache.
    """
    store, space = reading.store, reading.space
    around = space.frame.size(pair=store.firsts is not None)
    tokens = int(np.minimum(np.diff(store.offsets) + around, reading.length).sum())
    size = 4 * tokens * space.dimension
    if size > MOST_BYTES:
        say(
            f"What the student has {what} of {len(store)} texts would take {size / 1e9:.1f} GB; at most "
            f"{MOST_BYTES / 1e9:.1f} GB are kept, so it is made anew for every use."
        )
        return reading
    key = f"{space.sha256} {what} {reading.length} {torch.get_float32_matmul_precision()}"
    told = hashlib.blake2b(key.encode(), digest_size=10).hexdigest()
    folder = cache / "hidden" / f"{store.folder.parent.name}-{store.folder.name}-{told}"
    with built(folder, f"reading {len(store)} texts with frozen layers") as unfinished:
        if unfinished is not None:
            compute(reading, reader, unfinished)
    return Hidden(reading, folder)


def compute(reading: Reading, reader: Reader, folder: Path) -> None:
    """Read all texts of a store and write their hidden states; what a killed process had read is not read again.

    Args:
        reading: tells the store and how it is read.
        reader: applies the lower layers.
        folder: to write into, while it is unfinished.
    """
    count, chunks, lengths = len(reading.store), [], [np.zeros(1, np.int64)]
    bar = Bar("reading texts with frozen layers", count)
    try:
        for start in range(0, count, CHUNK):
            rows = np.arange(start, min(start + CHUNK, count))
            states = folder.parent / f"{folder.name}-{start}.npy"
            with claim(states, f"reading texts from the {start + 1}th on") as ours:
                if ours:
                    write_array(states, of_chunk(reading, rows, reader, bar))
            chunks.append(states)
            lengths.append(lengths_of(reading, rows))
            bar.update(int(rows[-1]) + 1)
    finally:
        bar.close()
    with (folder / STATES).open("wb") as file:
        for chunk in chunks:
            file.write(np.load(chunk, allow_pickle=False).data)
    np.save(folder / OFFSETS, np.cumsum(np.concatenate(lengths)))
    for chunk in chunks:
        discard(chunk)


def lengths_of(reading: Reading, rows: np.ndarray) -> np.ndarray:
    """Tokens that are read of texts of the store (n,), those of the frame among them."""
    _, mask, _ = reading.store.gather(rows, reading.length, reading.space.frame)
    found: np.ndarray = mask.sum(1, dtype=np.int64)
    return found


def of_chunk(reading: Reading, rows: np.ndarray, reader: Reader, bar: Bar) -> np.ndarray:
    """Hidden states (tokens, H) of some texts of the store, in their order; those of like length are read together."""
    order = np.argsort(lengths_of(reading, rows), kind="stable")
    found: list[Tensor] = [torch.empty(0)] * len(rows)
    for start in range(0, len(rows), BATCH):
        taken = order[start : start + BATCH]
        gathered = reading.store.gather(rows[taken], reading.length, reading.space.frame)
        batch = reader(as_tokens(*gathered, rows[taken]))
        for i, x, mask in zip(taken, batch.x.float().cpu(), batch.mask.cpu(), strict=True):
            found[i] = x[mask]
        bar.update(int(rows[0]) + min(start + BATCH, len(rows)))
    return torch.cat(found).numpy()
