"""The command that a run is made by, read off its recorded configuration."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from textdd.cli import compose_config, groups_of

CHOSEN = ("dataset", "model", "embedding", "distiller")
"""Groups whose choice is recorded as `name`."""

PLACES = ("data_dir", "cache_dir", "output_dir", "overwrite", "logger", "trainer.accelerator", "trainer.threads")
"""Options that decide where and how fast a result is made, and not what it is."""

SIZE = ("seed", "budget", "per_class", "pairs")
"""Options that a sweep runs over."""


def options_of(result: dict[str, Any]) -> list[str]:
    """The options to type: the choices that were made, and every value that differs from theirs.

    Files lose their folder and get `DIR/` instead: it is another one on every machine.

    Args:
        result: the content of a result.json; one of an older version may have options that are no more, or none.
    """
    config = result.get("config") or {group: {"name": result[group]} for group in CHOSEN}
    known = groups_of("config")
    recorded = {group: config.get(group, {}).get("name") for group in CHOSEN}
    # A corpus of the user's own may have any name.
    choices = {group: name for group, name in recorded.items() if name in known[group]}
    chosen = [f"{group}={name}" for group, name in choices.items()]
    return chosen + list(differing(config, defaults_of(tuple(chosen))))


@cache
def defaults_of(chosen: tuple[str, ...]) -> dict[Any, Any]:
    """The configuration that some choices make, as plain values."""
    defaults = OmegaConf.to_container(compose_config("config", list(chosen)), resolve=True)
    assert isinstance(defaults, dict)
    return defaults


def differing(config: dict[str, Any], defaults: dict[Any, Any], prefix: str = "") -> Iterator[str]:
    """Every option whose value is not the default one."""
    for key, value in config.items():
        option, default = f"{prefix}{key}", defaults.get(key)
        if option in PLACES:
            continue
        if isinstance(value, dict):
            yield from differing(value, default if isinstance(default, dict) else {}, f"{option}.")
        elif value != default and not (key == "name" and prefix[:-1] in CHOSEN and default is None):
            yield f"{option}={written(key, value)}"


def written(key: str, value: Any) -> str:
    """A value as it is typed."""
    if isinstance(value, list):
        return "[" + ",".join(written(key, item) for item in value) + "]"
    if value is None:
        return "null"
    if key.endswith("path") or key == "warm_start":
        return f"DIR/{Path(value).name}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def command_of(options: list[str]) -> str:
    """The whole command."""
    return shlex.join(["python", "-m", "textdd.run", *options])
