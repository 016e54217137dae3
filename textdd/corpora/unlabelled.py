"""Test files without labels, which every competition has: nothing can be measured on them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager

from textdd.corpora.labels import Unlabelled
from textdd.corpora.sources import DatasetConfig, Sources
from textdd.errors import TextddError
from textdd.typed import typed


@contextmanager
def about_test_files(config: DatasetConfig, sources: Sources) -> Iterator[None]:
    """Say of a test file that lacks labels how to do without it, and not how to take another column for them.

    Raises:
        TextddError: the mistake.
    """
    try:
        yield
    except Unlabelled as error:
        raise TextddError(
            f"{error.got} Mend the row, or leave rows without a label out, dataset.on_missing_label=drop. If this test "
            "file has no labels, as those of competitions, leave it out, and a part of the training texts is set aside "
            f"to test on. Type: {set_aside(config, sources)}"
        ) from error


def set_aside(config: DatasetConfig, sources: Sources) -> str:
    """What to type to test on a part of the training texts, or on a split of the hub that has labels."""
    (train, *more), test = sources.train, sources.test[0]
    if config.test_path is not None:
        return "dataset.test_path=null"
    if not hasattr(train, "path"):
        return "dataset.hub_test=validation"
    if not more:
        return typed("dataset.path", str(train.path))
    return f"mv {shlex.quote(test.name)} {shlex.quote(f'{test.name}.unlabelled')}"
