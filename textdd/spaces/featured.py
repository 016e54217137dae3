"""What a frozen body makes of real texts, computed once and kept: its students read one vector in place of a text."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import torch
from torch import nn

from textdd.locks import claim
from textdd.progress import Bar
from textdd.record import write_array
from textdd.seal import discard
from textdd.spaces.reading import Featured, Reader, Reading, as_tokens
from textdd.students.custom import source_of

MOST_TEXTS = 200_000
"""Training texts of which a frozen body reads all; of a larger corpus it reads a sample of so many."""

CHUNK, BATCH = 4096, 64
"""Texts in a file that is kept as soon as it is made, and texts read at a time, all of about one length."""


def featured(reading: Reading, reader: Reader, key: str, cache: Path, most: int = MOST_TEXTS) -> Featured:
    """A split as its body's vectors, from the cache or computed now.

    Args:
        reading: the split; of a part of the corpus that is not too large all texts are read, for other splits of it.
        reader: applies the body.
        key: identifies the body and how it reads.
        cache: the cache.
        most: texts that the body reads; of a split of a larger part of the corpus, a sample of so many.
    """
    whole = len(reading.store) <= most
    reading = reading if whole else reading.sample(most)
    rows = np.arange(len(reading.store)) if whole else reading.rows
    told = hashlib.blake2b(repr((key, reading.length)).encode() + rows.tobytes(), digest_size=10).hexdigest()
    part = f"{reading.store.folder.parent.name}-{reading.store.folder.name}"
    path = cache / "features" / f"{part}-{told}.npy"
    with claim(path, f"reading {len(rows)} texts with a frozen body") as ours:
        if ours:
            compute(reading, rows, reader, path)
    vectors = np.load(path, mmap_mode="r", allow_pickle=False)
    return Featured(reading, vectors if whole else at_rows(vectors, rows, len(reading.store)))


def at_rows(vectors: np.ndarray, rows: np.ndarray, size: int) -> np.ndarray:
    """Vectors (n, H) of some rows of a store of `size` texts, as an array that has them at these rows."""
    spread = np.zeros((size, vectors.shape[1]), vectors.dtype)
    spread[rows] = vectors
    return spread


def compute(reading: Reading, rows: np.ndarray, reader: Reader, path: Path) -> None:
    """Read texts and write their vectors; what a killed process had read is not read again.

    Args:
        reading: tells the store and how it is read.
        rows: of the store (n,).
        reader: applies the body.
        path: the file of vectors (n, H), float32.
    """
    chunks = []
    bar = Bar("reading texts with a frozen body", len(rows))
    try:
        for start in range(0, len(rows), CHUNK):
            chunk = path.with_name(f".{path.stem}-{start}.npy")
            chunks.append(chunk)
            with claim(chunk, f"reading texts from the {start + 1}th on") as ours:
                if ours:
                    write_array(chunk, of_chunk(reading, rows[start : start + CHUNK], reader, bar, start))
            bar.update(min(start + CHUNK, len(rows)))
    finally:
        bar.close()
    write_array(path, np.concatenate([np.load(chunk) for chunk in chunks]))
    for chunk in chunks:
        discard(chunk)


def of_chunk(reading: Reading, rows: np.ndarray, reader: Reader, bar: Bar, done: int) -> np.ndarray:
    """Vectors (n, H) of some texts of the store; those of like length are read together."""
    counts = np.diff(reading.store.offsets)[rows]
    order = np.argsort(counts, kind="stable")
    found: list[np.ndarray] = []
    for start in range(0, len(rows), BATCH):
        taken = rows[order[start : start + BATCH]]
        gathered = reading.store.gather(taken, reading.length, reading.space.frame)
        batch = reader(as_tokens(*gathered, taken))
        found.append(batch.x[:, 0].float().cpu().numpy())
        bar.update(done + min(start + BATCH, len(rows)))
    vectors = np.concatenate(found)
    back = np.empty_like(vectors)
    back[order] = vectors
    return back


def body_key(reader: Reader) -> str:
    """Identifies what lies below the learned part of a student: the module's own options and its space.

    The space of a pretrained model is known by all of its parameters; another body has parameters, and a class, of its
    own.
    """
    module = reader.student.module
    pooled = getattr(module, "cls", False)
    own = getattr(module, "reads", "") if reader.space.kind == "pretrained" else frozen_digest(module)
    return f"{reader.space.sha256} {'cls' if pooled else 'mean'} {torch.get_float32_matmul_precision()}{own}"


def frozen_digest(module: nn.Module) -> str:
    """A hash of all that a student does not learn, and of the file that its class is written in."""
    digest = hashlib.blake2b(f"{type(module).__qualname__} {source_of(type(module))}".encode(), digest_size=10)
    frozen = [(name, p) for name, p in module.named_parameters() if not p.requires_grad]
    for name, tensor in [*frozen, *module.named_buffers()]:
        digest.update(name.encode() + tensor.detach().cpu().double().numpy().tobytes())
    return f" {digest.hexdigest()}"
