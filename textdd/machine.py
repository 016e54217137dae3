"""The machine that a run's seconds were measured on."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import torch

CPUINFO = Path("/proc/cpuinfo")


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
