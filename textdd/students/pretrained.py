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
from textdd.spaces.checkpoint import load_checkpoint
from textdd.students.adapters import Adapters
from textdd.training.student import Read, Student
from textdd.training.work import Weights, Work

TUNING = Text(
    "head, full, top:K for the last K layers, or lora:R for adapters of rank R",
    pattern=r"head|full|(top|lora):[1-9]\d{0,3}",
)
POOLINGS = ("mean", "cls")
SPREAD = 0.02
"""Standard deviation of a fresh head, as BERT's own are drawn."""


HEAD_ALONE, HEAD = 10.0, 3.0
"""Step sizes of a head on a frozen body, and on one that is learned as well, as multiples of a small network's: the
features of a pretrained body are small, and a linear map of them cannot diverge as a whole network does."""

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
    """

    name: Annotated[str, Chosen("model")] = "pretrained"
    path: Place | None = None
    tuning: Annotated[str, TUNING] = "head"
    pooling: Annotated[str, OneOf(*POOLINGS)] = "mean"
    body_step: Annotated[float, Number(1e-6, 100)] = 0.03


class Pretrained(Student):
    """A pretrained body and a fresh head.

    Args:
        config: which model, and what of it is learned.
        dimension: D, of the model's own table.
        classes: C.

    Raises:
        TextddError: there is no such model, it has fewer layers, or the embeddings are those of another space.
    """

    beside = "loop"  # what holds for one body holds for few of K

    def __init__(self, config: PretrainedConfig, dimension: int, classes: int) -> None:
        checkpoint = load_checkpoint(config.path)
        super().__init__(checkpoint.config.hidden_size, classes)
        if dimension != checkpoint.table.shape[1]:
            raise TextddError(
                f"{config.path} reads vectors of {checkpoint.table.shape[1]} numbers, the texts have {dimension}: they "
                "are in another space. A set of matrices made in one space cannot be read in another; distil for this "
                "student, or make a set of texts, which every student reads"
            )
        self.config, self.dimension, self.cls = config, dimension, config.pooling == "cls"
        self.body = checkpoint.model
        self.pretrained: dict[str, Tensor] = {}  # what learned layers start from
        self.adapters: Adapters | None = None
        self.reads_once = config.tuning == "head"
        self.step_scale = HEAD_ALONE if self.reads_once else HEAD
        if config.tuning.startswith("lora:"):
            self.adapters = Adapters(checkpoint.model, int(config.tuning.removeprefix("lora:")), checkpoint.path)
            self.part_scales = {"adapters.": ADAPTERS * config.body_step}
            self.attends = len(checkpoint.layers()), checkpoint.config.num_attention_heads
        elif config.tuning != "head":
            layers = checkpoint.layers()
            count = len(layers) if config.tuning == "full" else int(config.tuning.removeprefix("top:"))
            if count > len(layers):
                raise TextddError(
                    f"Got model.tuning={config.tuning}; {config.path} has {len(layers)} layers. "
                    f"Type: model.tuning=top:{len(layers)}"
                )
            self.body = own_copy(checkpoint.model)
            for name, parameter in self.body.named_parameters():
                parameter.requires_grad_(is_in(name, checkpoint.model, layers, len(layers) - count))
            self.pretrained = {n: p.detach().clone() for n, p in self.body.named_parameters() if p.requires_grad}
            self.part_scales = {"body.": config.body_step}
            self.attends = count, checkpoint.config.num_attention_heads

    def read(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """One vector (N, H) for each text of embeddings (N, L, D)."""
        attended = x.new_ones(x.shape[:2], dtype=torch.long) if mask is None else mask.long()
        hidden: Tensor = self._read(inputs_embeds=x, attention_mask=attended)[0]  # (N, L, H)
        return self.pooled(hidden, attended)

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
        attended = x.new_ones(x.shape[:2], dtype=torch.long) if mask is None else mask.long()
        found = self._read(inputs_embeds=x, attention_mask=attended, output_attentions=True)
        if not found.attentions:
            raise TextddError(
                f"{type(self.body).__name__} does not give its attention, which attention labels are about. Type: "
                "distiller.attention=none"
            )
        return self.pooled(found[0], attended), torch.stack(found.attentions[-self.attends[0] :], dim=1)

    def _read(self, **given: Any) -> Any:
        """What the body makes of what it is given, with adapters if there are any."""
        if self.adapters is None:
            return self.body(**given)
        return torch.func.functional_call(self.body, self.adapters.weights(self.body), (), given)

    def below(self, x: Tensor, mask: Tensor | None = None) -> Read:
        """The frozen body's vector of each text (N, 1, H) where only the head is learned; else the texts themselves."""
        return (x, mask) if not self.reads_once else (self.read(x, mask).unsqueeze(1), None)

    def features(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Features (N, H) of what `below` gave."""
        return x.squeeze(1) if self.reads_once else self.read(x, mask)

    def redraw(self) -> None:
        """The pretrained weights, and a fresh head."""
        with torch.no_grad():
            for name, value in self.pretrained.items():
                self.body.get_parameter(name).copy_(value)
        if self.adapters is not None:
            self.adapters.redraw()
        nn.init.normal_(self.head.weight, std=SPREAD)
        nn.init.zeros_(self.head.bias)

    def train(self, mode: bool = True) -> Pretrained:
        """Switch to training as torch does, but for the body's dropout: students are functions of theta."""
        super().train(mode)
        self.body.eval()
        return self

    def work(self) -> Work:
        """Matrix products of the body for every token, or where it is frozen, of a head for every text."""
        table = sum(p.numel() for n, p in self.body.named_parameters() if n.endswith("embeddings.weight"))
        body = sum(p.numel() for p in self.body.parameters()) - table
        learned = sum(p.numel() for p in self.parameters() if p.requires_grad)
        read, learn = Weights(100.0, 0.0, 4.2e-6 * body), Weights(300.0, 0.0, 8e-6 * body)
        if not self.reads_once:
            return Work(
                differentiated=Weights(1000 + 0.0038 * learned, 0.0, 3.4e-5 * body),
                plain=Weights(500 + 0.002 * learned, 0.0, 1.1e-5 * body),
                read=read,
                learn=learn,
            )
        return Work(
            differentiated=Weights(250 + 0.01 * learned, 0.3),
            plain=Weights(80 + 0.005 * learned, 0.1),
            read=Weights(20.0, 0.05),
            learn=Weights(60.0, 0.1),
            below=read,
            below_learn=learn,
        )


def own_copy(model: nn.Module) -> nn.Module:
    """The model again, whose parameters may be learned; the table of word vectors, which is large, is shared."""
    import copy

    table = model.get_input_embeddings()  # type: ignore[operator]
    return copy.deepcopy(model, {id(table): table})


def is_in(name: str, model: nn.Module, layers: nn.ModuleList, first: int) -> bool:
    """Whether a parameter of the model belongs to its layers from `first` on."""
    prefix = next(path for path, part in model.named_modules() if part is layers)
    if not name.startswith(f"{prefix}."):
        return False
    return int(name.removeprefix(f"{prefix}.").split(".")[0]) >= first
