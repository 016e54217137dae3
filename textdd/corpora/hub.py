"""One split of a data set on the Hugging Face hub."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
from huggingface_hub import HfApi
from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.utils.tqdm import disable_progress_bars

from textdd.corpora.files import BATCH_ROWS, SUFFIXES
from textdd.corpora.hub_copy import BRANCH, is_copy, not_there, read_copy
from textdd.errors import MissingCorpus, TextddError
from textdd.progress import say
from textdd.seal import discard, flaw, seal, seal_of

REFUSED = "scripts are no longer supported"
"""What `datasets` says of a data set that is a program."""

COMMIT = re.compile("[0-9a-f]{40}")

say_once = cache(say)
"""Both splits of a data set have the same to tell."""


def vouch(entry: Path) -> None:
    """Seal what was downloaded, the first time that it is read."""
    if not seal_of(entry).exists():
        with suppress(OSError):  # a cache that can only be read
            seal(entry)


def discard_damaged(downloads: Path) -> None:
    """Remove what was downloaded and is damaged, so that it is downloaded again."""
    for sealed in [*downloads.rglob(".*.seal")]:
        entry = sealed.with_name(sealed.name[1:].removesuffix(".seal"))
        if wrong := flaw(entry):
            say(f"{entry}: {wrong}. It is downloaded anew.")
            discard(entry)


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
    def pinned(self) -> bool:
        """The revision is a commit, perhaps abbreviated, whose content never changes; branches and tags move."""
        return re.fullmatch("[0-9a-f]+", self.revision or "") is not None

    @property
    def dataset(self) -> datasets.Dataset:
        """The split itself; downloaded when first asked for.

        Raises:
            MissingCorpus: the hub or this data set cannot be reached.
            TextddError: the data set has no such subset or split.
        """
        return self._read[0]

    @property
    def read_revision(self) -> str | None:
        """The commit that was read; None where it cannot be told.

        Raises:
            MissingCorpus: the hub or this data set cannot be reached.
            TextddError: the data set has no such subset or split.
        """
        return self._read[1]

    @cached_property
    def _read(self) -> tuple[datasets.Dataset, str | None]:
        datasets.disable_progress_bars()
        disable_progress_bars()
        discard_damaged(self.cache_dir)
        try:
            revision = self.revision or ""
            if revision == BRANCH or (COMMIT.fullmatch(revision) and is_copy(self.hub, revision, self.cache_dir)):
                found: tuple[datasets.Dataset, str | None] = self._read_copy(revision)
            else:
                found = self._read_repository()
            for folder in {Path(file["filename"]).parent for file in found[0].cache_files}:
                vouch(folder)
            return found
        except TextddError:
            raise
        except Exception as error:  # some thirty kinds: network, proxies, permissions, disk, unknown names
            raise self._missing(error) from error

    def _read_repository(self) -> tuple[datasets.Dataset, str | None]:
        subset: dict[str, Any] = {} if self.subset is None else {"name": self.subset}
        where: dict[str, Any] = {"revision": self.revision, "split": self.split, "cache_dir": str(self.cache_dir)}
        try:
            dataset = datasets.load_dataset(self.hub, **subset, **where)
        except Exception as error:
            if isinstance(error, RuntimeError) and REFUSED in str(error):
                return self._read_instead_of_program()
            if isinstance(error, ValueError):
                self._tell_choices(str(error))
            if self.pinned or isinstance(error, datasets.exceptions.DatasetNotFoundError):
                raise
            try:
                return self._read_copy(BRANCH, stay=True)
            except OSError:  # nor was a copy downloaded before
                raise error from None
        # `datasets` names the folder of its cache by the commit.
        files = dataset.cache_files
        folder = Path(files[0]["filename"]).parent.name if files else ""
        commit = folder if COMMIT.fullmatch(folder) else None
        if self.pinned and commit and not commit.startswith(self.revision or ""):
            raise MissingCorpus(
                f"{self.hub} cannot be had at its commit {self.revision}; what was downloaded earlier is {commit}. "
                f"Either go where the hub can be reached, or read that one. Type: dataset.revision={commit}"
            )
        return dataset, commit

    def _read_instead_of_program(self) -> tuple[datasets.Dataset, str]:
        if self.pinned:
            commit = HfApi().dataset_info(self.hub, revision=BRANCH).sha
            raise TextddError(
                f"{self.hub} is a program at its commit {self.revision}, and is not run. The parquet copy that the hub "
                f"made of it has commits of its own. Type: dataset.revision={commit}"
            )
        return self._read_copy(BRANCH)

    def _read_copy(self, revision: str, *, stay: bool = False) -> tuple[datasets.Dataset, str]:
        copy = read_copy(self.hub, revision, self.subset, self.split, self.cache_dir, stay=stay)
        if not self.pinned:
            say_once(f"{self.hub} is read from the parquet copy that the hub made of it, at its commit {copy.commit}.")
        if copy.partial:
            say_once(f"{self.name}: the hub's parquet copy holds only the first part of this split.")
        for file in copy.files:
            vouch(Path(file))
        split = datasets.NamedSplit(self.split)
        return datasets.Dataset.from_parquet(copy.files, split=split, cache_dir=str(self.cache_dir)), copy.commit

    def _tell_choices(self, message: str) -> None:
        """Raise a better error where `datasets` lists the subsets or the splits that there are."""
        for words, option, got in (
            ("Config name is missing", "dataset.subset", self.subset),
            ("BuilderConfig", "dataset.subset", self.subset),
            ("Unknown split", "dataset.hub_test", self.split),
        ):
            if message.startswith(words) and (listed := re.search(r"\['.*'\]", message)):
                raise not_there(self.hub, option, got, ast.literal_eval(listed[0]))

    def _missing(self, error: Exception) -> MissingCorpus:
        """Say why a data set cannot be had, and what helps."""
        looked = ", ".join(map(str, self.looked_in)) or "no folder, as data_dir is not set"
        page = f"https://huggingface.co/datasets/{self.hub}"
        why = f"{type(error).__name__}: {error}".rstrip(".")
        what = "Either run once on a machine that reaches the hub"
        if isinstance(error, RevisionNotFoundError):  # only the branch of copies is asked for without `datasets`
            why = "it is a program, which is not run, and the hub has made no parquet copy of it"
            what = "Either name another data set (dataset.hub=OWNER/NAME)"
        elif isinstance(error, datasets.exceptions.DatasetNotFoundError | RepositoryNotFoundError):
            barrier = self._barrier()
            if isinstance(barrier, GatedRepoError):
                why = "it is gated: whoever reads it has to accept its conditions"
                what = f"Either accept them at {page} and log in by typing `hf auth login`"
            elif isinstance(barrier, RepositoryNotFoundError):
                why = "the hub has no data set of that name, or does not show it to you"
                what = "Either mend the name (dataset.hub=OWNER/NAME), or, if it is private, log in: `hf auth login`"
            elif self.revision is not None:
                what = "Either take the newest (dataset.revision=null)"
        return MissingCorpus(
            f"No files found (looked in: {looked}) and {self.name} cannot be loaded from the hub: {why}. {what}, or "
            f"get {page} by other means and put train and test files ({', '.join(SUFFIXES)}) into a folder named as "
            "the data set. Type: data_dir=/where/that/folder/is"
        )

    def _barrier(self) -> Exception | None:
        """What keeps this user from the data set: `datasets` has one error for all of that."""
        try:
            HfApi().auth_check(self.hub, repo_type="dataset")
        except Exception as error:  # networks fail in many ways
            return error
        return None

    @property
    def label_names(self) -> tuple[str, ...]:
        """What the integer labels stand for, in order, as the hub's features say; () where they do not."""
        kind = self.dataset.features.get(self.label)
        return tuple(kind.names) if isinstance(kind, datasets.ClassLabel) else ()

    def fingerprint(self, cache_dir: Path) -> str:
        """Identify the content; a revision that is a commit needs no network."""
        del cache_dir
        content = self.revision if self.pinned else self.read_revision or self.dataset._fingerprint
        subset = f"{self.subset}/" if self.subset else ""
        return f"{self.hub}@{content}:{subset}{self.split}"

    def columns(self) -> list[str]:
        """Name the columns."""
        return list(self.dataset.column_names)

    def batches(self, columns: list[str]) -> Iterator[pa.Table]:
        """Yield the rows in order, ten thousand at a time."""
        yield from self.dataset.select_columns(columns).with_format("arrow").iter(BATCH_ROWS)
