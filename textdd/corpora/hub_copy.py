"""The hub's own parquet copy of a data set.

Some data sets on the hub are a program that makes them, which `datasets` refuses to run. The hub has run it once
itself: the branch `refs/convert/parquet` holds what came out, as `<subset>/<split>/0000.parquet` and so on, or, in
older copies, `<subset>/<name>-<split>-00000-of-00002.parquet`.
"""

from __future__ import annotations

import glob
import re
from pathlib import Path
from typing import Any, NamedTuple

from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import LocalEntryNotFoundError, RepositoryNotFoundError, RevisionNotFoundError

from textdd.errors import TextddError, nearest_first

BRANCH = "refs/convert/parquet"
PART = "partial-"
"""What the hub puts before the name of a split of which it copied the first 5 GB only."""


class Copy(NamedTuple):
    """One split of a copy, on this machine.

    Attributes:
        files: the parquet files, in order.
        commit: the commit they are of.
        partial: the hub left off copying before the end of the split.
    """

    files: list[str]
    commit: str
    partial: bool


def is_copy(hub: str, revision: str, downloads: Path) -> bool:
    """Tell whether a commit is one of the branch of copies; False where the hub cannot be asked."""
    try:
        listed, _ = _listed(hub, revision, downloads)
    except Exception:  # some thirty kinds; whoever reads the data set next says what is wrong
        return False
    files = [path for path in listed if not path.startswith(".")]
    return bool(files) and len(_pieces(hub, files)) == len(files)


def read_copy(hub: str, revision: str, subset: str | None, split: str, downloads: Path, *, stay: bool = False) -> Copy:
    """Download one split of a copy, or find it among what was downloaded.

    Args:
        hub: the data set's id.
        revision: `BRANCH`, or a commit of it.
        subset: which subset; None where there is one.
        split: which split.
        downloads: where downloads are kept.
        stay: do not ask the hub.

    Raises:
        TextddError: the subset or the split is not there.
        OSError: there is no copy, or the hub cannot be reached and none was downloaded.
    """
    listed, complete = _listed(hub, revision, downloads, stay=stay)
    pieces = _pieces(hub, listed)
    subsets = sorted({of for of, _, _ in pieces})
    if subset is None and len(subsets) == 1:
        subset = subsets[0]
    found = sorted({of for at, of, _ in pieces if at == subset}, key=lambda of: not of.startswith(PART))
    splits = {of.removeprefix(PART): of for of in found}  # whole ones come last and win
    if split not in splits and not complete:
        raise FileNotFoundError(f"{split} of {hub} was not downloaded before")
    if subset not in subsets:
        raise not_there(hub, "dataset.subset", subset, subsets)
    if split not in splits:
        raise not_there(hub, "dataset.hub_test", split, sorted(splits))
    paths = sorted(path for at, of, path in pieces if (at, of) == (subset, splits[split]))
    folder = _download(hub, revision, downloads, [glob.escape(path) for path in paths], stay=stay)
    return Copy([str(folder / path) for path in paths], folder.name, splits[split] != split)


def not_there(hub: str, option: str, got: str | None, allowed: list[str]) -> TextddError:
    """Make the error for a subset or a split that a data set has not."""
    if option == "dataset.hub_test" and got == "train":
        return TextddError(
            f"{hub} has no split 'train' to train on; it has {', '.join(allowed)}. Save the one to train on as a file, "
            "and type: dataset.path=THAT_FILE"
        )
    choices = sorted(allowed) if got is None else nearest_first(got, allowed)
    kind = "subsets" if option == "dataset.subset" else "splits"
    return TextddError(
        f"Got {option}={got or 'null'}; {hub} has the {kind} {', '.join(choices) or '(none)'}. "
        f"Type for instance: {option}={choices[0] if choices else 'null'}"
    )


def _listed(hub: str, revision: str, downloads: Path, *, stay: bool = False) -> tuple[list[str], bool]:
    """The paths of all files of a revision, or, without the hub, of those downloaded; and whether they are all."""
    if not stay:
        try:
            return HfApi().list_repo_files(hub, revision=revision, repo_type="dataset"), True
        except (RepositoryNotFoundError, RevisionNotFoundError):
            raise
        except Exception as error:  # networks fail in many ways
            try:
                return _listed(hub, revision, downloads, stay=True)
            except LocalEntryNotFoundError:
                raise error from None
    folder = _download(hub, revision, downloads, [], stay=True)
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*.parquet")], False


def _download(hub: str, revision: str, downloads: Path, patterns: list[str], *, stay: bool) -> Path:
    """The folder of a revision, which is named by its commit."""
    where: dict[str, Any] = {"repo_type": "dataset", "revision": revision, "cache_dir": downloads / "copies"}
    return Path(snapshot_download(hub, **where, allow_patterns=patterns, local_files_only=stay))


def _pieces(hub: str, paths: list[str]) -> list[tuple[str, str, str]]:
    """Subset, split and path of every file of a copy."""
    name = re.escape(hub.split("/")[-1])
    form = re.compile(rf"([^/]+)/(?:([^/]+)/\d+|{name}-([^/]+?)(?:-\d+-of-\d+)?)\.parquet")
    return [(found[1], found[2] or found[3], path) for path in paths if (found := form.fullmatch(path))]
