"""Texts and targets on disk, as Arrow: written once in a stream, memory-mapped ever after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from textdd.corpora.records import Records

SEGMENTS = ("text", "second")
"""Columns of the texts: the first segment and, of pairs, the second."""


class TextStore:
    """The checked texts of one part of a corpus.

    Attributes:
        path: an Arrow file with a column for each segment and one of targets.
        targets: class numbers (n,), int64, or 0 and 1 for each label (n, C), bool.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        columns = [self._table[name] for name in SEGMENTS if name in self._table.column_names]
        self._segments = [column.chunks for column in columns]
        self._starts = np.cumsum([0, *(len(chunk) for chunk in self._segments[0])])
        targets = self._table["targets"]
        if pa.types.is_fixed_size_list(targets.type):
            flat = np.concatenate([chunk.flatten().to_numpy(zero_copy_only=False) for chunk in targets.chunks])
            self.targets: np.ndarray = flat.reshape(len(targets), -1)
        else:
            self.targets = targets.to_numpy()

    def __len__(self) -> int:
        return len(self.targets)

    def __reduce__(self) -> tuple[type[TextStore], tuple[Path]]:
        # Sent to another process (ddp_spawn), it is opened there.
        return TextStore, (self.path,)

    @property
    def pair(self) -> bool:
        """Whether every text has two segments."""
        return len(self._segments) == len(SEGMENTS)

    @cached_property
    def bytes(self) -> np.ndarray:
        """UTF-8 bytes of each text, both segments of a pair together (n,), int64."""
        sizes = [pc.binary_length(pa.chunked_array(chunks)).to_numpy() for chunks in self._segments]
        return np.asarray(np.sum(sizes, axis=0, dtype=np.int64))

    def batches(self) -> Iterator[list[pa.StringArray]]:
        """All texts in order, thousands at a time: their segments.

        They are read and not mapped: pages of a map stay in memory as long as there is room.
        """
        with pa.ipc.open_file(pa.OSFile(str(self.path))) as file:
            for i in range(file.num_record_batches):
                batch = file.get_batch(i)
                yield [batch.column(name) for name in SEGMENTS[: len(self._segments)]]

    def take(self, rows: np.ndarray) -> list[tuple[str, ...]]:
        """The segments of some texts (N,), in the order asked for."""
        found: list[list[str]] = []
        for chunks in self._segments:
            owners = np.searchsorted(self._starts, rows, side="right") - 1
            pairs = zip(owners, rows - self._starts[owners], strict=True)
            found.append([chunks[owner][int(place)].as_py() for owner, place in pairs])
        return list(zip(*found, strict=True))


def write_texts(path: Path, batches: Iterable[Records]) -> None:
    """Write a stream of checked texts and targets; they never are in memory together.

    Args:
        path: the file to make.
        batches: one at least.
    """
    writer = None
    try:
        for batch in batches:
            columns: dict[str, pa.Array] = dict(zip(SEGMENTS, batch.segments, strict=False))
            if batch.targets.ndim == 1:
                columns["targets"] = pa.array(batch.targets)
            else:
                columns["targets"] = pa.FixedSizeListArray.from_arrays(
                    pa.array(batch.targets.ravel()), batch.targets.shape[1]
                )
            table = pa.record_batch(columns)
            writer = writer or pa.ipc.new_file(str(path), table.schema)
            writer.write_batch(table)
    finally:
        if writer is not None:
            writer.close()
