"""One option with its value, or with the values of a sweep, as Hydra reads them; what it does not read is told."""

from __future__ import annotations

import re
import shlex
from itertools import islice
from math import prod

from hydra.core.override_parser.types import ChoiceSweep, Override, RangeSweep

from textdd.errors import TextddError, cut
from textdd.typed import apart, exists, parsed, typed

MOST_SHOWN = 500
"""Signs of what was typed that a message shows."""

MOST_JOBS = 10_000
"""Jobs of a sweep: more are a mistake in a range."""


def parse(argument: str) -> Override:
    """Parse one override.

    Raises:
        TextddError: Hydra's grammar does not have it, or it takes an option away.
    """
    override, (key, is_option, value) = parsed(argument), argument.partition("=")
    got = f"Got {cut(argument, MOST_SHOWN)!r}"
    if argument.startswith("~"):
        raise TextddError(f"{got}; no option can be taken away. Type: {cut(key[1:])}=... with a value")
    if override is not None and is_option:
        return override
    if not is_option:
        raise TextddError(f"{got}; options are written option=value. Type: {typed_or_option(argument)}")
    if not __debug__ and re.match(r"\w+\(", value):
        raise TextddError(
            f"{got} and Python's option -O (PYTHONOPTIMIZE), under which Hydra reads no functions. Name the "
            f"values, {key}=1,2, or type first: unset PYTHONOPTIMIZE"
        )
    if re.fullmatch(r"[+-]?[0-9]{1000,}", value):  # Python reads no number of thousands of digits
        raise TextddError(f"Got {cut(argument)}, which is no number that any option has. Type: textdd run --help")
    if len(argument) > MOST_SHOWN:
        raise TextddError(
            f'{got}, which Hydra does not read. If it is text, put it in quotation marks: {cut(key)}="..."'
        )
    raise TextddError(
        f"{got}, which Hydra does not read. What the option takes: python -m textdd.run --help. "
        f"If it is text, type: {typed(key, value)}"
    )


def typed_or_option(word: str) -> str:
    """What to type for a word that is no option: the file that it names, or a value behind it."""
    return f"dataset=local {typed('dataset.path', word)}" if exists(word) else f"{cut(word)}=..."


def values_of(override: Override) -> list[str]:
    """The overrides that a sweep over this option runs through; itself where it is no sweep.

    Raises:
        TextddError: Hydra's basic sweep does not run through such values, or there are none, or too many.
    """
    if not override.is_sweep_override():
        return [override.input_line or ""]
    key, got = override.get_key_element(), f"Got {override.input_line}"
    counted = isinstance(override._value, ChoiceSweep | RangeSweep) and not override.is_interval_sweep()
    if not counted:
        raise TextddError(f"{got}; a sweep has values that are named. Type: {key}=1,2 or {key}=range(1,3)")
    try:
        values = list(islice(map(str, override.sweep_string_iterator()), MOST_JOBS + 1))
    except ValueError as error:
        raise TextddError(f"{got}: {error}. Type for instance: {key}=range(1,3)") from error
    if not 1 <= len(values) <= MOST_JOBS:
        count = "no values" if not values else f"more than {MOST_JOBS} values"
        raise TextddError(
            f"{got}, which has {count}; 1 to {MOST_JOBS} are allowed. Type for instance: {key}=range(1,3)"
        )
    return [f"{key}={value}" for value in values]


def check_sweep(overrides: list[Override], program: str, *, sweep: bool) -> None:
    """Raise the error for several values of an option where no sweep is asked for, and for too many jobs."""
    several = next((override for override in overrides if override.is_sweep_override()), None)
    if several is not None and not sweep:
        line = several.input_line or ""
        key = line.partition("=")[0]
        values = ",".join(one.partition("=")[2].strip("[]") for one in values_of(several))
        raise TextddError(
            f"Got {line!r}, several values. If it is a list, type: {shlex.quote(f'{key}=[{values}]')}; "
            f"for one job of each: python -m textdd.{program} -m {shlex.quote(line)}"
        )
    jobs = prod(len(values_of(override)) for override in overrides)
    if jobs > MOST_JOBS:
        raise TextddError(
            f"Got a sweep of {jobs} jobs; {MOST_JOBS} are allowed. Make several of it, with fewer values."
        )


def several_students(arguments: list[str]) -> list[str]:
    """A command line with `model=[A,B]`, which names students that take turns, as the options that it stands for.

    Hydra would merge the options of the choices of a list into one.

    Raises:
        TextddError: a sweep over students has such a list among its values.
    """
    found: list[str] = []
    for argument in arguments:
        key, _, value = argument.partition("=")
        parts = [part.strip() for part in apart(value)] if key == "model" else []
        lists = [part for part in parts if part.startswith("[") and len(apart(part[1:-1])) > 1]
        if lists and len(parts) > 1:
            raise TextddError(
                f"Got {argument}, a sweep with several students at once among its values; one over lists alone goes. "
                f"Type: -m model=mixed model.kinds={','.join(lists)}"
            )
        found += ["model=mixed", f"model.kinds={lists[0]}"] if lists else [argument]
    return found
