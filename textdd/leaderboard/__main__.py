"""The leaderboard's page and table, from the entries in a folder.

python -m textdd.leaderboard entries=experiments/leaderboard
"""

from __future__ import annotations

import sys
from pathlib import Path

from textdd import cli
from textdd.config import LeaderboardConfig, register
from textdd.ending import ending
from textdd.help import print_help
from textdd.leaderboard.page import write_board
from textdd.places import in_places
from textdd.screen import announce
from textdd.typed import expanded

PURPOSE = "Make the leaderboard's page and its table of Markdown from what textdd score ... score.entry=FILE wrote."
EXAMPLES = [
    ("", "experiments/leaderboard: its index.html and leaderboard.md"),
    ("entries=mine out=page", "entries of another folder, and where to write"),
]


def execute(config: LeaderboardConfig) -> Path:
    """Write the board and return the path of its page.

    Raises:
        TextddError: there are no entries where they should be.
    """
    folder = expanded(config.entries)
    out = folder if config.out is None else expanded(config.out)
    with in_places(out=str(out)):
        return write_board(folder, out)


def composed(arguments: list[str]) -> LeaderboardConfig:
    """Check and compose a command line.

    Raises:
        TextddError: something is wrong with it.
    """
    return cli.composed("leaderboard", arguments, LeaderboardConfig, lambda _: None)


def main() -> None:
    """Entry point of `textdd leaderboard`."""
    arguments = sys.argv[1:]
    if any(flag in arguments for flag in cli.HELP_FLAGS):
        print_help("leaderboard", PURPOSE, EXAMPLES, "leaderboard", [])
        return
    with ending():
        page = execute(composed(arguments))
        announce(f"leaderboard: {page.resolve()}")


register()

if __name__ == "__main__":
    main()
