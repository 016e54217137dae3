"""Whether the parts of a set fit together, and how large it will be, before anything of that size is made."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from textdd.sets.parametrisations import Parametrisation
from textdd.sets.parametrisations.half import widened
from textdd.sets.parametrisations.mixture import Mixture
from textdd.sets.tensors import part_of
from textdd.training import Recipe

MOST_NUMBERS = 1 << 28
"""Of the matrices of a set, 1 GB: a distilled set is small."""

MOST_VISITS = 50_000_000
"""Examples in all steps of a recipe: their row numbers are drawn beforehand."""

TOLERANCE = 1e-3
"""By which the probabilities of a label may miss their sum, one."""


def shape_when_rebuilt(
    kind: type[Parametrisation], tensors: dict[str, Tensor], table: Tensor | None
) -> tuple[int, ...]:
    """The shape (M, L, D) that texts will have, found without making them.

    Raises:
        ValueError: a tensor is missing, or they do not fit together.
    """
    parts = [widened(part_of(tensors, name)) for name in kind.tensors]
    if kind is Mixture:
        if table is None:
            raise ValueError("mixtures are of words, and there are no word vectors")
        parts.append(table)
    try:
        shape = tuple(kind(*(part.to("meta") for part in parts))().shape)
    except RuntimeError as error:  # torch's word for shapes that do not fit
        shapes = ", ".join(f"{name} {tuple(tensors[name].shape)}" for name in kind.tensors)
        raise ValueError(f"its tensors do not fit together: {shapes}") from error
    if len(shape) != 3 or (table is not None and shape[2] != table.shape[1]):
        beside = "" if table is None else f", word vectors {tuple(table.shape)}"
        raise ValueError(f"texts {shape}{beside}")
    if math.prod(shape) > MOST_NUMBERS:
        raise ValueError(f"texts {shape} are more than {MOST_NUMBERS} numbers")
    return shape


def check_fit(
    texts: Sequence[int], y: Tensor, step_sizes: Tensor | None, recipe: Recipe, manifest: dict[str, Any]
) -> None:
    """Check that the parts of a set fit together.

    Args:
        texts: the shape (M, L, D) of matrices, or the number of texts (M,).
        y: labels (M, C).
        step_sizes: learned ones, if there are any.
        recipe: how the set is taught.
        manifest: what else is known.

    Raises:
        ValueError: they do not.
    """
    classes, pieces = len(manifest["classes"]), manifest.get("pieces", 1)
    if y.shape != (texts[0], classes):
        raise ValueError(f"texts {tuple(texts)}, labels {tuple(y.shape)} for {classes} classes")
    if y.min() < 0 or y.max() > 1 + TOLERANCE:
        raise ValueError(f"y holds {float(y.min()):g} to {float(y.max()):g}; labels are probabilities")
    if manifest.get("task", "one_class") == "one_class":
        totals = y.double().sum(1)
        if (totals - 1).abs().max() > TOLERANCE:
            raise ValueError(f"y has a row whose sum is {float(totals[(totals - 1).abs().argmax()]):g}; it is 1")
    if pieces > 1 and (len(texts) < 3 or texts[0] % classes or texts[1] % pieces):
        raise ValueError(f"texts {tuple(texts)} of {classes} classes cannot be cut into {pieces} pieces")
    if recipe.steps * min(recipe.batch, texts[0] * pieces) > MOST_VISITS:
        raise ValueError(f"{recipe.steps} steps of {recipe.batch} examples are more than {MOST_VISITS} examples")
    if step_sizes is None:
        return
    if len(step_sizes) != recipe.steps:
        raise ValueError(f"there are {len(step_sizes)} step sizes for {recipe.steps} steps")
    if step_sizes.min() < 0:
        raise ValueError(f"step_sizes holds {float(step_sizes.min()):g}; no step size is negative")
