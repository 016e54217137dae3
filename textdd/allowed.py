"""What values an option may have, declared where the option is: `confidence: Annotated[float, Number(0, 1)] = 0.9`.

A rule has a verdict and says in words what it allows. `textdd.options` makes one table of these declarations, which
drives the checks, `--help` and the tests. Numbers that are no numbers (NaN) or infinite lie in no range.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated, Any

from textdd.errors import TextddError, nearest_first


class Rule(ABC):
    """What values an option may have; as a string, what is allowed in words."""

    @abstractmethod
    def holds(self, value: Any) -> bool:
        """Whether a value is allowed."""

    def suggested(self, got: Any, default: Any) -> Any:
        """A value that is allowed, and what the user of another may have meant: the default."""
        del got
        return default


@dataclass(frozen=True)
class Whole(Rule):
    """Whole numbers from `least` to `most`; `usual` is suggested where the default is to leave the option out."""

    least: int
    most: int
    usual: int | None = None

    def holds(self, value: Any) -> bool:
        """Whether it is a whole number of the range."""
        return type(value) is int and self.least <= value <= self.most

    def suggested(self, got: Any, default: Any) -> Any:
        """The default, or what is usual."""
        return self.usual if default is None else default

    def __str__(self) -> str:
        return f"a whole number from {self.least} to {self.most}"


@dataclass(frozen=True)
class Number(Rule):
    """Numbers from `least` to `most`, which belong to the range as `ends` shows; `usual` as for `Whole`."""

    least: float
    most: float
    ends: str = "[]"
    usual: float | None = None

    def holds(self, value: Any) -> bool:
        """Whether it is a number of the range; NaN and infinity never are."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        above = value >= self.least if self.ends[0] == "[" else value > self.least
        return above and (value <= self.most if self.ends[1] == "]" else value < self.most)

    def suggested(self, got: Any, default: Any) -> Any:
        """The default, or what is usual."""
        return self.usual if default is None else default

    def __str__(self) -> str:
        least = "from" if self.ends[0] == "[" else "above"
        most = {"[]": " to", "(]": ", at most"}.get(self.ends, " and below")
        return f"a number {least} {self.least:g}{most} {self.most:g}"


@dataclass(frozen=True, init=False)
class OneOf(Rule):
    """A closed list: words, true and false, or null."""

    choices: tuple[Any, ...]

    def __init__(self, *choices: Any) -> None:
        object.__setattr__(self, "choices", choices)

    def holds(self, value: Any) -> bool:
        """Whether it is one of them."""
        return any(type(value) is type(choice) and value == choice for choice in self.choices)

    def suggested(self, got: Any, default: Any) -> Any:
        """What looks most like what was typed."""
        words = [choice for choice in self.choices if isinstance(choice, str)]
        return nearest_first(got, words)[0] if isinstance(got, str) and words else default

    def __str__(self) -> str:
        return " or ".join(filter(None, [", ".join(map(shown, self.choices[:-1])), shown(self.choices[-1])]))


@dataclass(frozen=True)
class Text(Rule):
    """A name, a path or other words, which may look like a number, too.

    Attributes:
        what: it is, in words.
        most: characters.
        pattern: that all of it follows.
    """

    what: str = "a text"
    most: int = 1000
    pattern: str = r"[^\0]*"

    def holds(self, value: Any) -> bool:
        """Whether it is a text without a null character, not longer, and follows the pattern."""
        if not isinstance(value, str | int | float):
            return False
        return 0 < len(str(value)) <= self.most and re.fullmatch(self.pattern, str(value), re.DOTALL) is not None

    def __str__(self) -> str:
        return self.what


@dataclass(frozen=True)
class ListOf(Rule):
    """Lists of at least `least` values that follow one rule each."""

    each: Rule
    least: int = 0

    def holds(self, value: Any) -> bool:
        """Whether it is a list that is long enough, and all of it is allowed."""
        return isinstance(value, list | tuple) and len(value) >= self.least and all(map(self.each.holds, value))

    def suggested(self, got: Any, default: Any) -> Any:
        """What was typed with what it may have meant, where that mends it; else the default."""
        if not isinstance(got, list) or not isinstance(self.each, OneOf):
            return default
        mended = [one if self.each.holds(one) else self.each.suggested(one, None) for one in got]
        return mended if self.holds(mended) else default

    def __str__(self) -> str:
        return "a list [a,b,...]" + (f" of {self.least} or more" if self.least else "") + f", each {self.each}"


@dataclass(frozen=True)
class AnyOf(Rule):
    """What at least one of several rules allows."""

    rules: tuple[Rule, ...]

    def holds(self, value: Any) -> bool:
        """Whether one of them allows it."""
        return any(rule.holds(value) for rule in self.rules)

    def suggested(self, got: Any, default: Any) -> Any:
        """What the first of them suggests."""
        return self.rules[0].suggested(got, default)

    def __str__(self) -> str:
        return ", or ".join(map(str, self.rules))


@dataclass(frozen=True)
class Arguments(Rule):
    """Arguments by name."""

    def holds(self, value: Any) -> bool:
        """Whether it maps names to values."""
        return isinstance(value, dict) and all(isinstance(name, str) for name in value)

    def __str__(self) -> str:
        return "arguments by name, such as {units:128}"


@dataclass(frozen=True)
class Parts(Rule):
    """Options that have names of their own, where a value for all of them was given."""

    def holds(self, value: Any) -> bool:
        """No value is allowed; options are looked at one by one."""
        del value
        return False

    def __str__(self) -> str:
        return "options by their own names, each behind a dot"


@dataclass(frozen=True)
class Chosen(Rule):
    """What a choice of a group of conf/ brings along: it is not to be typed, because other options belong to it."""

    group: str
    default: Any = None

    def holds(self, value: Any) -> bool:
        """Whether it is what the choice brings along."""
        return bool(value == self.default)

    def __str__(self) -> str:
        return f"what {self.group}= brings along"


def shown(value: Any) -> str:
    """A value as it is typed, cut where it is long."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list | tuple):
        return f"[{','.join(map(shown, value))}]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{name}:{shown(one)}" for name, one in value.items()) + "}"
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 60 else f"{text[:50]}... ({len(text)} characters)"


def at_most(key: str, got: int, other: str, most: int, why: str) -> None:
    """Raise the error for a number that exceeds another option's."""
    if got > most:
        raise TextddError(f"Got {key}={got} and {other}={most}: {why}. Type: {key}={most}")


Count = Annotated[int, Whole(1, 1_000_000)]
"""How many of something that there is at least one of."""

Few = Annotated[int, Whole(1, 100)]
"""How many students, which are in memory at once."""

InMemory = Annotated[int, Whole(1, 65_536)]
"""Texts that are in memory at once."""

Width = Annotated[int, Whole(1, 100_000)]
"""Numbers side by side in a layer, or in a vector."""

Share = Annotated[float, Number(0, 1)]
Part = Annotated[float, Number(0, 1, "()")]
"""A share that is neither nothing nor everything."""

STEP_SIZE = Number(1e-8, 1e4)
StepSize = Annotated[float, STEP_SIZE]
OuterStepSize = Annotated[float, Number(0, 1e4)]
"""A step size of what may stay as it is: 0 does not move it."""

Minutes = Annotated[float, Number(0, 100_000, "(]")]
Seed = Annotated[int, Whole(0, 2**63 - 1)]
Name = Annotated[str, Text()]
PLACE = Text("a path", 4096)
Place = Annotated[str, PLACE]
