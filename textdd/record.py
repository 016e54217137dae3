"""The record of a run: files that are whole or absent, whatever is killed when."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from safetensors.torch import save
from torch import Tensor

LEFT = re.compile(r"\..+\.(lock|seal|partial|\d+)")
"""Names of files that help to make others; version 0.3 had the number of the process in them."""


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically: a reader sees the old content or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_of(path)
    with opened_alone(partial) as file:
        try:
            file.truncate()  # what a killed process left
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            partial.replace(path)
        except BaseException:  # a full disk, or a signal
            partial.unlink(missing_ok=True)
            raise


def partial_of(path: Path) -> Path:
    """What a file is called while it is being written; who writes it next takes over what a killed process left."""
    return path.with_name(f".{path.name}.partial")


def opened_alone(path: Path) -> BinaryIO:
    """Open a file to append to it, in one process at a time; others wait, then open what has its name by then."""
    while True:
        file = cast(BinaryIO, path.open("ab"))
        with suppress(OSError):  # not every file system has locks
            fcntl.flock(file, fcntl.LOCK_EX)
        try:
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        except FileNotFoundError:
            pass
        file.close()


def sweep_up(folder: Path) -> None:
    """Remove from the folder of a finished run what only an unfinished one needs, and what killed ones left."""
    for place in (folder, *folder.glob("stage-*")):
        shutil.rmtree(place / "checkpoints", ignore_errors=True)
        for path in (*place.glob(".*"), *place.glob("artifact/.*")):
            if LEFT.fullmatch(path.name):
                path.unlink()


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file atomically."""
    write_bytes(path, (json.dumps(content, indent=2, allow_nan=False) + "\n").encode())


def write_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Write a safetensors file atomically."""
    whole = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    write_bytes(path, save(whole, metadata))


def write_array(path: Path, array: np.ndarray) -> None:
    """Write a .npy file atomically."""
    buffer = BytesIO()
    np.save(buffer, array, allow_pickle=False)
    write_bytes(path, buffer.getvalue())
