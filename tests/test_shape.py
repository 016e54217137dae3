"""Shapes of JSON: what fits passes, and what does not is named with the way to it."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textdd.recorded import parsed, rebuilt, shape_of
from textdd.shape import Each, Either, Number, OneOf, Several, Text, Whole, maybe, mismatch


@pytest.mark.parametrize(
    ("content", "shape", "said"),
    [
        ({"a": {"b": [1, 2]}}, {"a": {"b": [int]}}, ""),
        ({"a": {"b": [1, True]}}, {"a": {"b": [int]}}, "a.b[1] is True; a whole number is allowed"),
        ({}, {"a?": int}, ""),
        ({"a": 1}, {"a?": str}, "a is 1; a text of 0 to 100000 signs is allowed"),
        ({"a": {}}, {"a": {"b": int}}, "a.b is missing"),
        ({"x": 0.5, "y": None}, Each(maybe(Number(0, 1))), ""),
        ({"x": 1.5}, Each(Number(0, 1)), "x is 1.5; a number from 0 to 1 is allowed"),
        (float("nan"), float, "the file is nan; a finite number is allowed"),
        (10**400, float, "a finite number is allowed"),
        ([], [int], "a list of at least 1"),
        ([1] * 5, Several(int, 0, 4), "a list of 0 to 4, each a whole number is allowed"),
        ("foo", OneOf(("a", "b")), "the file is 'foo'; a or b is allowed"),
        ("", Text(5, 1), "a text of 1 to 5 signs"),
        (3, Either((Text(), Whole(0, 2))), "or a whole number from 0 to 2 is allowed"),
        ([1], dict, "the file is [1]; an object is allowed"),
    ],
)
def test_what_does_not_fit_is_named(content, shape, said):
    shape = {str: Text()}.get(shape, shape) if isinstance(shape, type) else shape
    if isinstance(shape, dict):
        shape = {key: Text() if value is str else value for key, value in shape.items()}
    found = mismatch(content, shape)
    assert found == "" if not said else said in found


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


@dataclass
class Part:
    size: int = 1


@dataclass
class Options:
    name: str = "x"
    share: float = 0.5
    path: str | None = None
    sizes: list[int] = field(default_factory=list)
    anything: Any = None
    part: Part = field(default_factory=Part)


@given(JSON)
def test_any_content_is_rebuilt_or_refused_in_words(content):
    wrong = mismatch(content, shape_of(Options), "options")
    if wrong:
        assert wrong.startswith("options")
        with pytest.raises(ValueError, match=r"options"):
            rebuilt(Options, content, "options")
    else:
        options = rebuilt(Options, content, "options", strict=False)
        assert isinstance(options.part, Part)
        assert isinstance(options.sizes, list)


def test_what_is_not_known_is_refused_or_passed_over():
    with pytest.raises(ValueError, match=r"options\.speed is not known; allowed are name"):
        rebuilt(Options, {"speed": 1}, "options")
    assert rebuilt(Options, {"speed": 1, "part": {"size": 3}}, "options", strict=False).part.size == 3


@given(st.binary() | JSON.map(lambda content: json.dumps(content).encode()))
def test_any_bytes_are_json_that_can_be_written_again_or_refused(content):
    try:
        found = parsed(content)
    except ValueError:
        return
    json.dumps(found, ensure_ascii=False, allow_nan=False).encode()


@pytest.mark.parametrize("content", [b'{"a": NaN}', b'{"a": 1, "a": 2}', b'"\\udc00"', b"[" * 100_000, b"1e", b"\xff"])
def test_json_that_others_would_read_otherwise_is_refused(content):
    with pytest.raises(ValueError, match=r".+"):
        parsed(content)
