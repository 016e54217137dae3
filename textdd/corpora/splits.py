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
    counts = np.bincount(labels, minlength=len(classes))  # (C,) or, with texts without any label, (C + 1,)
    if counts[: len(classes)].min() < 2:
        poorest = int(counts[: len(classes)].argmin())
        raise TextddError(
            f"Class {cut(classes[poorest])!r} has {counts[poorest]} training text(s), and {what} texts must be "
            "set aside: at least 2 per class are needed, 3 where test texts are set aside as well. If another column "
            "holds the label, name it, dataset.label=NAME; else add texts, or leave such classes out. "
            "Type: dataset.min_per_class=3"
        )
    quotas = _quotas(counts, size)
    # A random order, then stably by class: the first of each class are a random sample of it.
    order = generator.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    rank = np.arange(len(labels)) - np.repeat(np.cumsum(counts) - counts, counts)
    carved = rank < np.repeat(quotas, counts)
    return np.sort(order[~carved]), np.sort(order[carved])


def _quotas(counts: np.ndarray, size: float) -> np.ndarray:
    """Share `size` between classes in proportion to `counts` (C,), at least 1 and at most all but 1 each."""
    shares = counts * (size / counts.sum())
    quotas = np.floor(shares).astype(np.int64)
    short = round(size) - int(quotas.sum())
    quotas[np.argsort(quotas - shares, kind="stable")[:short]] += 1
    return np.clip(quotas, np.minimum(1, counts - 1), counts - 1)
