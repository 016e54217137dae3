"""What result.json holds about each method."""

from __future__ import annotations

from typing import Any

from textdd.tasks import Scores

Result = dict[str, Any]
"""What result.json holds about one method."""


def summary(scores: Scores) -> Result:
    """Mean, standard deviation and values of each measure over the students."""
    return {
        name: {
            "mean": float(values.mean()),
            "std": float(values.std()) if len(values) > 1 else 0.0,
            "values": values.tolist(),
        }
        for name, values in scores.items()
    }
