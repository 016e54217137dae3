"""Options of differential privacy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from textdd.allowed import Number
from textdd.errors import TextddError


@dataclass
class PrivacyConfig:
    """Options of differential privacy.

    Attributes:
        epsilon: how much the set may tell of any one training text: ε of (ε, δ)-differential privacy, of all outer
            steps together; the noise follows from it and is told. null switches privacy off. A run with it is not
            repeatable, since its noise is drawn anew and forgotten.
        delta: δ, the chance that it tells more; null takes a tenth of one in as many as there are training texts.
        clip: longest gradient of a text; longer ones are scaled down to it.
    """

    epsilon: Annotated[float, Number(0.01, 1000, usual=8)] | None = None
    delta: Annotated[float, Number(1e-12, 0.1, usual=1e-5)] | None = None
    clip: Annotated[float, Number(0, 1e6, "(]")] = 1.0

    @property
    def on(self) -> bool:
        """Whether privacy is asked for."""
        return self.epsilon is not None

    def check(self) -> None:
        """Check that δ is not given alone.

        Raises:
            TextddError: it is.
        """
        if self.delta is not None and not self.on:
            raise TextddError(
                f"Got distiller.privacy.delta={self.delta:g} and no epsilon, which switches privacy on. "
                "Type: distiller.privacy.epsilon=8, or distiller.privacy.delta=null"
            )
