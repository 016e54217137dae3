"""Records that others may have written: JSON read with care, and options rebuilt from it; nothing in it is resolved."""

from __future__ import annotations

import dataclasses
import json
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from textdd.options import table
from textdd.shape import Each, Either, Several, Text, mismatch, shown

T = TypeVar("T")


def parsed(content: bytes) -> Any:
    """JSON content, of which every text can be written again.

    Raises:
        ValueError: it is none; it holds NaN or infinity, half a sign, or a name twice; it is nested too deep.
    """
    try:
        found = json.loads(content.decode(), parse_constant=no_number, object_pairs_hook=named_once)
        json.dumps(found, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    return found


def no_number(name: str) -> None:
    """Refuse what Python's reader takes and JSON has not.

    Raises:
        ValueError: always.
    """
    raise ValueError(f"it holds {name}, which is no number")


def named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, none of whose names stands in it twice.

    Raises:
        ValueError: one does.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("it has an object with one name twice")
    return found


def rebuilt(kind: type[T], recorded: Any, where: str, *, strict: bool = True) -> T:
    """Options as they were recorded, as the dataclass that they are of.

    Args:
        kind: the dataclass.
        recorded: names and values.
        where: what the record is called, for the message.
        strict: names that the dataclass does not have are refused; else they are passed over.

    Raises:
        ValueError: a name is not known, or a value is of another kind than the dataclass says.
    """
    if wrong := mismatch(recorded, shape_of(kind), where):
        raise ValueError(wrong)
    hints = get_type_hints(kind)
    known = [item.name for item in dataclasses.fields(kind)]  # type: ignore[arg-type]
    if strict and (unknown := [name for name in recorded if name not in known]):
        raise ValueError(f"{where}.{unknown[0]} is not known; allowed are {', '.join(known)}")
    values = {name: recorded[name] for name in known if name in recorded}
    parts = {name: hints[name] for name in values if dataclasses.is_dataclass(hints[name])}
    values |= {name: rebuilt(part, values[name], f"{where}.{name}", strict=strict) for name, part in parts.items()}
    return kind(**values)


def within_ranges(options: T, where: str) -> T:
    """The same options, each of which lies in the range that it declares.

    Raises:
        ValueError: one does not.
    """
    for option in table(options, prefix=f"{where}."):
        if not option.rule.holds(option.value):
            raise ValueError(f"{option.key} is {shown(option.value)}; {option.rule} is allowed")
    return options


def shape_of(kind: Any) -> Any:
    """The shape of what a type hint names; of a dataclass, each of whose fields may be missing, an object."""
    if dataclasses.is_dataclass(kind):
        return {f"{name}?": shape_of(hint) for name, hint in get_type_hints(kind).items()}
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return Either(tuple(map(shape_of, inner)))
    if origin in (list, tuple):
        return Several(shape_of(inner[0]), 0, 1000)
    if origin is dict:
        return Each(shape_of(inner[1]))
    if kind is Any:
        return Either((str, float, bool, NoneType, list, dict))
    return Text() if kind is str else kind
