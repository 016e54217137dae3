"""Several sets taught as one: those of parties that each have some of the texts, or of classes that came in turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from textdd.errors import TextddError, cut
from textdd.sets.training_set import TrainingSet


def all_classes(named: Sequence[Sequence[str]]) -> list[str]:
    """The classes of several sets, each once, in the order in which they come."""
    return list(dict.fromkeys(name for classes in named for name in classes))


def over(examples: TrainingSet, own: Sequence[str], classes: Sequence[str]) -> TrainingSet:
    """The same examples with labels (M, C) over the classes of all, where every class that is not theirs has 0.

    Args:
        examples: of one set.
        own: its classes, in the order of its labels.
        classes: those of all, C.

    Raises:
        TextddError: a class of the set is none of them.
    """
    places = {name: place for place, name in enumerate(classes)}
    unknown = [name for name in own if name not in places]
    if unknown:
        raise TextddError(
            f"Got a set with the class {cut(unknown[0])!r}; the classes are {', '.join(map(cut, classes[:5]))} ... "
            "Take sets of these, or no corpus, so that classes are those of the sets: train([first, second], NAME)"
        )
    y = examples.y.new_zeros(len(examples.y), len(classes))
    y[:, [places[name] for name in own]] = examples.y
    return replace(examples, y=y)


def together(sets: Sequence[TrainingSet]) -> TrainingSet:
    """The examples of several sets behind one another; shorter ones are filled up to the longest, and masked there.

    Attention labels, which belong to the recipe of one set, are left out.

    Args:
        sets: one at least, with labels over the same classes and embeddings of one space, or all read by one student.
    """
    longest = max(one.x.shape[1] for one in sets)
    masks = [_mask(one) for one in sets]
    plain = all(one.mask is None and one.x.shape[1] == longest for one in sets)
    return TrainingSet(
        torch.cat([F.pad(one.x, (0, 0, 0, longest - one.x.shape[1])) for one in sets]),
        torch.cat([one.y for one in sets]),
        None if plain else torch.cat([F.pad(mask, (0, longest - mask.shape[1])) for mask in masks]),
        sum(one.bytes for one in sets),
        read=all(one.read for one in sets),
    )


def balanced(examples: TrainingSet) -> TrainingSet:
    """The same with examples repeated, so that each likeliest class has as many, but for what does not divide.

    Where a few examples of some classes stand beside many of others, as kept ones beside new ones, the many would
    outvote the few.
    """
    classes = examples.y.argmax(1)
    most = int(classes.bincount().max())
    owned = [(classes == number).nonzero().squeeze(1) for number in classes.unique().tolist()]
    chosen = torch.cat([rows.repeat(-(-most // len(rows)))[:most] for rows in owned])
    mask = None if examples.mask is None else examples.mask[chosen]
    return replace(examples, x=examples.x[chosen], y=examples.y[chosen], mask=mask)


def _mask(one: TrainingSet) -> Tensor:
    """True at tokens (M, L)."""
    return one.x.new_ones(one.x.shape[:2], dtype=torch.bool) if one.mask is None else one.mask.bool()
