"""A stream worked on by all cores."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_order(work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Do some work on every item of a stream and yield the results in the order of the items.

    Threads suffice for work that Arrow and NumPy do, as these let other threads run meanwhile. The stream is read
    in the calling thread, and no further ahead than keeps all cores at work, so memory stays bounded.

    Args:
        work: what to do with an item.
        items: the stream.
    """
    cores = os.cpu_count() or 1
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(cores) as pool:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > cores + 1:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
