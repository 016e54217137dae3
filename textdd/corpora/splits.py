"""Stratified splits: every class keeps its share on both sides."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from textdd.errors import TextddError, cut


def carve(
    labels: np.ndarray, size: float, classes: Sequence[str], what: str, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Carve a stratified part out of a set of examples.

    Each class gives its share, rounded so that the sizes add up (largest remainder), but at least one
    example, and at least one of it stays behind.

    Args:
        labels: class numbers (n,); C is a group of its own, of texts without any label.
        size: how many examples to carve.
        classes: the C class names.
        what: the part to carve, for messages: "validation" or "test".
        generator: decides which examples.

    Returns:
        The rows that stay and the rows that are carved, each in ascending order.

    Raises:
        TextddError: a class has fewer than two examples.
    """
    check_counts(labels, classes, what)
    counts = np.bincount(labels, minlength=len(classes))  # (C,) or, with texts without any label, (C + 1,)
    quotas = _quotas(counts, size)
    # A random order, then stably by class: the first of each class are a random sample of it.
    order = generator.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    rank = np.arange(len(labels)) - np.repeat(np.cumsum(counts) - counts, counts)
    carved = rank < np.repeat(quotas, counts)
    return np.sort(order[~carved]), np.sort(order[carved])


def carve_whole(
    labels: np.ndarray,
    groups: np.ndarray,
    size: float,
    classes: Sequence[str],
    what: str,
    generator: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Carve a part as `carve` does, but whole groups of examples: a group is on one side.

    Groups are taken in a random order, each if it fills more of what its classes still have to give than it exceeds. A
    part may so be a little smaller or larger, and classes that stand in large groups alone may give less.

    Args:
        labels: class numbers (n,).
        groups: the group of each example (n,), from 0.
        size: how many examples to carve.
        classes: the C class names.
        what: the part to carve, for messages.
        generator: decides which groups.

    Returns:
        The rows that stay and the rows that are carved, each in ascending order.

    Raises:
        TextddError: a class has fewer than two examples, or all of its examples are in one group with too many others.
    """
    check_counts(labels, classes, what)
    counts = np.bincount(labels, minlength=len(classes))
    left, members = _quotas(counts, size), np.argsort(groups, kind="stable")
    ends = np.cumsum(np.bincount(groups))
    carved = np.zeros(len(labels), bool)
    for group in generator.permutation(len(ends)):
        rows = members[ends[group - 1] if group else 0 : ends[group]]
        of_class = np.bincount(labels[rows], minlength=len(counts))
        if 2 * np.minimum(of_class, left).sum() > len(rows):
            carved[rows] = True
            left = np.maximum(left - of_class, 0)
    for label, name in enumerate(classes):
        own = carved[labels == label]
        if not own.any() or own.all():
            raise TextddError(
                f"No {what} texts of the class {cut(name)!r} can be set aside without tearing texts apart that contain "
                "one another. Type: dataset.groups=none"
            )
    return np.flatnonzero(~carved), np.flatnonzero(carved)


def check_counts(labels: np.ndarray, classes: Sequence[str], what: str) -> None:
    """Check that something of every class can be carved.

    Raises:
        TextddError: a class has fewer than two examples.
    """
    counts = np.bincount(labels, minlength=len(classes))[: len(classes)]
    if counts.min() < 2:
        poorest = int(counts.argmin())
        raise TextddError(
            f"Class {cut(classes[poorest])!r} has {counts[poorest]} training text(s), and {what} texts must be "
            "set aside: at least 2 per class are needed, 3 where test texts are set aside as well. If another column "
            "holds the label, name it, dataset.label=NAME; else add texts, or leave such classes out. "
            "Type: dataset.min_per_class=3"
        )


def _quotas(counts: np.ndarray, size: float) -> np.ndarray:
    """Share `size` between classes in proportion to `counts` (C,), at least 1 and at most all but 1 each."""
    shares = counts * (size / counts.sum())
    quotas = np.floor(shares).astype(np.int64)
    short = round(size) - int(quotas.sum())
    quotas[np.argsort(quotas - shares, kind="stable")[:short]] += 1
    return np.clip(quotas, np.minimum(1, counts - 1), counts - 1)
