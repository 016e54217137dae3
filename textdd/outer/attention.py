"""Options of attention labels, and what they start as: a pretrained student's own attention to the first texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from textdd.allowed import Number, OneOf, OuterStepSize
from textdd.errors import TextddError
from textdd.outer.config import DistillerConfig
from textdd.outer.engine import EngineConfig
from textdd.seeds import derive
from textdd.training.attention import started
from textdd.training.student import FlatStudent


@dataclass
class AttentionConfig(EngineConfig):
    """Options of distillers that learn attention labels.

    Attributes:
        attention: what a student is taught of its attention beside the classes: nothing (`none`), the first row of
            every head (`cls`), or `all` rows. Only for a pretrained student whose body is learned.
        attention_layers: of the `last` layer, or of `all` that are learned.
        attention_weight: of the divergence from attention labels beside the loss of the classes.
        attention_step_size: outer step size of attention labels (their logits).
    """

    attention: Annotated[str, OneOf("none", "cls", "all")] = "none"
    attention_layers: Annotated[str, OneOf("last", "all")] = "last"
    attention_weight: Annotated[float, Number(0, 1e6)] = 10.0
    attention_step_size: OuterStepSize = 0.02

    def check(self) -> None:
        """As for every distiller, and that texts are such as can carry attention labels."""
        super().check()
        if self.attention != "none" and self.parametrisation == "real":
            raise TextddError(
                f"Got distiller.attention={self.attention} and distiller.parametrisation=real: sets of texts are read "
                "by students of every kind, and have no attention labels. Type: distiller.attention=none"
            )


@torch.no_grad()
def started_attention(
    config: DistillerConfig, student: FlatStudent, x: Tensor, mask: Tensor | None, seed: int
) -> Tensor | None:
    """Logits (N, S, H, R, L) of attention labels at their start, or None where there are to be none.

    Args:
        config: the method's options.
        student: whose attention it is.
        x: the examples at their start (N, L, D).
        mask: true at tokens (N, L), or None.
        seed: the run's seed.

    Raises:
        TextddError: the student has no attention that is learned.
    """
    if not isinstance(config, AttentionConfig) or config.attention == "none":
        return None
    if student.module.attends is None:
        raise TextddError(
            f"Got distiller.attention={config.attention}; this student has no attention that is learned. Type: "
            "model=pretrained model.tuning=full (or top:K, lora:R), or distiller.attention=none"
        )
    theta = student.fresh(derive(seed, "attention"), x.device, x.dtype)
    return started(student.attended(theta, *student.below(x, mask))[1], config.attention, config.attention_layers)
