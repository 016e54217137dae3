"""A pretrained encoder of `transformers` as a student: its own weights below, a fresh linear head on top.

Embeddings take the place of the words' (`inputs_embeds`), so distilled texts are matrices in the model's own space. How
much of the body is learned is `tuning`. With `head` the whole body is frozen: it lies *below* the learned part, reads
real texts once, and is differentiated only with respect to distilled texts (Maekawa et al. 2023 distil for BERT so).
With `lora:R` all students share the body, and learn adapters of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any

import torch
from torch import Tensor, nn

from textdd.allowed import Chosen, Number, OneOf, Place, Text
from textdd.errors import TextddError
from textdd.spaces.checkpoint import Checkpoint, load_checkpoint
from textdd.students.body import BODY, HEAD, HEAD_ALONE, Embodied, place_of
from textdd.students.lower import Bridge, Lower, bridged, can_be_divided
from textdd.training.student import Read
from textdd.training.work import Work

TUNING = Text(
    "head, full, top:K for the last K layers, or lora:R for adapters of rank R",
    pattern=r"head|full|(top|lora):[1-9]\d{0,3}",
)
POOLINGS = ("mean", "cls")

ADAPTERS = 3.0
"""Step size of adapters, as a multiple of that of layers that are learned as a whole."""


@dataclass
class PretrainedConfig:
    """Options of a pretrained student.

    Attributes:
        name: the choice `model=pretrained`.
        path: folder of the model, or its id on the hub.
        tuning: what is learned: `head` alone, `top:K` for the last K layers as well, `full` for all layers, or `lora:R`
            for adapters of rank R in all of them. The table of word vectors is never learned: distilled texts take its
            place.
        pooling: a text's features: the `mean` over its tokens, or those of its first token (`cls`).
        body_step: step size of the layers as a multiple of the head's, where both are learned; adapters take three
            times as much.
        checkpointing: keep no activations of the model's layers for a gradient, which makes them again: a third (6
            layers) to an eighth (30 layers) of the memory, and half as much time again. It saves nothing in layers that
            learn, or have adapters, where their training is itself differentiated (`meta_gradient`), and is left out
            there; where a trained student reads texts that judge it, in the evaluation, and under a head it saves as
            much as anywhere.
    """

    name: Annotated[str, Chosen("model")] = "pretrained"
    path: Place | None = None
    tuning: Annotated[str, TUNING] = "head"
    pooling: Annotated[str, OneOf(*POOLINGS)] = "mean"
    body_step: Annotated[float, Number(1e-6, 100)] = 0.03
    checkpointing: bool = False


class Pretrained(Embodied):
    """A pretrained body and a fresh head.

    Args:
        config: which model, and what of it is learned.
        dimension: D, of the model's own table.
        classes: C.

    Raises:
        TextddError: there is no such model, it has fewer layers, or the embeddings are those of another space.
    """

    def __init__(self, config: PretrainedConfig, dimension: int, classes: int) -> None:
        checkpoint = load_checkpoint(config.path)
        super().__init__(checkpoint, config, dimension, checkpoint.config.hidden_size, classes)
        self.config, self.dimension, self.cls = config, dimension, config.pooling == "cls"
        self.step_scale = HEAD_ALONE if self.reads_once else HEAD
        self.lower: Lower | None = None
        self.bridge: Bridge | None = None
        if self.reads_once:
            return
        if 0 < self.depth < len(checkpoint.layers()):
            self._divide(checkpoint)
        depth = self.depth if self.adapters is None else len(checkpoint.layers())
        self.attends = depth, checkpoint.config.num_attention_heads
        if self.adapters is None:
            self.part_scales = {BODY: config.body_step}
        else:
            self.part_scales = {"adapters.": ADAPTERS * config.body_step}

    def _divide(self, checkpoint: Checkpoint) -> None:
        """Set the frozen lower layers apart, where the model can be divided so."""
        layers, model = checkpoint.layers(), checkpoint.model
        place, first = place_of(layers, model), len(layers) - self.depth
        if can_be_divided(model, place, first, self.dimension):
            self.lower, self.bridge = Lower(model, place, first), bridged(self.body, place, first)
            self.keeps = f"below layer {first}"

    def below(self, x: Tensor, mask: Tensor | None = None) -> Read:
        """What frozen lower layers make of every token (N, L, H); of a frozen body see `Embodied.below`."""
        if self.lower is None:
            return super().below(x, mask)
        with self.hung(self.lower.model):
            return self.lower(x, attended(x, mask)), mask

    def read(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """One vector (N, H) for each text of embeddings (N, L, D), or of what `below` made of them."""
        hidden: Tensor = self._read(x, mask)[0]  # (N, L, H)
        return self.pooled(hidden, attended(x, mask))

    def frozen(self) -> Pretrained:
        """A head on the pretrained body."""
        made = Pretrained(replace(self.config, tuning="head"), self.dimension, self.head.out_features)
        return self if self.reads_once else made

    def pooled(self, hidden: Tensor, attended: Tensor) -> Tensor:
        """One vector (N, H) for the tokens (N, L, H) of each text."""
        if self.cls:
            return hidden[:, 0]
        weights = attended.unsqueeze(-1).to(hidden.dtype)
        return (hidden * weights).sum(1) / weights.sum(1).clamp_min(1)

    def attended(self, x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Features (N, H) and the attention of the learned layers (N, layers, heads, L, L).

        Raises:
            TextddError: the body does not say how it attends.
        """
        assert self.attends is not None, "asked only where there is attention that is learned"
        found = self._read(x, mask, output_attentions=True)
        if not found.attentions:
            raise TextddError(
                f"{type(self.body).__name__} does not give its attention, which attention labels are about. Type: "
                "distiller.attention=none"
            )
        attention = torch.stack(found.attentions[-self.attends[0] :], dim=1)
        return self.pooled(found[0], attended(x, mask)), attention

    def _read(self, x: Tensor, mask: Tensor | None, **asked: Any) -> Any:
        """What the body makes of texts, with adapters if there are any, or from the first layer on that is learned."""
        given = {"inputs_embeds": x, "attention_mask": attended(x, mask), **asked}
        if self.bridge is None:
            with self.hung():
                return self.body(**given)
        self.bridge.instead = x
        try:
            with self.hung():
                return self.body(**{**given, "inputs_embeds": x.new_zeros(*x.shape[:2], self.dimension)})
        finally:
            self.bridge.instead = None  # it would keep a graph

    def work(self) -> Work:
        """Matrix products of the body for every token, or where it is frozen, of a head for every text."""
        upper, lower = (0 if part is None else matrices(part) for part in (self.body, self.lower))
        return self.work_of(upper, lower=lower)


def matrices(body: nn.Module) -> int:
    """Weights of a body, those of its tables left out."""
    return sum(p.numel() for name, p in body.named_parameters() if not name.endswith("embeddings.weight"))


def attended(x: Tensor, mask: Tensor | None) -> Tensor:
    """Which tokens (N, L) of texts (N, L, D) are attended to, as models take it."""
    return x.new_ones(x.shape[:2], dtype=torch.long) if mask is None else mask.long()
