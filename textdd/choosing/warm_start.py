"""Warm starts of methods that choose texts: the texts of another set join the candidates, and are the first choice."""

from __future__ import annotations

import numpy as np
import torch

from textdd.choosing.pool import Pool
from textdd.corpora.several import rarest
from textdd.errors import TextddError
from textdd.problem import Problem
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.texts import TextSet


def with_source(pool: Pool, source: DistilledSet, problem: Problem) -> tuple[Pool, list[int]]:
    """The candidates with the texts of a set behind them, and the rows of these (M,).

    Raises:
        TextddError: the set is none of texts, or has other classes or another size.
    """
    if not isinstance(source, TextSet):
        raise TextddError(
            "The set of the warm start is one of matrices; texts are chosen from texts. "
            "Type: distiller=project to turn it into texts, or distiller.warm_start=null"
        )
    classes, size = problem.corpus.classes, problem.per_class * problem.classes
    if sorted(source.classes) != sorted(classes):
        raise TextddError(
            f"The set of the warm start has the classes {', '.join(source.classes)}, the corpus {', '.join(classes)}. "
            "Type: distiller.warm_start=null"
        )
    if len(source) != size:
        raise TextddError(
            f"The set of the warm start has {len(source) / len(classes):g} texts per class, this run "
            f"{problem.per_class}. Type: per_class={len(source) // len(classes)}"
        )
    order = [source.classes.index(name) for name in classes]
    hard = source.task.hardened(source.text_labels)[:, order]
    one = problem.task.name == "one_class"
    targets = hard.argmax(1) if one else hard.to(pool.targets.dtype)
    strata = targets.numpy() if one else rarest(targets.numpy())
    rows = np.empty(size, np.int64)
    for label in range(len(classes)):  # row m of class m mod C
        members = np.flatnonzero(strata == label)
        if len(members) != problem.per_class:
            raise TextddError(
                f"The set of the warm start has {len(members)} texts of the class {classes[label]!r}; every class has "
                f"to have {problem.per_class}. Type: distiller.warm_start=null"
            )
        rows[label :: len(classes)] = members
    behind = Pool(pool.texts + source.texts, torch.cat([pool.targets, targets]), np.concatenate([pool.strata, strata]),
                  pool.origins + source.origins, pool.facts)  # fmt: skip
    return behind, (len(pool.texts) + rows).tolist()
