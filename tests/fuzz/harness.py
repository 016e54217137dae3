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
    """The process; one that has ended is followed by another.

    Args:
        place: gets the folders of the cases.
    """

    def __init__(self, place):
        self.place, self.process = place, None

    def start(self):
        """Begin a process, which takes as long as importing everything."""
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=work, args=(other, self.place), daemon=True)
        self.process.start()
        other.close()
        self.pipe.recv()

    def run(self, kind, number):
        """One case."""
        if self.process is None or not self.process.is_alive():
            self.start()
        self.pipe.send((kind, number))
        try:
            if self.pipe.poll(SECONDS):
                return self.pipe.recv()
            self.stop()
            return Outcome("fault", f"takes more than {SECONDS} s")
        except (EOFError, ConnectionError):
            self.process.join()
            return Outcome("fault", f"the process ended with {self.process.exitcode}")

    def stop(self):
        """End it."""
        if self.process is not None:
            self.process.kill()
            self.process.join()

    def fuzz(self, kind, first, most, end=float("inf"), counts=None):
        """Run cases of a kind, from the number `first` on, until there were `most` or the clock says `end`."""
        counts = Counts() if counts is None else counts
        for number in range(first, first + most):
            if time.monotonic() > end:
                break
            counts.add(number, self.run(kind, number))
        return counts
