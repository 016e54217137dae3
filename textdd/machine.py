"""The machine: what seconds are measured on, and the memory that there is."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import torch

CPUINFO = Path("/proc/cpuinfo")
MEMINFO = Path("/proc/meminfo")
LIMIT, USED = (Path("/sys/fs/cgroup") / name for name in ("memory.max", "memory.current"))


def machine() -> dict[str, str | int]:
    """Describe processor, cores, GPUs, operating system and Python; nothing that names the machine or its user."""
    facts: dict[str, str | int] = {"processor": processor(), "cores": os.cpu_count() or 1}
    if torch.cuda.is_available():
        facts["gpu"] = ", ".join(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))
    return {**facts, "system": platform.system(), "python": platform.python_version()}


def processor() -> str:
    """The processor's name; Linux keeps it where `platform` does not look."""
    if CPUINFO.exists():
        for line in CPUINFO.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def available(device: torch.device) -> int:
    """Bytes that can still be allocated on a device.

    On a CPU that is what Linux calls available, or what is left of a container's limit; elsewhere all there is.
    """
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    if not MEMINFO.exists():
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    lines = dict(line.split(":") for line in MEMINFO.read_text().splitlines())
    free = int(lines["MemAvailable"].split()[0]) * 1024
    if LIMIT.exists() and (limit := LIMIT.read_text().strip()) != "max":
        free = min(free, int(limit) - int(USED.read_text()))
    return free
