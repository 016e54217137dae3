"""Text from data, options and strangers, made harmless for where it goes: a screen, a table, a page of Markdown."""

from __future__ import annotations

import re

COMMANDS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""What a terminal obeys rather than shows: control signs but for tab and newline, and what turns the order of signs."""

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a cell begins with that a spreadsheet computes."""


def on_screen(text: str) -> str:
    """The same text, in which signs that a terminal would obey are written out: an escape is a backslash and `x1b`."""
    return COMMANDS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def in_cell(text: str) -> str:
    """The same text as a cell of a csv file: before what a spreadsheet would compute stands an apostrophe."""
    return f"'{text}" if text.startswith(FORMULA) else text


def in_markdown(text: str) -> str:
    """The same text as Markdown and HTML take it as it is, in one line."""
    plain = " ".join(on_screen(text).split())
    return re.sub(r"([\\`*_|<\[\]])", r"\\\1", plain)


def in_code(text: str) -> str:
    """The same text for a place where Markdown shows code: what would end it is left out."""
    return " ".join(re.sub(r"[`\"\\]", "", on_screen(text)).split())
