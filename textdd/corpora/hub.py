"""One split of a data set on the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import datasets
import pyarrow as pa

from textdd.corpora.files import BATCH_ROWS, SUFFIXES
from textdd.errors import MissingCorpus


@dataclass(frozen=True)
class HubSplit:
    """A split on the hub, downloaded on first use and memory-mapped from then on.

    Attributes:
        hub: the namespaced id, such as "fancyzhx/ag_news".
        revision: the commit that pins its content; None takes the newest.
        split: "train", "test" or "validation".
        label: the label column (TREC has two, coarse and fine).
        cache_dir: where downloads are kept.
        looked_in: the folders that were tried before the hub, for the message when it cannot be reached.
    """

    hub: str
    revision: str | None
    split: str
    label: str
    cache_dir: Path
    looked_in: tuple[Path, ...] = ()
    first_label = 0
    first_row = 1

    @property
    def name(self) -> str:
        """What messages call this split."""
        return f"{self.hub} [{self.split}]"

    @cached_property
    def dataset(self) -> datasets.Dataset:
        """The split itself; downloaded when first asked for.

        Raises:
            MissingCorpus: the hub or this data set cannot be reached.
        """
        datasets.disable_progress_bars()
        try:
            return datasets.load_dataset(
                self.hub, revision=self.revision, split=self.split, cache_dir=str(self.cache_dir)
            )
        except Exception as error:  # some thirty kinds: network, proxies, permissions, disk, unknown names
            looked = ", ".join(map(str, self.looked_in)) or "no folder, as data_dir is not set"
            raise MissingCorpus(
                f"No files found (looked in: {looked}) and {self.name} cannot be loaded from the hub: "
                f"{type(error).__name__}: {error}. Either run once on a machine that reaches the hub, or get "
                f"https://huggingface.co/datasets/{self.hub} by other means and put train and test files "
                f"({', '.join(SUFFIXES)}) into a folder named as the data set. "
                "Type: data_dir=/where/that/folder/is"
            ) from error

    @property
    def label_names(self) -> tuple[str, ...]:
        """What the integer labels stand for, in order, as the hub's features say; () where they do not."""
        kind = self.dataset.features.get(self.label)
        return tuple(kind.names) if isinstance(kind, datasets.ClassLabel) else ()

    def fingerprint(self, cache_dir: Path) -> str:
        """Identify the content; a pinned revision needs no network."""
        del cache_dir
        content = self.revision or self.dataset._fingerprint
        return f"{self.hub}@{content}:{self.split}"

    def columns(self) -> list[str]:
        """Name the columns."""
        return list(self.dataset.column_names)

    def batches(self, columns: list[str]) -> Iterator[pa.Table]:
        """Yield the rows in order, ten thousand at a time."""
        yield from self.dataset.select_columns(columns).with_format("arrow").iter(BATCH_ROWS)
