"""The command line: Hydra composes, this file makes its mistakes readable."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from itertools import product
from typing import TypeVar

from hydra import compose, initialize_config_dir
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from rich.markup import escape

from textdd.allowed import shown
from textdd.errors import TextddError, nearest_first
from textdd.groups import CONF, choices_of
from textdd.options import check_options, table
from textdd.overrides import check_sweep, parse, several_students, values_of
from textdd.screen import Console
from textdd.typed import meant

T = TypeVar("T")

HELP_FLAGS = ("--help", "-h")

PROGRAMS = {"config": "run"}
"""The commands whose configuration in conf/ is called otherwise."""


def groups_of(config_name: str) -> dict[str, list[str]]:
    """The groups of conf/ that a configuration's defaults list chooses from, and their choices."""
    entries = OmegaConf.load(CONF / f"{config_name}.yaml").defaults
    listed = [str(next(iter(entry))) for entry in entries if isinstance(entry, DictConfig)]
    names = sorted(name.removeprefix("optional ") for name in listed if not name.startswith("override "))
    return {name: choices_of(name) for name in names}


def compose_config(config_name: str, arguments: list[str], *, with_hydra: bool = False) -> DictConfig:
    """Compose a configuration as Hydra will, with errors that say what was got, what is allowed and what to type.

    Args:
        config_name: the file in conf/, such as `config` or `evaluate`.
        arguments: overrides such as `dataset=ag_news`; in a sweep, the first value of each.
        with_hydra: keep what Hydra itself is told.

    Raises:
        TextddError: an override is malformed, unknown or of the wrong type.
    """
    try:
        with initialize_config_dir(str(CONF), version_base="1.3"):
            cfg = compose(config_name, arguments, return_hydra_config=with_hydra)
        if not with_hydra:
            OmegaConf.to_container(cfg, resolve=True)  # interpolations that lead nowhere are found here
        return cfg
    except (HydraException, OmegaConfBaseException, ValueError, OverflowError, AssertionError) as error:
        cause = error.__cause__ or error
        key = getattr(error, "full_key", None) or getattr(cause, "full_key", None)
        if key and (refusal := wrong_kind(config_name, arguments, key.partition("[")[0])):
            raise refusal from error
        reason = f"Option {key}: " if key else ""
        reason += str(cause).strip().splitlines()[0]
        program = PROGRAMS.get(config_name, config_name)
        raise TextddError(
            f"{reason}\nGot: {' '.join(map(shown, arguments))}. "
            f"For what is allowed type: python -m textdd.{program} --help"
        ) from error


def wrong_kind(config_name: str, arguments: list[str], key: str) -> TextddError | None:
    """The error for an option whose value is of another kind than its range; None where that is not what is wrong."""
    typed = [override for override in overrides_in(arguments) if override.key_or_group == key]
    if not typed:
        return None
    lines = [override.input_line for override in typed]
    cfg = compose_config(config_name, [argument for argument in arguments if argument not in lines])
    if OmegaConf.missing_keys(cfg):
        return None
    for option in table(OmegaConf.to_object(cfg)):
        if option.key == key:
            return option._replace(value=typed[-1].value(), default=option.value).refusal()
    return None


def check_arguments(config_name: str, arguments: list[str], check: Callable[[DictConfig], None]) -> None:
    """Check a whole command line, sweeps included, before Hydra sees it.

    Args:
        config_name: the file in conf/, such as `config` or `evaluate`.
        arguments: the command line without the program.
        check: what else must hold of a composed configuration.

    Raises:
        TextddError: something is wrong with it.
    """
    overrides, known = overrides_in(arguments), groups_of(config_name)
    check_sweep(overrides, PROGRAMS.get(config_name, config_name), sweep=is_sweep(arguments))
    for override in overrides:
        check_choice(override, known)
    if "experiment" in known:
        overrides = with_experiment(overrides, sweep=is_sweep(arguments))
    chosen = [values_of(o)[0] for o in overrides if o.key_or_group in known]
    composed = cache(lambda *chosen: compose_config(config_name, list(chosen)))
    options = paths(composed(*chosen))
    for override in overrides:
        if override.key_or_group not in known:
            check_key(override, options, known)
    first = [values_of(override)[0] for override in overrides]
    lines = [first]
    for i, override in enumerate(overrides):
        lines += [[*first[:i], value, *first[i + 1 :]] for value in values_of(override)[1:]]
    for line in lines:
        cfg = compose_config(config_name, line)
        defaults = composed(*(argument for argument in line if parse(argument).key_or_group in known))
        for key in OmegaConf.missing_keys(cfg) - OmegaConf.missing_keys(defaults):
            raise TextddError(f"Got {key}=???, which is no value. Type: {key}={shown(OmegaConf.select(defaults, key))}")
        if not OmegaConf.missing_keys(cfg):
            check_options(OmegaConf.to_object(cfg), OmegaConf.to_container(defaults))
        check(cfg)


def as_meant(config_name: str, arguments: list[str]) -> list[str]:
    """The command line in words that Hydra reads as they were typed; see `typed.meant`.

    Raises:
        TextddError: a choice of a group is malformed or unknown.
    """
    known = groups_of(config_name)
    overrides = [parse(argument) for argument in arguments if argument.partition("=")[0] in known and "=" in argument]
    for override in overrides:
        check_choice(override, known)
    arguments = several_students(arguments)
    overrides = [parse(argument) for argument in arguments if argument.partition("=")[0] in known and "=" in argument]
    options = compose_config(config_name, [values_of(override)[0] for override in overrides])
    return [meant(argument, options, sweep=is_sweep(arguments)) for argument in arguments]


def composed(config_name: str, arguments: list[str], kind: type[T], check: Callable[[DictConfig], None]) -> T:
    """Check a command line, in words as they were typed, and compose its configuration.

    Args:
        config_name: the file in conf/.
        arguments: the command line without the program.
        kind: the schema of that file.
        check: what else must hold.

    Raises:
        TextddError: something is wrong with it.
    """
    arguments = as_meant(config_name, arguments)
    check_arguments(config_name, arguments, check)
    config = OmegaConf.to_object(compose_config(config_name, arguments))
    assert isinstance(config, kind)
    return config


def is_sweep(arguments: list[str]) -> bool:
    """Whether a command line asks for a sweep."""
    return not {"-m", "--multirun"}.isdisjoint(arguments)


def asks_for_completion(arguments: list[str]) -> bool:
    """Whether a shell asks for completions, or is to learn how to ask for them."""
    return not {"-sc", "--shell-completion"}.isdisjoint(arguments)


def overrides_in(arguments: list[str]) -> list[Override]:
    """Parse a command line, what Hydra itself is told left out."""
    overrides = [parse(argument) for argument in arguments if not argument.startswith("-")]
    return [override for override in overrides if not override.get_key_element().lstrip("+~").startswith("hydra")]


def with_experiment(overrides: list[Override], *, sweep: bool) -> list[Override]:
    """Add what an experiment sweeps over, as Hydra will; what is typed takes its place.

    Raises:
        TextddError: several experiments, or one whose sweep is neither asked for nor replaced.
    """
    chosen = [override for override in overrides if override.key_or_group == "experiment"]
    if not chosen:
        return overrides
    names = values_of(chosen[-1])
    if len(names) > 1:
        raise TextddError(f"Got {chosen[-1].input_line}; one experiment at a time is allowed. Type: -m {names[0]}")
    params = compose_config("config", names, with_hydra=True).hydra.sweeper.params or {}
    typed = {override.key_or_group: override for override in overrides}
    missing = [key for key in params if key not in typed]
    if missing and not sweep:
        raise TextddError(
            f"Got {names[0]}, which is a sweep over {', '.join(params)}. Type: python -m textdd.run -m {names[0]}, "
            f"or give {' and '.join(missing)} one value each."
        )
    swept = {key: parse(f"{key}={value}") for key, value in params.items()}
    return list((swept | typed).values())


def jobs_of(arguments: list[str]) -> list[list[str]]:
    """The overrides of every job of a sweep, in Hydra's order."""
    overrides = with_experiment(overrides_in(arguments), sweep=True)
    last = {override.get_key_element(): override for override in overrides}  # of an option that is typed twice
    return [list(job) for job in product(*map(values_of, last.values()))]


def check_choice(override: Override, known: dict[str, list[str]]) -> None:
    """Raise the error for an unknown choice of a group."""
    allowed = known.get(override.key_or_group)
    for line in values_of(override) if allowed else ():
        value = line.split("=", 1)[1].strip()
        for choice in value.strip("[]").split(","):
            if allowed and choice.strip() not in allowed:
                best = nearest_first(choice.strip(), allowed)
                raise TextddError(
                    f"Unknown {override.key_or_group} {choice.strip()!r}. Allowed (nearest first): {', '.join(best)}. "
                    f"Type: {override.key_or_group}={best[0]}"
                )


def paths(cfg: DictConfig, prefix: str = "") -> list[str]:
    """All option names of a configuration, such as `distiller.length`."""
    found = []
    for key in cfg:
        name = prefix + str(key)
        found.append(name)
        node = cfg._get_node(key)
        if isinstance(node, DictConfig) and not node._is_missing() and not node._is_none():
            found += paths(node, f"{name}.")
    return found


def check_key(override: Override, options: list[str], known: dict[str, list[str]]) -> None:
    """Raise the error for an option that does not exist."""
    key = override.key_or_group
    if key not in options:
        best = nearest_first(key, {*options, *known})[:5]
        raise TextddError(
            f"Unknown option {key!r}. Nearest: {', '.join(best)}. Type: {best[0]}=... "
            "All options: python -m textdd.run --help"
        )


def exit_with(error: TextddError) -> None:
    """Print an error without a traceback and leave with status 2."""
    message = escape(str(error))  # it may name a list such as [a,b], which looks like markup
    Console(stderr=True).print(f"[bold red]error:[/bold red] {message}", highlight=False, soft_wrap=True)
    sys.exit(2)
