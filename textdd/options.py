"""The table of options: each with its range, default and meaning, read off the dataclasses that declare them.

Checks, `--help` and the tests all go through this table, so none of them can know of other options than the others.
"""

from __future__ import annotations

import dataclasses
import inspect
from types import NoneType, UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from textdd.allowed import AnyOf, Arguments, Chosen, ListOf, OneOf, Parts, Rule, shown
from textdd.errors import TextddError, nearest_first
from textdd.groups import choices_of


class Option(NamedTuple):
    """One option.

    Attributes:
        key: its name, such as `distiller.length`.
        rule: what is allowed.
        value: what it is.
        default: what it would be, had nothing been typed but choices of groups.
        meaning: its entry in the docstring.
    """

    key: str
    rule: Rule
    value: Any
    default: Any
    meaning: str

    def refusal(self) -> TextddError | None:
        """The error for a value that is not allowed."""
        if self.rule.holds(self.value):
            return None
        got, default = f"Got {self.key}={shown(self.value)}", shown(self.default)
        if isinstance(self.rule, Chosen):
            group = self.rule.group
            best = nearest_first(str(self.value), choices_of(group))[0]
            return TextddError(f"{got}; it comes with a choice of {group}, as its options do. Type: {group}={best}")
        usual = shown(self.rule.suggested(self.value, self.default))
        return TextddError(f"{got}. Allowed: {self.rule}; the default is {default}. Type: {self.key}={usual}")


def check_options(options: Any, defaults: Any = None, prefix: str = "") -> None:
    """Check every option of a dataclass and of its parts.

    Args:
        options: the dataclass.
        defaults: by name, what they are with nothing typed but choices of groups; None: what the classes declare.
        prefix: of the names, such as `dataset.`.

    Raises:
        TextddError: one is outside of its range.
    """
    for option in table(options, defaults, prefix):
        if (refusal := option.refusal()) is not None:
            raise refusal


def table(options: Any, defaults: Any = None, prefix: str = "") -> list[Option]:
    """All options of a dataclass, those of its parts after its own; arguments as for `check_options`.

    Raises:
        TypeError: an option has no range or choice.
    """
    kind = type(options)
    typed = isinstance(defaults, dict)
    if not typed:
        defaults = dataclasses.asdict(kind())
    hints, meanings = get_type_hints(kind, include_extras=True), meanings_of(kind)
    own, parts = [], []
    for item in dataclasses.fields(options):
        key, value = f"{prefix}{item.name}", getattr(options, item.name)
        default = defaults.get(item.name)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            parts += table(value, default, f"{key}.")
        elif get_origin(hints[item.name]) is dict:  # the options of a chain's stages
            own.append(Option(key, Arguments(), value, default, meanings.get(item.name, "")))
            for name, stage in value.items():
                if dataclasses.is_dataclass(stage) and not isinstance(stage, type):
                    parts += table(stage, default.get(name, dataclasses.asdict(stage)), f"{key}.{name}.")
                else:
                    own.append(Option(f"{key}.{name}", Parts(), stage, default.get(name), ""))
        else:
            rule = rule_of(hints[item.name])
            if rule is None:
                raise TypeError(f"{kind.__name__}.{item.name} declares no range; see textdd/allowed.py")
            if isinstance(rule, Chosen):
                rule = dataclasses.replace(rule, default=default if typed else value)
            own.append(Option(key, rule, value, default, meanings.get(item.name, "")))
    return own + parts


def rule_of(hint: Any) -> Rule | None:
    """The rule that a type declares: `Annotated[int, Whole(1, 9)]`, a list of such, one or null, or bool alone."""
    arguments = get_args(hint)
    rules: list[Rule | None]
    match get_origin(hint):
        case origin if origin is Annotated:
            rules = [rule for rule in arguments[1:] if isinstance(rule, Rule)]
        case origin if origin in (Union, UnionType):
            rules = list(map(rule_of, arguments))
        case origin if origin is list:
            each = rule_of(arguments[0])
            return None if each is None else ListOf(each)
        case _:
            return {bool: OneOf(True, False), NoneType: OneOf(None)}.get(hint)
    known = tuple(rule for rule in rules if rule is not None)
    if len(known) < len(rules) or not known:
        return None
    return known[0] if len(known) == 1 else AnyOf(known)


def meanings_of(kind: type) -> dict[str, str]:
    """The entries of the Attributes sections of a class's docstring and its ancestors'."""
    found: dict[str, str] = {}
    for documented in reversed(kind.__mro__):
        name = ""
        for line in inspect.cleandoc(documented.__doc__ or "").partition("Attributes:\n")[2].splitlines():
            if line.startswith("        ") and name:
                found[name] += " " + line.strip()
            elif ":" in line:
                name, _, meaning = line.strip().partition(": ")
                found[name] = meaning
    return found
