"""Values as they are typed: words of a command line that mean a value whatever its signs, and what was meant by one.

Hydra's grammar knows no `#`, `~` or letter beyond ASCII outside of quotation marks, takes commas for a sweep, `[` for a
list and 2024_01 for a number. A file may be called by any of these, and what is typed for it should be its name.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, QuotedString, ValueType
from hydra.errors import HydraException
from omegaconf import AnyNode, DictConfig, ListConfig, StringNode

PLAIN = re.compile(r"(?!(?:null|true|false|nan|inf)$)[a-z_/][a-z0-9_/.+-]*", re.IGNORECASE)
"""Strings that Hydra reads as themselves."""


def written(value: Any) -> str:
    """A value as Hydra's grammar has it.

    Args:
        value: nothing, a truth value, a number, a string, or a list or dictionary of such; else what `str` makes of it.
    """
    if value is None:
        return "null"
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    if isinstance(value, list | tuple):
        return f"[{','.join(map(written, value))}]"
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{written(str(key))}:{written(item)}" for key, item in value.items()) + "}"
    if isinstance(value, int | float | np.number):
        return str(value)
    text = str(value)
    # OmegaConf looks for interpolations behind Hydra's back; a backslash keeps it off.
    return text if PLAIN.fullmatch(text) else quoted(re.sub(r"(\\*)\$\{", r"\1\1\\${", text))


def quoted(text: str) -> str:
    """A string in quotation marks; backslashes count where they stand before a mark."""
    mark = "'" if '"' in text and "'" not in text else '"'
    inside = re.sub(rf"(\\*)({mark}|$)", lambda found: found[1] * 2 + (f"\\{mark}" if found[2] else ""), text)
    return f"{mark}{inside}{mark}"


def typed(option: str, value: Any) -> str:
    """An option with its value as it is typed into a shell."""
    return shlex.quote(f"{option}={written(value)}")


def parsed(argument: str) -> Override | None:
    """An override as Hydra reads it, or None where its grammar does not."""
    if not __debug__ and re.match(r"[^=]*=\s*\w+\(", argument):
        return None  # its parser steps over the names of functions in assertions, which `python -O` leaves out
    try:
        return OverridesParser.create().parse_override(argument)
    except (HydraException, ValueError):  # of a number with thousands of digits Python makes none
        return None


def meant(argument: str, options: DictConfig, *, sweep: bool) -> str:
    """A word of the command line so that Hydra reads from it what was typed.

    Where an option holds text, the value is that text to the letter. It stays Hydra's where it is `null`, in quotation
    marks, an interpolation, or, in a sweep, several values; a file or folder of the very name that was typed is taken
    for what is meant. Where an option holds a list, a single value becomes one.

    Args:
        argument: the word.
        options: the configuration that it will change.
        sweep: several values are several jobs.
    """
    key, is_option, value = argument.partition("=")
    node: Any = options
    for part in key.lstrip("+").split("."):
        # What has no value yet, as artifact=, is not `in` a configuration but among its keys; a null one has none.
        inside = isinstance(node, DictConfig) and part in node.keys()  # noqa: SIM118
        node = node._get_node(part) if inside else None
    if not is_option or key.startswith(("-", "~")):
        return argument
    if isinstance(node, ListConfig):
        return f"{key}={as_lists(value, strings=node._metadata.element_type is str)}"
    if isinstance(node, StringNode | AnyNode):
        return f"{key}={as_one(value, strings=isinstance(node, StringNode), sweep=sweep)}"
    return argument


def as_one(value: str, *, strings: bool, sweep: bool = False) -> str:
    """One value, or those of a sweep.

    Args:
        value: as it was typed.
        strings: it has to be a string.
        sweep: commas stand between values.
    """
    found = parsed(f"x={value}")
    if found is None:
        return _unread(value, sweep=sweep)
    if found.is_sweep_override():
        one = exists(value) or (strings and not sweep and found.value_type == ValueType.SIMPLE_CHOICE_SWEEP)
        return written(value) if one else value
    content = found._value
    if content is None or isinstance(content, QuotedString):
        return value
    if isinstance(content, str):
        return written(value) if content != value and exists(value) else value
    return written(value) if strings else value


def _unread(value: str, *, sweep: bool) -> str:
    """A value that Hydra's grammar does not have."""
    parts = apart(value)
    if sweep and len(parts) > 1 and all(parts) and not exists(value):
        return ",".join(as_one(part, strings=True) for part in parts)
    if value.startswith("[") and value.endswith("]") and not exists(value):
        return as_lists(value, strings=True)
    return quoted(value) if "${" in value and not exists(value) else written(value)


def as_lists(value: str, *, strings: bool) -> str:
    """A list, or the lists of a sweep, with brackets around each that has none and every name in it to the letter."""
    found = parsed(f"x={value}")
    functions = (ValueType.CHOICE_SWEEP, ValueType.RANGE_SWEEP)
    if found is not None and found.value_type in functions:
        values = list(map(str, found.sweep_string_iterator()))
    else:
        values = [part.strip() for part in apart(value)]
    return ",".join(one if one == "null" else f"[{_elements(one, strings=strings)}]" for one in values)


def _elements(value: str, *, strings: bool) -> str:
    inside = value[1:-1] if value.startswith("[") and value.endswith("]") else value
    parts = [part.strip() for part in apart(inside)] if inside.strip() else []
    return ",".join(as_one(part, strings=True) if strings else part for part in parts)


def apart(text: str) -> list[str]:
    """The parts between commas that stand in no brackets and no quotation marks."""
    parts, start, depth, mark = [], 0, 0, ""
    for place, sign in enumerate(text):
        if mark:
            mark = "" if sign == mark and text[place - 1] != "\\" else mark
        elif sign in "'\"" and text[start:place].strip(" [") == "":
            mark = sign
        elif sign in "[{(":
            depth += 1
        elif sign in "]})":
            depth -= 1
        elif sign == "," and depth <= 0:
            parts.append(text[start:place])
            start = place + 1
    return [*parts, text[start:]]


def exists(name: str) -> bool:
    """Whether a file or folder has this very name."""
    return bool(name.strip()) and os.path.lexists(expanded(name))


def expanded(path: str | Path) -> Path:
    """A path whose leading `~` or `~user` is somebody's home; where there is no such home, it is a name like others.

    `Path.expanduser` fails there, and takes `./~x` for somebody's home.
    """
    return Path(os.path.expanduser(path))  # noqa: PTH111
