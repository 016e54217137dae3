"""How a command ends: with its result, or with one line on why not, and with no traceback for what users or systems do.

Status 2 goes with what can be mended, 130 and 143 with a command that was stopped, as shells have it.
"""

from __future__ import annotations

import codecs
import io
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from textdd.cli import exit_with
from textdd.errors import TextddError
from textdd.places import in_places
from textdd.stopping import listen, stop

PLAIN = {"±": "+-", "…": "..."}
"""How signs of our tables are written where the terminal's encoding does not have them."""


@contextmanager
def ending(**places: str | None) -> Iterator[None]:
    """Run a command, or a part of it, to whichever end it comes.

    Args:
        places: options that name folders, and their values; see `in_places`.
    """
    show_plainly()
    listen()
    try:
        with in_places(**places):
            yield
    except TextddError as error:
        exit_with(error)
    except KeyboardInterrupt:  # of a library that listens for itself while it reads
        stop(signal.SIGINT)


def show_plainly() -> None:
    """Write signs that the encoding of the terminal does not have by others, in place of failing at the last table."""
    codecs.register_error("textdd", plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="textdd")


def plain(error: UnicodeError) -> tuple[str, int]:
    """What is written in place of signs that cannot be, and where to go on."""
    assert isinstance(error, UnicodeEncodeError)
    return "".join(PLAIN.get(sign, "?") for sign in error.object[error.start : error.end]), error.end
