"""`python -m tests.fuzz minutes=10` fuzzes all kinds in turn; `python -m tests.fuzz KIND NUMBER` runs one again."""

import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.harness import HEADING, Counts, Worker
from tests.fuzz.kinds import KINDS

ROUND = 50
"""Cases of a kind before it is the next one's turn."""


def report(counts):
    """What became of all cases, and of every fault one that shows it."""
    lines = [HEADING, *(found.line(kind) for kind, found in counts.items())]
    for kind, found in counts.items():
        for what, cases in sorted(found.faults.items()):
            number, trace = cases[0]
            lines += ["", f"{kind}: {what} ({len(cases)} times)", f"again: python -m tests.fuzz {kind} {number}", trace]
    return "\n".join(lines) + "\n"


def main():
    """Fuzz for some minutes, all kinds or those that are named, or run one case."""
    first, *rest = sys.argv[1:]
    worker = Worker(Path(tempfile.mkdtemp(prefix="textdd-fuzz-")))
    if first.startswith("minutes="):
        end, number = time.monotonic() + 60 * float(first.removeprefix("minutes=")), 0
        counts = {kind: Counts() for kind in rest or KINDS}
        while time.monotonic() < end:
            for kind, found in counts.items():
                worker.fuzz(kind, number, ROUND, end, found)
            number += ROUND
    else:
        counts = {first: worker.fuzz(first, int(rest[0]), 1)}
    worker.stop()
    sys.stdout.write(f"{report(counts)}\nfolders of what must not be: {worker.place}\n")
    sys.exit(any(found.faults for found in counts.values()))


if __name__ == "__main__":
    main()
