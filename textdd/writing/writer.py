"""Who writes: what a model on this machine and one behind a server have in common."""

from __future__ import annotations

from typing import NamedTuple, Protocol

BATCH = 32
"""Texts that are written to one prompt: its examples are read once, and a step for 32 takes little more than for one.
They are kept together, so that a killed run loses as many at most."""


class Manner(NamedTuple):
    """How texts are written.

    Attributes:
        temperature: what the logits are divided by.
        top_p: only the likeliest tokens are drawn from that together have this probability.
        longest: most tokens of a text.
    """

    temperature: float
    top_p: float
    longest: int


class Draft(NamedTuple):
    """A line as it was written.

    Attributes:
        line: the line.
        finished: it came to an end before it was too long.
    """

    line: str
    finished: bool


class Reply(NamedTuple):
    """What came of a prompt.

    Attributes:
        drafts: the lines.
        read: tokens of the prompt, as often as it was read.
        written: tokens that were written.
    """

    drafts: list[Draft]
    read: int
    written: int


class Writer(Protocol):
    """A model that goes on with a prompt to the end of the line.

    Attributes:
        key: identifies it: other weights or another server, another key.
        what: what messages call it.
        address: where prompts are sent; None if they stay on this machine.
        context: most tokens of a prompt and a text together; None if that is not known.
    """

    key: str
    what: str
    address: str | None
    context: int | None

    def counts(self, texts: list[str]) -> list[int]:
        """Tokens of each text, or a guess that is rather too high (n,)."""

    def write(self, prompt: str, seed: int, manner: Manner) -> Reply:
        """Write `BATCH` lines; the same ones for the same seed, as far as that is in the hands of this program."""
