"""Losses whose gradient is differentiated again: what a student knows when it reads for such a loss.

A checkpoint in what is learned saves nothing there (measured): the graph of the first gradient, which is kept for the
second, holds all that was made again for it. So such layers are read as if there were no checkpoints.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_twice: ContextVar[bool] = ContextVar("twice", default=False)


@contextmanager
def differentiated_twice(yes: bool = True) -> Iterator[None]:
    """Say of what is read inside of the block whether its gradient is differentiated again."""
    token = _twice.set(yes)
    try:
        yield
    finally:
        _twice.reset(token)


def is_differentiated_twice() -> bool:
    """Whether that was said."""
    return _twice.get()
