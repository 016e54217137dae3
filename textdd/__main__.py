"""One command, `textdd`, for all that the program does: `textdd run`, `textdd evaluate`, `textdd report`, ..."""

from __future__ import annotations

import os
import sys
from importlib import import_module

from textdd.errors import nearest_first
from textdd.stopping import listen

COMMANDS = {
    "run": ("textdd.run", "distil a corpus, then compare distilled vs random vs full; sweeps with -m"),
    "evaluate": ("textdd.evaluate", "train fresh students on a distilled set and score them"),
    "trust": ("textdd.trust.__main__", "what a set gives away of the texts that it was made from"),
    "export": ("textdd.export", "write a set of texts as a parquet, jsonl or csv file with a card"),
    "quality": ("textdd.quality.__main__", "what a set of texts is like: size, variety, copies, overlap, labels"),
    "score": ("textdd.scoring.__main__", "what any sets are worth beside baselines that are tuned as they are"),
    "report": ("textdd.report.__main__", "tables, figures and one page from the results of runs"),
    "leaderboard": ("textdd.leaderboard.__main__", "page and table of what textdd score ... score.entry=FILE wrote"),
    "dashboard": ("textdd.dashboard", "a Weights & Biases report over all runs of a project"),
}
"""What can be typed behind `textdd`: the module whose `main` does it, and what that is."""


def main() -> None:
    """Hand the command line to what its first word names."""
    name, *rest = sys.argv[1:] or ["--help"]
    if name in ("-sc", "--shell-completion"):  # the shell asks on behalf of `textdd run`, the only command with choices
        name, rest = "run", sys.argv[1:]
        os.environ["COMP_LINE"] = os.environ.get("COMP_LINE", "").replace("textdd run", "textdd", 1)
        os.environ["COMP_POINT"] = str(len(os.environ["COMP_LINE"]))
    if name in ("--help", "-h", "help"):
        lines = [f"  textdd {name:<12}{what}" for name, (_, what) in COMMANDS.items()]
        sys.stdout.write("\n".join(["textdd: distil a text corpus into a tiny training set", "", *lines, ""]))
        sys.stdout.write("\nOptions and examples of each: textdd COMMAND --help\n")
        return
    if name not in COMMANDS:
        best = nearest_first(name.partition("=")[0], COMMANDS)
        typed = f"textdd run {name}" if "=" in name or name == "-m" else f"textdd {best[0]}"
        sys.stderr.write(f"error: Unknown command {name!r}. Allowed: {', '.join(best)}. Type: {typed} ...\n")
        sys.exit(2)
    listen()
    sys.argv = [f"textdd {name}", *rest]
    import_module(COMMANDS[name][0]).main()


if __name__ == "__main__":
    main()
