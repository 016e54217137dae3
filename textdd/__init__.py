"""textdd: distil a labelled text corpus into a tiny synthetic training set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textdd.api import distil, score, select, train, trust_report
    from textdd.sets.distilled_set import DistilledSet

__all__ = ["DistilledSet", "distil", "score", "select", "train", "trust_report"]


def __getattr__(name: str) -> Any:
    # torch takes seconds to import, so it waits until something that needs it is asked for.
    if name == "DistilledSet":
        from textdd.sets.distilled_set import DistilledSet

        return DistilledSet
    if name in ("distil", "score", "select", "train", "trust_report"):
        from textdd import api

        return getattr(api, name)
    raise AttributeError(f"module 'textdd' has no attribute {name!r}")
