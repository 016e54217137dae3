"""The groups of conf/, such as `dataset`, and what each lets choose from."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).resolve().parent
CONF = HERE / "conf" if (HERE / "conf").is_dir() else HERE.parent / "conf"
"""The YAML folder: inside the package when installed as a wheel, beside it in a checkout."""


def choices_of(group: str) -> list[str]:
    """What a group lets choose from, sorted."""
    return sorted(file.stem for file in (CONF / group).glob("*.yaml"))
