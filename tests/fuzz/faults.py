"""Faults on purpose, which the harness must find."""

import os
import socket
from contextlib import suppress

import numpy as np

from textdd.errors import TextddError


def trace(folder):
    raise ValueError(folder)


def address(folder):
    del folder
    with suppress(OSError):
        socket.getaddrinfo("localhost", 80)


def file(folder):
    (folder.parent.parent / "stray.txt").write_text("x")


def memory(folder):
    del folder
    assert np.ones(200_000_000).sum() > 0


def silence(folder):
    raise TextddError(f"{folder} is wrong.")


def crash(folder):
    del folder
    os.abort()


FAULTS = {fault.__name__: fault for fault in (trace, address, file, memory, silence, crash)}


def make(folder, seeds, draw):
    """Nothing is needed."""
