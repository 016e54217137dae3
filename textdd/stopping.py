"""Signals: a command that is asked to stop says so in one line, with what to type to go on, and ends with 130 or 143.

Nothing heavy is imported here: torch takes seconds to import, and a command may be stopped meanwhile.
"""

from __future__ import annotations

import atexit
import os
import shlex
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn


class Stopped(SystemExit):
    """A signal asked this process to end."""


def listen() -> None:
    """End in order when asked to; the processes that the first one started leave that, and the word, to it."""
    if os.environ.get("LOCAL_RANK", "0") != "0":
        follow()
    else:
        signal.signal(signal.SIGINT, stop)
        signal.signal(signal.SIGTERM, stop)


def listening() -> bool:
    """Whether `listen` was called, as commands do and programs of users do not."""
    return signal.getsignal(signal.SIGINT) is stop


def follow() -> None:
    """Leave it to the first process to hear of Ctrl-C and to end this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def stop(signum: int, frame: FrameType | None = None) -> NoReturn:
    """Leave whatever is being done; who types Ctrl-C once more does not want to wait.

    Raises:
        Stopped: always.
    """
    del frame
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    atexit.register(tell, signum)  # when all that is open has been closed
    raise Stopped(128 + signum)


def tell(signum: int) -> None:
    """Say what happened and how to go on."""
    name = signal.Signals(signum).name
    sys.stderr.write(f"stopped by {name}; what was finished is kept. To go on from there, type:\n  {typed()}\n")


def typed() -> str:
    """What was typed to start this process."""
    words = sys.orig_argv[1:]
    installed = bool(words) and Path(words[0]).name == "textdd"
    return shlex.join(["textdd", *words[1:]] if installed else ["python", *words])
