"""The size of a set: the budget, a fraction of the training texts, as a number of examples per class, or of pairs."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from fractions import Fraction

import numpy as np

from textdd.errors import TextddError


def per_class_from_budget(budget: float | str | Decimal, rows: int, classes: int) -> int:
    """Turn a budget into examples per class: floor(budget * rows / classes), exactly.

    The arithmetic is on the decimal that was typed: 0.001 of 120,000 texts over 4 classes is 30,
    where binary fractions would make it 29 for some budgets.

    Args:
        budget: fraction of the training texts, in (0, 1].
        rows: training texts.
        classes: C.

    Raises:
        TextddError: the budget is no such number, or buys less than one example per class.
    """
    try:
        typed = Decimal(str(budget))
    except InvalidOperation:
        typed = Decimal("NaN")
    if not (typed.is_finite() and 0 < typed <= 1):
        raise TextddError(
            f"budget={budget} is not a fraction of the training texts. Allowed: more than 0 and at most 1. "
            "Type for instance: budget=0.001"
        )
    per_class = int(Fraction(typed) * rows // classes)
    if per_class < 1:
        raise TextddError(
            f"budget={budget} of {rows} training texts is less than one example for each of {classes} "
            f"classes. The least that gives one is budget={least_budget(rows, classes)}"
        )
    return per_class


def least_budget(rows: int, classes: int) -> str:
    """Find the least budget of three significant digits that buys one example per class, as it is typed.

    Args:
        rows: training texts.
        classes: C.

    Raises:
        TextddError: there are fewer texts than classes, so no budget does.
    """
    if rows < classes:
        raise TextddError(f"{rows} training texts are fewer than {classes} classes: no budget gives one per class.")
    exact = Decimal(classes) / rows
    digits = Decimal(1).scaleb(exact.adjusted() - 2)
    rounded = exact.quantize(digits, rounding=ROUND_CEILING)
    # The quotient itself was rounded to 28 digits, perhaps downwards onto a three-digit number.
    if Fraction(rounded) * rows < classes:
        rounded += digits
    return f"{rounded.normalize():f}"


def check_per_class(per_class: int, labels: np.ndarray, classes: Sequence[str]) -> None:
    """Check that every class has enough training texts to pick from.

    Args:
        per_class: examples wanted of each class.
        labels: class numbers of the training texts (n,); those beyond C are of texts without any label.
        classes: the C class names.

    Raises:
        TextddError: a class has fewer; the message says what is the most possible.
    """
    counts = np.bincount(labels, minlength=len(classes))[: len(classes)]  # (C,)
    poorest = int(counts.argmin())
    if counts[poorest] < per_class:
        raise TextddError(
            f"{per_class} examples per class are asked for, but class {classes[poorest]!r} has only "
            f"{counts[poorest]} training texts. The most possible is per_class={counts[poorest]}; "
            "type that, or a smaller budget."
        )


def check_pairs(pairs: int, there: int) -> None:
    """Check that there are enough training pairs to pick from, where targets are texts.

    Args:
        pairs: how many are wanted.
        there: training pairs.

    Raises:
        TextddError: there are fewer.
    """
    if pairs > there:
        raise TextddError(f"{pairs} pairs are asked for, and there are {there} training pairs. Type: pairs={there}")


def check_kind_of_size(per_class: int | None, pairs: int | None, *, written: bool) -> None:
    """Check that a size is given as the targets of the corpus allow.

    Args:
        per_class: the option of this name.
        pairs: the option of this name.
        written: targets are texts, which have no classes.

    Raises:
        TextddError: it is given as the other.
    """
    if written and per_class is not None:
        raise TextddError(
            f"Got per_class={per_class}, and the targets of the corpus are texts, which have no classes: its size is "
            f"a number of pairs of a prompt and a response. Type: pairs={per_class}"
        )
    if not written and pairs is not None:
        raise TextddError(
            f"Got pairs={pairs}, and the targets of the corpus are classes or labels: its size is a number of examples "
            f"of each. Type: per_class={pairs}; or name the column that is to be written: dataset.target=NAME"
        )


def counted(size: int, task: str) -> str:
    """The size of a set in words.

    Args:
        size: examples per class; of pairs of a prompt and a response, which have no classes, all of them.
        task: the kind of targets, by its name.
    """
    return f"{size} pairs" if task == "generation" else f"{size} per class"
