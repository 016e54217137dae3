"""What a piece of work costs: seconds and peak memory, measured by the operating system or the GPU."""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import torch

CLEAR_REFS = Path("/proc/self/clear_refs")
STATUS = Path("/proc/self/status")


class Cost:
    """Context manager that measures the block it encloses.

    Attributes:
        seconds: wall-clock seconds.
        peak_memory_bytes: most memory held at once during the block: allocated GPU memory where there is a GPU,
            else the resident memory of the process. Where the system cannot reset its peak (not Linux), it is that
            of the process so far.
    """

    seconds: float = 0.0
    peak_memory_bytes: int = 0

    def __enter__(self) -> Self:
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        else:
            reset_peak()
        self._start = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.seconds = time.perf_counter() - self._start
        self.peak_memory_bytes = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else resident_peak()


def reset_peak() -> None:
    """Start the system's record of peak resident memory anew (Linux; elsewhere it goes on)."""
    if CLEAR_REFS.exists():
        CLEAR_REFS.write_text("5")


def resident() -> int:
    """Resident memory of the process in bytes, now; where the system does not tell (not Linux), its peak so far."""
    return _status("VmRSS") or resident_peak()


def resident_peak() -> int:
    """Peak resident memory in bytes since `reset_peak`."""
    if known := _status("VmHWM"):
        return known
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # macOS counts bytes, Linux kilobytes


def _status(field: str) -> int | None:
    if STATUS.exists():
        for line in STATUS.read_text().splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) * 1024
    return None
