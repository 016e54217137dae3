"""One split of a data set on the Hugging Face hub.

Some data sets there are a program that makes them, which `datasets` refuses to run. The hub has run it once itself: the
branch `refs/convert/parquet` holds what came out, `<subset>/<split>/0000.parquet` and so on, and is read instead.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import datasets
import huggingface_hub
import pyarrow as pa
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

from textdd.corpora.files import BATCH_ROWS, SUFFIXES
from textdd.errors import MissingCorpus, TextddError

PARQUET_COPY = "refs/convert/parquet"


log = logging.getLogger(__name__)


@dataclass(frozen=True)
class HubSplit:
    """A split on the hub, downloaded on first use and memory-mapped from then on.

    Attributes:
        hub: the namespaced id, such as "fancyzhx/ag_news".
        revision: the commit that pins its content; None takes the newest.
        subset: which of several subsets ("configurations") of the data set; None where there is one.
        split: "train", "test" or "validation".
        label: the label column (TREC has two, coarse and fine).
        cache_dir: where downloads are kept.
        looked_in: the folders that were tried before the hub, for the message when it cannot be reached.
    """

    hub: str
    revision: str | None
    subset: str | None
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

    @property
    def dataset(self) -> datasets.Dataset:
        """The split itself; downloaded when first asked for.

        Raises:
            MissingCorpus: the hub or this data set cannot be reached.
            TextddError: it has no such subset or split.
        """
        return self._read[0]

    @property
    def read_revision(self) -> str | None:
        """The commit that was read; None where it cannot be told."""
        return self._read[1]

    @cached_property
    def _read(self) -> tuple[datasets.Dataset, str | None]:
        datasets.disable_progress_bars()
        subset: dict[str, Any] = {} if self.subset is None else {"name": self.subset}
        where: dict[str, Any] = {"split": self.split, "cache_dir": str(self.cache_dir)}
        try:
            dataset = datasets.load_dataset(self.hub, revision=self.revision, **where, **subset)
            return dataset, _commit(dataset)
        except Exception as error:  # some thirty kinds: network, proxies, permissions, disk, unknown names
            is_program = isinstance(error, RuntimeError) and "scripts are no longer supported" in str(error)
            unreachable = isinstance(error, ConnectionError)
            if (is_program or unreachable) and (copy := self._parquet_copy(needed=is_program)):
                return copy
            if isinstance(error, ValueError) and (
                "Config name is missing" in str(error) or "BuilderConfig" in str(error)
            ):
                raise TextddError(f"{self.hub}: {error} Type for instance: dataset.subset=NAME") from error
            raise self._missing(error) from error

    def _missing(self, error: Exception) -> MissingCorpus:
        looked = ", ".join(map(str, self.looked_in)) or "no folder, as data_dir is not set"
        return MissingCorpus(
            f"No files found (looked in: {looked}) and {self.name} cannot be loaded from the hub: "
            f"{type(error).__name__}: {error}. Either run once on a machine that reaches the hub, or get "
            f"https://huggingface.co/datasets/{self.hub} by other means and put train and test files "
            f"({', '.join(SUFFIXES)}) into a folder named as the data set. "
            "Type: data_dir=/where/that/folder/is"
        )

    def _parquet_copy(self, *, needed: bool) -> tuple[datasets.Dataset, str] | None:
        """Read the hub's own copy of a data set that is a program; None if it is not `needed` and not in the cache."""
        branch: dict[str, Any] = {"repo_id": self.hub, "repo_type": "dataset", "revision": PARQUET_COPY}
        kept: dict[str, Any] = {**branch, "cache_dir": self.cache_dir / "copies"}
        try:
            if needed:
                listed = huggingface_hub.list_repo_files(**branch)
            else:
                snapshot = Path(huggingface_hub.snapshot_download(**kept, local_files_only=True))
                listed = [str(path.relative_to(snapshot)) for path in snapshot.rglob("*.parquet")]
            paths = self._choose([path for path in listed if re.fullmatch(r"[^/]+/[^/]+/[^/]+\.parquet", path)])
            files = [huggingface_hub.hf_hub_download(filename=path, **kept) for path in paths]
        except LocalEntryNotFoundError:
            return None
        except (HfHubHTTPError, OSError) as error:
            raise self._missing(error) from error
        dataset = datasets.Dataset.from_parquet(files, cache_dir=str(self.cache_dir))
        return dataset, Path(files[0]).parents[2].name  # snapshots/<commit>/<subset>/<split>/0000.parquet

    def _choose(self, paths: list[str]) -> list[str]:
        """Of the files of all subsets and splits, those to read."""
        subsets = sorted({path.split("/")[0] for path in paths})
        subset = self.subset or (subsets[0] if len(subsets) == 1 else None)
        if subset not in subsets:
            raise TextddError(
                f"Got dataset.subset={self.subset or 'null'}; {self.hub} has the subsets {', '.join(subsets)}. "
                f"Type for instance: dataset.subset={subsets[0] if subsets else 'NAME'}"
            )
        for split in (self.split, f"partial-{self.split}"):
            if found := sorted(path for path in paths if path.startswith(f"{subset}/{split}/")):
                if split != self.split:
                    log.warning("%s: the hub's copy holds only the first part of this split", self.name)
                return found
        splits = sorted({path.split("/")[1] for path in paths if path.startswith(f"{subset}/")})
        raise TextddError(
            f"{self.hub} has no split {self.split!r}; it has {', '.join(splits)}. "
            f"Type for instance: dataset.hub_test={splits[0]}"
        )

    @property
    def label_names(self) -> tuple[str, ...]:
        """What the integer labels stand for, in order, as the hub's features say; () where they do not."""
        kind = self.dataset.features.get(self.label)
        return tuple(kind.names) if isinstance(kind, datasets.ClassLabel) else ()

    def fingerprint(self, cache_dir: Path) -> str:
        """Identify the content; a pinned revision needs no network."""
        del cache_dir
        content = self.revision or self.read_revision or self.dataset._fingerprint
        subset = f"{self.subset}/" if self.subset else ""
        return f"{self.hub}@{content}:{subset}{self.split}"

    def columns(self) -> list[str]:
        """Name the columns."""
        return list(self.dataset.column_names)

    def batches(self, columns: list[str]) -> Iterator[pa.Table]:
        """Yield the rows in order, ten thousand at a time."""
        yield from self.dataset.select_columns(columns).with_format("arrow").iter(BATCH_ROWS)


def _commit(dataset: datasets.Dataset) -> str | None:
    """The commit, by which `datasets` names the folder of what it has downloaded."""
    files = dataset.cache_files
    name = Path(files[0]["filename"]).parent.name if files else ""
    return name if re.fullmatch("[0-9a-f]{40}", name) else None
