"""The process that cases run in, one after the other, each in a folder of its own, which it must not leave."""

import os
import random
import re
import resource
import shutil
import sys
import traceback
import warnings
from pathlib import Path
from typing import NamedTuple

import torch

import textdd
from textdd.errors import TextddError

MOST_RESIDENT = 1_500_000_000
ROOM = 3 << 30
"""Bytes that a case may ask for beyond what the process has before it: beyond that, an allocation fails."""

REMEDY = re.compile(
    r"\b(Type|Give|Get|Copy|Take|Distil|Make|Mend|Update|Unpack|Add|Name|Remove|Delete|Leave|Put|Say|Keep|Write|Allowed|"
    r"Convert|Save|Check|Choose|Another|Nearest)\b|get it again|type: |say how: |textdd [a-z]+ [a-z]+="
)
"""A word of what to do, in every message."""

LONGEST_MESSAGE = 4000

PROGRAM = Path(textdd.__file__).parent
"""Where its files are; a checkout may have its name, too."""

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
PLACES = {"os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate", "shutil.rmtree"}
ADDRESSES = ("socket.connect", "socket.getaddrinfo", "urllib.Request")
COMMANDS = ("subprocess.Popen", "os.system", "os.exec", "pickle.find_class")


class Outcome(NamedTuple):
    """What became of a case: `clear` (an error with a remedy), `accepted`, or what must not be, with where and why."""

    state: str
    what: str = ""
    trace: str = ""


class Guard:
    """Notes what a case does outside of its folder; Python's own audit events tell."""

    def __init__(self):
        self.folder, self.caught = None, []
        sys.addaudithook(self)

    def __call__(self, event, arguments):
        if self.folder is None:
            return
        if event == "open":
            path, mode, flags = arguments
            writes = (isinstance(mode, str) and set(mode) & set("wax+")) or (flags or 0) & WRITING
            if writes and isinstance(path, str | bytes | os.PathLike):
                self.look(event, path)
        elif event in PLACES:
            self.look(event, arguments[0])
        elif event.startswith((*ADDRESSES, *COMMANDS)):
            self.caught.append(f"{event} {arguments[:2]}")

    def look(self, event, path):
        path = os.path.abspath(os.fsdecode(path))  # noqa: PTH100  (Path would raise events of its own)
        if not path.startswith((f"{self.folder}", "/dev/", "/proc/self")):
            self.caught.append(f"{event} {path}")


def resident():
    """Bytes that the process had in memory at most since it was last asked."""
    status = Path("/proc/self/status").read_text()
    most = int(re.search(r"VmHWM:\s+(\d+)", status)[1]) * 1024
    Path("/proc/self/clear_refs").write_text("5")
    return most


def run_case(kind, number, place, guard):
    """Make a case and run it.

    Args:
        kind: what runs a case and what makes it, one of `KINDS`.
        number: which one; the same number is the same case.
        place: gets a folder for the case, and keeps it where something went wrong.
        guard: notes what is done outside of the folder.
    """
    subject, make = kind
    folder = place / f"case-{number}"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "in").mkdir(parents=True)
    make(folder / "in", place / "seeds", random.Random(number))
    os.chdir(folder / "in")
    resident()
    guard.folder, guard.caught = str(folder), []
    try:
        subject(folder / "in")
        outcome = Outcome("accepted")
    except TextddError as error:
        outcome = judged(str(error))
    except BaseException as error:  # also what Rust panics with
        frames = [(Path(frame.filename), frame.name) for frame in traceback.extract_tb(error.__traceback__)]
        where = [(path, name) for path, name in frames if path.is_relative_to(PROGRAM)]
        place_of = f"{where[-1][0].relative_to(PROGRAM)}:{where[-1][1]}" if where else "outside"
        outcome = Outcome(
            "fault", f"{type(error).__name__} at {place_of}", "".join(traceback.format_exception(error)[-6:])
        )
    finally:
        guard.folder = None
        os.chdir(place)
    if guard.caught:
        outcome = Outcome("fault", f"outside: {guard.caught[0].split()[0]}", "\n".join(guard.caught[:5]))
    if (most := resident()) > MOST_RESIDENT:
        outcome = Outcome("fault", f"memory: {most >> 20} MB", outcome.trace)
    if outcome.state in ("clear", "accepted"):
        shutil.rmtree(folder, ignore_errors=True)
    return outcome


def judged(message):
    """Whether a message helps."""
    if len(message) > LONGEST_MESSAGE:
        return Outcome("fault", "message too long", message[:500])
    if not REMEDY.search(message):
        return Outcome("fault", "message without a remedy", message)
    return Outcome("clear", message)


def work(pipe, place):
    """Run the cases that come through a pipe, as a kind and a number, for as long as the process lives."""
    from tests.fuzz.kinds import ALL

    warnings.simplefilter("ignore")
    sys.stderr = sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115  (for as long as the process lives)
    os.environ |= {"HOME": str(place / "home"), "HF_HUB_OFFLINE": "1", "WANDB_MODE": "disabled"}
    torch.set_num_threads(1)
    guard = Guard()
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + ROOM, size + ROOM))
    pipe.send("ready")
    while True:
        kind, number = pipe.recv()
        pipe.send(run_case(ALL[kind], number, place, guard))
