"""What the rows of a student come to: recovery, gains over baselines with their tests, and DD-Ranking's scores."""

from __future__ import annotations

from typing import Any

import numpy as np

from textdd.scoring.dd_ranking import (
    augmentation_robust_score,
    hard_label_recovery,
    improvement_over_random,
    label_robust_score,
)
from textdd.scoring.statistics import paired

Result = dict[str, Any]

OVERALL = ("accuracy", "recovery", "corrected_recovery", "ior", "hlr", "lrs", "ars_wd")
"""What is averaged over students."""


def summed_up(student: Result, confidence: float) -> Result:
    """The scores of one student, and its set against every baseline.

    Args:
        student: its `rows`, `full`, `headline` and `chance`.
        confidence: of the intervals.

    Returns:
        `scores`: `accuracy`, the headline measure by the headline recipe; `plain`, by the tuned plain one; `recovery`,
        of the full data; `corrected_recovery`, of what lies above `chance`; `hard`, with labels without shades; `ior`,
        `hlr`, `lrs`, `ars_wd`. `against`: each baseline by its tuned recipe; as `fixed: NAME`, both by the fixed one.
    """
    rows, full, chance = student["rows"], student["full"]["mean"], student["chance"]
    ours = rows["set"][student["headline"]]
    hard = rows.get("set, hard labels", rows["set"])[student["headline"]]["mean"]
    random = rows.get("random, teacher labels", rows["random"])["tuned"]["mean"]
    ior, hlr = improvement_over_random(ours["mean"], random), hard_label_recovery(full, hard)
    scores = {
        "accuracy": ours["mean"],
        "plain": rows["set"]["tuned"]["mean"],
        "hard": hard,
        "recovery": ours["mean"] / full if full else 0.0,
        "corrected_recovery": corrected(ours["mean"], full, chance),
        "ior": ior,
        "hlr": hlr,
        "lrs": label_robust_score(ior, hlr),
        "ars_wd": robust(rows),
    }
    baselines = [name for name in rows if not name.startswith("set") and not name.endswith("dropped")]
    against = {name: paired(ours["values"], rows[name]["tuned"]["values"], confidence) for name in baselines}
    fixed = rows["set"]["fixed"]["values"]
    against |= {
        f"fixed: {name}": paired(fixed, rows[name]["fixed"]["values"], confidence)
        for name in baselines
        if "fixed" in rows[name]
    }
    return {"scores": scores, "against": against}


def corrected(ours: float, full: float, chance: float | None) -> float | None:
    """Recovery of what lies above chance; null where chance or nothing above it is known."""
    return None if chance is None or full <= chance else (ours - chance) / (full - chance)


def robust(rows: Result) -> float | None:
    """ARS-wd, both gains by tuned plain recipes; null where no words were dropped."""
    if "set, words dropped" not in rows:
        return None
    dropped = rows["set, words dropped"]["tuned"]["mean"] - rows["random, words dropped"]["tuned"]["mean"]
    return augmentation_robust_score(dropped, rows["set"]["tuned"]["mean"] - rows["random"]["tuned"]["mean"])


def overall(students: Result) -> Result:
    """The mean of each score over students; null where one has none."""
    found: Result = {}
    for name in OVERALL:
        values = [student["scores"][name] for student in students.values()]
        found[name] = None if None in values else float(np.mean(values))
    return found
