"""`python -m tests.fuzz minutes=10` fuzzes all kinds in turn; `python -m tests.fuzz KIND NUMBER` runs one again."""

import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.harness import HEADING, Counts, fuzz
from tests.fuzz.kinds import KINDS

ROUND = 50
"""Cases of a kind before it is the next one's turn."""


def report(counts):
    """Print the counts and one case of every fault; whether there was none."""
    lines = [HEADING, *(found.line(kind) for kind, found in counts.items())]
    for kind, found in counts.items():
        for what, cases in sorted(found.faults.items()):
            number, trace = cases[0]
            lines += ["", f"{kind}: {what} ({len(cases)} times)", f"again: python -m tests.fuzz {kind} {number}", trace]
    sys.stdout.write("\n".join(lines) + "\n")
    return not any(found.faults for found in counts.values())


def main():
    """Fuzz for some minutes, or run one case."""
    place = Path(tempfile.mkdtemp(prefix="textdd-fuzz-"))
    if sys.argv[1:2] and sys.argv[1].startswith("minutes="):
        end, counts, first = time.monotonic() + 60 * float(sys.argv[1].removeprefix("minutes=")), {}, 0
        chosen = sys.argv[2:] or list(KINDS)
        while time.monotonic() < end:
            for kind in chosen:
                found = fuzz(kind, place, first, ROUND, end - time.monotonic())
                total = counts.setdefault(kind, Counts())
                total.states += found.states
                for what, cases in found.faults.items():
                    total.faults[what] += cases
            first += ROUND
        sys.exit(0 if report(counts) else 1)
    kind, number = sys.argv[1], int(sys.argv[2])
    sys.stdout.write(f"{place}\n")
    sys.exit(0 if report({kind: fuzz(kind, place, number, 1)}) else 1)


if __name__ == "__main__":
    main()
