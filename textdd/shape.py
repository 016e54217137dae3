"""What JSON content must look like, in small declarations, and where it does not: nothing foreign is taken on trust.

    mismatch({"steps": 0}, {"steps": Whole(1, 100)})        # 'steps is 0; a whole number from 1 to 100 is allowed'

A shape is one of the classes below; a type (`str`, `int`, `bool`, `dict`, and `float`, which takes whole numbers too);
a list of one shape, which has at least one item; or a dictionary of what must be there, where a name that ends in `?`
may be missing. What a dictionary does not name is passed over.
"""

from __future__ import annotations

import reprlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import NoneType
from typing import Any

LARGEST = sys.float_info.max
"""Of the numbers that are finite."""

LONGEST = 100_000
"""Most signs of a text, and most items of a list."""

WORDS = {str: "a text", bool: "true or false", dict: "an object", list: "a list", NoneType: "null"}
"""Types as messages call them."""


@dataclass(frozen=True)
class Whole:
    """A whole number within bounds."""

    least: int = -(1 << 53)
    most: int = 1 << 53


@dataclass(frozen=True)
class Number:
    """A number within bounds, which are finite; so NaN is none."""

    least: float = -LARGEST
    most: float = LARGEST


@dataclass(frozen=True)
class OneOf:
    """One of a closed list of words."""

    words: tuple[str, ...]


@dataclass(frozen=True)
class Text:
    """A text of some signs."""

    most: int = LONGEST
    least: int = 0


@dataclass(frozen=True)
class Several:
    """A list of items of one shape."""

    item: Any
    least: int = 0
    most: int = LONGEST


@dataclass(frozen=True)
class Each:
    """A dictionary of any names, whose values have one shape."""

    value: Any


@dataclass(frozen=True)
class Either:
    """Any of several shapes."""

    shapes: tuple[Any, ...]


def maybe(shape: Any) -> Either:
    """A shape, or null."""
    return Either((shape, NoneType))


def mismatch(content: Any, shape: Any, where: str = "") -> str:
    """Say where JSON content is not of the shape that it must have; an empty string if it is.

    Args:
        content: what was read.
        shape: see above.
        where: the way to `content`, for the message.
    """
    if isinstance(shape, list):
        shape = Several(shape[0], 1, sys.maxsize)
    if not fits(content, shape):
        return f"{where or 'the file'} is {shown(content)}; {wanted(shape)} is allowed"
    found = (
        f"{place} is missing" if part is MISSING else mismatch(part, inner, place)
        for part, inner, place in parts_of(content, shape, where)
    )
    return next(filter(None, found), "")


MISSING = object()
"""Stands where something should be."""


def parts_of(content: Any, shape: Any, where: str) -> Iterator[tuple[Any, Any, str]]:
    """What is inside a list or an object, each part with its shape and the way to it."""
    match shape:
        case Several(item):
            yield from ((part, item, f"{where}[{number}]") for number, part in enumerate(content))
        case Each(value):
            yield from ((part, value, f"{where}.{name}".lstrip(".")) for name, part in content.items())
        case dict():
            for name, inner in shape.items():
                key = name.removesuffix("?")
                if key in content or key == name:
                    yield content.get(key, MISSING), inner, f"{where}.{key}".lstrip(".")


def fits(content: Any, shape: Any) -> bool:
    """Whether a value has a shape; what is inside a list or an object is not looked at."""
    match shape:
        case dict() | Each():
            return isinstance(content, dict)
        case Several(_, least, most):
            return isinstance(content, list) and least <= len(content) <= most
        case Whole(least, most):
            return isinstance(content, int) and not isinstance(content, bool) and least <= content <= most
        case Number(least, most):
            return isinstance(content, int | float) and not isinstance(content, bool) and least <= content <= most
        case OneOf(words):
            return isinstance(content, str) and content in words
        case Text(most, least):
            return isinstance(content, str) and least <= len(content) <= most
        case Either(shapes):
            return any(not mismatch(content, one) for one in shapes)
    if shape in (int, float):
        return fits(content, Whole() if shape is int else Number())
    return isinstance(content, shape)


def wanted(shape: Any) -> str:
    """A shape in words."""
    match shape:
        case dict() | Each():
            return "an object"
        case Several(item, least, most):
            size = f"at least {least}" if most == sys.maxsize else f"{least} to {most}"
            return f"a list of {size}, each {wanted(item)}"
        case Whole(least, most):
            return "a whole number" if shape == Whole() else f"a whole number from {least} to {most}"
        case Number(least, most):
            return "a finite number" if shape == Number() else f"a number from {least:g} to {most:g}"
        case OneOf(words):
            return " or ".join(words)
        case Text(most, least):
            return f"a text of {least} to {most} signs"
        case Either(shapes):
            return " or ".join(map(wanted, shapes))
    return wanted(Whole() if shape is int else Number()) if shape in (int, float) else WORDS[shape]


def shown(content: Any) -> str:
    """A value as a message shows it: not too much of it."""
    short = reprlib.Repr()
    short.maxstring, short.maxlong, short.maxother = 60, 40, 60
    return short.repr(content)
