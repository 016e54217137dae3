"""The account of a run: what was promised, by which noise, and how that is told."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Self

from textdd.errors import TextddError
from textdd.privacy.accounting import noise_for
from textdd.privacy.config import PrivacyConfig

PROTECTED = "one text of the training split, with its label: the set tells hardly more with it than without it"
"""What the promise is about."""

PUBLIC = (
    "how many training texts there are, and the names of the classes",
    "the options, and the model that reads the texts, which must not have been trained on them",
)
"""What is taken as known to everybody, so that it costs nothing."""

NOT_COUNTED = (
    "other sets and figures made from the same texts, and a choice among several runs: their costs add up",
    "seconds and bytes of memory that the run took",
    "noise of a pseudo-random generator and rounded numbers, seeded by the operating system: fit for research",
)
"""What else there is to know, and what this account does not cover."""


@dataclass(frozen=True)
class Account:
    """What was promised, and by which noise.

    Attributes:
        epsilon: ε of all steps together, at most.
        delta: δ.
        noise_multiplier: σ, standard deviation of the noise as a multiple of `clip`.
        clip: the longest gradient of a text.
        sampling_rate: q, by which every text takes part in a step.
        steps: T, at most.
    """

    epsilon: float
    delta: float
    noise_multiplier: float
    clip: float
    sampling_rate: float
    steps: int

    @classmethod
    def of(cls, config: PrivacyConfig, texts: int, batch: int, steps: int) -> Self:
        """The account of a run before its first step.

        Args:
            config: the options.
            texts: training texts, which every step draws from.
            batch: texts that a step is to have on average.
            steps: T.

        Raises:
            TextddError: δ is so large that one text could stand in the set as it is, or so small that no noise is
                enough.
        """
        assert config.epsilon is not None, "asked only where privacy is on"
        delta = 0.1 / texts if config.delta is None else config.delta
        if delta * texts >= 1:
            raise TextddError(
                f"Got distiller.privacy.delta={delta:g} for {texts} training texts; a set that gives one of them away "
                f"whole would pass for private. Allowed: below {1 / texts:g}. Type: distiller.privacy.delta=null"
            )
        rate = min(1.0, batch / texts)
        try:
            noise = noise_for(config.epsilon, delta, rate, steps)
        except ValueError as error:
            raise TextddError(
                f"Got distiller.privacy.epsilon={config.epsilon:g} and delta={delta:g}: {error}. "
                f"Type: distiller.privacy.epsilon={10 * config.epsilon:g}"
            ) from error
        return cls(config.epsilon, delta, noise, config.clip, rate, steps)

    def entry(self) -> dict[str, Any]:
        """What the manifest says of it."""
        told = {"protected": PROTECTED, "public": list(PUBLIC), "not_counted": list(NOT_COUNTED)}
        return {**asdict(self), **told, "repeatable": False}

    def __str__(self) -> str:
        """One line for the terminal."""
        return (
            f"privacy: {claim(asdict(self))}; noise of {self.noise_multiplier:.4g} times the clip {self.clip:g}, which "
            f"is drawn anew in every run, in {self.steps} steps, each with {100 * self.sampling_rate:.3g} % of the "
            "training texts by chance. Of the run's folder, hand on the folder artifact alone"
        )


def claim(entry: dict[str, Any]) -> str:
    """The promise of a manifest's entry, in words."""
    return f"(ε, δ)-differentially private with ε = {entry['epsilon']:g} and δ = {shortened(entry['delta'])}"


def shortened(value: float) -> str:
    """A small number in two digits, rounded up, as a promise has to be."""
    if value == 0:
        return "0"
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return f"{math.ceil(value / unit - 1e-9) * unit:.2g}"
