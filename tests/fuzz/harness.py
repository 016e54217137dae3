"""Runs cases in a process of their own, which may crash, hang or be killed, and counts what became of them."""

import multiprocessing
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from tests.fuzz.worker import Outcome, work

SECONDS = 60
"""That a case may take."""


@dataclass
class Counts:
    """What became of the cases of a kind.

    Attributes:
        states: how many were `clear`, `accepted` or a `fault`.
        faults: of each kind of fault, the numbers of the cases and what happened in the first.
    """

    states: Counter = field(default_factory=Counter)
    faults: dict = field(default_factory=lambda: defaultdict(list))

    def add(self, number, outcome):
        self.states[outcome.state] += 1
        if outcome.state == "fault":
            self.faults[outcome.what].append((number, outcome.trace))

    def line(self, kind):
        tried = self.states.total()
        return (
            f"{kind:<10} {tried:>7} {self.states['clear']:>7} {self.states['accepted']:>9} {self.states['fault']:>14}"
        )


HEADING = f"{'':<10} {'tried':>7} {'clear':>7} {'accepted':>9} {'anything else':>14}"


class Worker:
    """The process."""

    def __init__(self, kind, place):
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=work, args=(other, kind, place), daemon=True)
        self.process.start()
        other.close()

    def run(self, number):
        """One case."""
        self.pipe.send(number)
        try:
            if self.pipe.poll(SECONDS):
                return self.pipe.recv()
            self.process.kill()
            return Outcome("fault", f"takes more than {SECONDS} s")
        except (EOFError, ConnectionError):
            self.process.join()
            return Outcome("fault", f"the process ended with {self.process.exitcode}")

    def stop(self):
        """End it."""
        if self.process.is_alive():
            self.pipe.send(None)
            self.process.join(10)
        self.process.kill()


def fuzz(kind, place, first, most, seconds=float("inf")):
    """Run cases of a kind, from the number `first` on, until there were `most` or the time is over."""
    counts, end, worker = Counts(), time.monotonic() + seconds, None
    for number in range(first, first + most):
        if time.monotonic() > end:
            break
        if worker is None or not worker.process.is_alive():
            worker = Worker(kind, place)
        counts.add(number, worker.run(number))
    if worker is not None:
        worker.stop()
    return counts
