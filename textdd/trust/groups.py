"""How well students do on test texts of each group, where a column of the corpus's files says whose a text is.

A small set can serve most texts well and those of a few not at all, which the accuracy over all does not show. Groups
are found by the texts themselves: who reads the files again has them in the order in which they lie there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from textdd.config import TrustConfig
from textdd.corpora.corpus import Split
from textdd.corpora.records import Columns, Source, find_columns, joined
from textdd.corpora.sources import DatasetConfig, find_sources
from textdd.errors import TextddError, cut, nearest_first, some_of
from textdd.evaluation.scoring import score
from textdd.problem import Problem
from textdd.quality.variety import columns, normalised
from textdd.spaces.reading import Reader, Reading
from textdd.typed import expanded, typed

MOST = 20
"""Groups that are told apart, the largest; the texts of all others are one group more."""

OTHERS = "(all others)"


def groups_of(test: Split, dataset: DatasetConfig, config: TrustConfig) -> list[str | None]:
    """The group of each test text (n,); None where no row of a file has it, or several that differ.

    Args:
        test: the test texts.
        dataset: where they are from.
        config: the command, which names the column.

    Raises:
        TextddError: there is no such column, or no test text has a group.
    """
    column = str(config.trust.group)
    sources = find_sources(dataset, config.data_dir, Path(expanded(config.cache_dir)))
    found: dict[str, str | None] = {}
    for source in sources.test or sources.train:
        for key, group in rows_of(source, column, dataset):
            found[key] = group if found.get(key, group) == group else None
    keys = normalised(columns(test.texts(np.arange(len(test))))).to_pylist()
    groups = [found.get(key) or None for key in keys]
    if not any(groups):
        raise TextddError(f"No test text has a value in the column {cut(column)!r}. Type: trust.group=null")
    return groups


def rows_of(source: Source, column: str, dataset: DatasetConfig) -> list[tuple[str, str]]:
    """The texts of a source without differences in white space and case, and the group of each.

    Raises:
        TextddError: there is no such column.
    """
    there = source.columns()
    if column not in there:
        best = nearest_first(column, there)[0]
        raise TextddError(
            f"{source.name} has no column {cut(column)!r}. Columns: {some_of(there)}. "
            f"Type: {typed('trust.group', best)}"
        )
    wanted = Columns(dataset.text_columns, dataset.label_columns or [dataset.label], pair=dataset.pair)
    texts = find_columns(source, wanted, named=dataset.hub is not None).text
    parts: list[Sequence[str]] = [[name] for name in texts] if dataset.pair else [texts]
    found: list[tuple[str, str]] = []
    for table in source.batches(list(dict.fromkeys([*texts, column]))):
        keys = normalised([joined(table, part, source.name).combine_chunks() for part in parts]).to_pylist()
        groups = joined(table, [column], source.name).to_pylist()
        found += zip(keys, groups, strict=True)
    return found


def largest(groups: Sequence[str | None]) -> dict[str, np.ndarray]:
    """Positions of the texts of each group, the largest groups first, and of all others as one."""
    named = np.array([group or "" for group in groups], object)
    names, counts = np.unique(named[named != ""].astype(str), return_counts=True)
    order = names[np.lexsort((names, -counts))]
    found = {str(name): np.flatnonzero(named == name) for name in order[:MOST]}
    if len(order) > MOST:
        found[OTHERS] = np.flatnonzero(np.isin(named.astype(str), order[MOST:]))
    return found


def by_group(
    students: Mapping[str, Sequence[Tensor]],
    groups: Mapping[str, np.ndarray],
    problem: Problem,
    reader: Reader,
    most: int,
) -> dict[str, Any]:
    """The headline measure of all students on the texts of each group.

    Args:
        students: what they were trained on -> their parameters, K of (P,).
        groups: as `largest` found them.
        problem: has the test texts, and validation texts on which a task may have to choose thresholds.
        reader: turns texts into what students read.
        most: texts of each group that are read.

    Returns:
        `texts` of each group, `measure`, and for each kind of students in `students` the mean and the deviation over
        them for each group, and `gap`: the best group's mean less the worst one's.
    """
    measure, validation = problem.task.measures[0], problem.validation.sample(most)
    thetas = [theta for those in students.values() for theta in those]
    kinds = [name for name, those in students.items() for _ in those]
    found: dict[str, dict[str, Any]] = {name: {"groups": {}} for name in students}
    sizes = {}
    for group, rows in groups.items():
        reading: Reading = problem.test.at(rows).sample(most)
        sizes[group] = len(reading)
        values = score(thetas, reading, reader, validation)[measure].numpy()
        for name in students:
            own = values[[kind == name for kind in kinds]]
            deviation = float(own.std(ddof=1)) if len(own) > 1 else 0.0
            found[name]["groups"][group] = {"mean": float(own.mean()), "std": deviation}
    for kind in found.values():
        means = [of["mean"] for of in kind["groups"].values()]
        kind["gap"] = max(means) - min(means)
    return {"measure": measure, "texts": sizes, "students": found}
