"""The screen: what is printed goes through here, so that text from data and options can command no terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import rich.console
from rich.segment import Segment
from rich.text import Text

from textdd.harmless import on_screen


class Console(rich.console.Console):
    """Rich's console, on which control signs are written out and a name like :star: stays as it is.

    Args:
        options: those of Rich.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"emoji": False, **options})

    def render_str(self, text: str, **options: Any) -> Text:
        """Turn markup into text; here, and not only at the end, so that columns are as wide as what they show."""
        return super().render_str(on_screen(text), **options)

    def render(self, *arguments: Any, **options: Any) -> Iterable[Segment]:
        """Turn anything into segments, of which those that are text command nothing."""
        for segment in super().render(*arguments, **options):
            yield segment if segment.control else segment._replace(text=on_screen(segment.text))


def announce(line: str) -> None:
    """Write a line to standard output: as it is for scripts, and for people so that it commands no terminal."""
    sys.stdout.write(f"{on_screen(line) if sys.stdout.isatty() else line}\n")
    sys.stdout.flush()
