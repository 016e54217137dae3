"""What the artefact of a private set does not say: figures that were read off the texts and are no part of the account.

The set itself is what the promise covers. Accuracies on validation and test texts, of baselines and of students of the
full data, and the hash of the corpus are computed from the texts without noise, so they stay in the run's own result.
"""

from __future__ import annotations

from typing import Any

FIGURES = "validation_accuracy"
"""What is left out wherever it stands."""


def released(manifest: dict[str, Any]) -> dict[str, Any]:
    """A manifest as it is written: that of a set without a promise as it is."""
    if "privacy" not in manifest:
        return manifest
    kept: dict[str, Any] = {**without_figures(manifest), "metrics": {}}
    if "corpus" in kept:
        kept["corpus"] = {**kept["corpus"], "key": ""}  # a hash of all texts would confirm whoever guesses them
    return kept


def without_figures(content: Any) -> Any:
    """The same record without figures of validation texts."""
    if isinstance(content, dict):
        return {name: without_figures(value) for name, value in content.items() if name != FIGURES}
    return [without_figures(one) for one in content] if isinstance(content, list) else content
