"""What `--help` prints: examples, groups with their choices, and the table of options."""

from __future__ import annotations

import shutil
import sys
import textwrap

from omegaconf import OmegaConf

from textdd.allowed import shown
from textdd.cli import compose_config, groups_of
from textdd.groups import CONF
from textdd.options import table
from textdd.overrides import several_students


def print_help(
    program: str, purpose: str, examples: list[tuple[str, str]], config_name: str, arguments: list[str]
) -> None:
    """Print what the program does, examples, the groups with their choices, and every option with its meaning.

    Args:
        program: the subcommand, such as `run`.
        purpose: one sentence.
        examples: pairs of what to type behind the program, and what that does.
        config_name: the file in conf/, such as `config` or `evaluate`.
        arguments: overrides, whose values are shown.
    """
    lines = [purpose, "", f"Usage: textdd {program} [option=value ...], or python -m textdd.{program} ...", ""]
    for command, meaning in examples:
        lines += [f"  # {meaning}", f"  textdd {program} {command}".rstrip()]
    for group, choices in groups_of(config_name).items():
        lines += ["", f"{group}=", *rows([(choice, comment_of(group, choice)) for choice in choices])]
    lines += ["", "options, with their values under the choices made, what is allowed, and what they mean"]
    options = table(OmegaConf.to_object(compose_config(config_name, several_students(arguments))))
    lines += rows([(f"{one.key}={shown(one.value)}", f"[{one.rule}] {one.meaning}") for one in options])
    sys.stdout.write("\n".join(lines) + "\n")


def comment_of(group: str, choice: str) -> str:
    """The first comment of a choice's file; in front of it stands at most a header of Hydra's."""
    lines = (CONF / group / f"{choice}.yaml").read_text().splitlines()
    return next(line.lstrip("# ") for line in lines if not line.startswith("# @"))


def rows(pairs: list[tuple[str, str]]) -> list[str]:
    """Two columns, the second wrapped to the width of the terminal."""
    width = min(shutil.get_terminal_size((100, 24)).columns, 120)
    indent = min(max(len(first) for first, _ in pairs), 36) + 4
    lines = []
    for first, second in pairs:
        if len(first) + 4 > indent:  # too long for its column: it gets a line of its own
            lines.append(f"  {first}")
            first = ""
        lines += textwrap.wrap(
            second or "-", width, initial_indent=f"  {first}".ljust(indent), subsequent_indent=" " * indent
        )
    return lines
