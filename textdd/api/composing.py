"""Arguments of Python as the command line that they stand for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from textdd import cli
from textdd.config import RunConfig, ScoreConfig, register, to_run
from textdd.corpora.given import kept
from textdd.prepare import prepare
from textdd.problem import Problem
from textdd.quiet import quiet
from textdd.run import check_line
from textdd.typed import expanded, written

SHORT = {
    "text": "dataset.text",
    "label": "dataset.label",
    "labels": "dataset.labels",
    "target": "dataset.target",
    "pair": "dataset.pair",
    "length": "dataset.length",
    "test_path": "dataset.test_path",
    "path": "model.path",
    "tuning": "model.tuning",
}
"""Names that may be given without the group that they belong to."""


def problem_of(data: Any, labels: Any, student: str, options: dict[str, Any]) -> Problem:
    """The problem that a command line would make of the same data and options, for one example per class."""
    run = composed(data, labels, 1, student, dict(options))
    return prepare(run)


def composed(
    data: Any,
    labels: Sequence[Any] | None,
    per_class: int | None,
    student: str | Sequence[str],
    options: dict[str, Any],
) -> RunConfig:
    """The configuration that the command line of these arguments has, checked as it is there.

    Raises:
        TextddError: something is wrong with them.
    """
    quiet()
    register()
    named = {SHORT.get(key, key.replace("__", ".")): value for key, value in options.items()}
    students = student if isinstance(student, str) else list(student)
    named = {"model": students, "logger": "none", "per_class": per_class} | named
    cache = expanded(str(named.get("cache_dir", RunConfig().cache_dir)))
    arguments = kept(data, labels, named, cache)
    arguments += [f"{key}={written(value)}" for key, value in named.items()]
    arguments = cli.as_meant("config", arguments)
    check_line(arguments)
    return to_run(cli.compose_config("config", arguments))


def typed_out(
    group: str, kind: type[Any], data: Any, labels: Sequence[Any] | None, options: dict[str, Any]
) -> tuple[list[str], Path]:
    """What to type for a command that has a group of options of its own, and where the cache is.

    Args:
        group: its name, whose options may be given without it.
        kind: the class of these.
        data: the corpus, as for `distil`.
        labels: of a list of texts.
        options: by name.
    """
    quiet()
    register()
    own = {item.name for item in fields(kind)}
    named = {f"{group}.{k}" if k in own else SHORT.get(k, k.replace("__", ".")): v for k, v in options.items()}
    cache = expanded(str(named.get("cache_dir", ScoreConfig().cache_dir)))
    return [*kept(data, labels, named, cache), *(f"{key}={written(value)}" for key, value in named.items())], cache
