"""What all students share that a pretrained model is the greater part of: what of it is learned, and how it starts."""

from __future__ import annotations

import copy
from abc import abstractmethod
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, Self

import torch
from torch import Tensor, nn

from textdd.errors import TextddError
from textdd.spaces.checkpoint import Checkpoint
from textdd.students.adapters import Adapters
from textdd.students.checkpointed import checkpointed
from textdd.students.lower import Bridge
from textdd.training.student import Read, Student
from textdd.training.twice import is_differentiated_twice
from textdd.training.work import Weights, Work

SPREAD = 0.02
"""Standard deviation of a fresh head, as BERT's own are drawn."""

HEAD_ALONE, HEAD = 10.0, 3.0
"""Step sizes of a head on a frozen body, and on one that is learned as well, as multiples of a small network's: the
features of a pretrained body are small, and a linear map of them cannot diverge as a whole network does."""

BODY = "body."
"""How the names of learned layers begin, in a student's parts with step sizes of their own."""


class Tuned(Protocol):
    """What the options of every such student say of its body.

    Attributes:
        tuning: what is learned besides the head: nothing (`head`), the last K layers (`top:K`), all of them (`full`),
            or adapters of rank R (`lora:R`).
        checkpointing: whether layers keep no activations for a gradient, which makes them again.
    """

    tuning: str
    checkpointing: bool


class Embodied(Student):
    """A student with a pretrained body, below a head.

    Args:
        checkpoint: the model; nothing of it is changed.
        config: what is learned of it, and how it is read.
        dimension: D, of the texts' embeddings.
        width: of the features.
        classes: C.

    Attributes:
        body: the model, or a copy of which layers are learned.
        adapters: what is learned of a shared body, if that is.
        depth: how many layers are learned.
        place: the path of the list of layers in the body where these are checkpointed, else empty.

    Raises:
        TextddError: the model has fewer layers, or the embeddings are those of another space.
    """

    beside = "loop"  # what holds for one body holds for few of K

    def __init__(self, checkpoint: Checkpoint, config: Tuned, dimension: int, width: int, classes: int) -> None:
        super().__init__(width, classes)
        tuning = config.tuning
        if dimension != checkpoint.table.shape[1]:
            raise TextddError(
                f"{checkpoint.path} reads vectors of {checkpoint.table.shape[1]} numbers, the texts have {dimension}: "
                "they are in another space. A set of matrices made in one space cannot be read in another; distil for "
                "this student, or make a set of texts, which every student reads"
            )
        self.body = checkpoint.model
        self.adapters: Adapters | None = None
        self.pretrained: dict[str, Tensor] = {}  # what learned layers start from
        self.reads_once = tuning == "head"
        self.depth = 0
        self.place = place_of(layers_to_keep_little(checkpoint), checkpoint.model) if config.checkpointing else ""
        if tuning.startswith("lora:"):
            self.adapters = Adapters(self.base, int(tuning.removeprefix("lora:")), checkpoint.path)
        elif tuning != "head":
            self._learn_layers(checkpoint, tuning)

    @property
    def base(self) -> nn.Module:
        """The part of the body whose projections adapters change."""
        return self.body

    def hung(self, model: nn.Module | None = None) -> AbstractContextManager[None]:
        """As long as this lasts the body reads with the adapters, if any, and by checkpoints where these save memory.

        Where a gradient for what is learned is differentiated again, that is below the lowest layer that learns.

        Args:
            model: which has the layers, if it is not the body: its lower part, for which there are no adapters.
        """
        adapters = self.adapters if model is None else None
        if not self.place or not torch.is_grad_enabled() or (adapters and is_differentiated_twice()):
            return nullcontext() if adapters is None else adapters.on(self.base)
        layers = (model or self.body).get_submodule(self.place)
        real = [layer for layer in dict.fromkeys(layers.children()) if not isinstance(layer, Bridge)]
        if model is None and is_differentiated_twice():
            real = real[: len(real) - self.depth]
        return checkpointed(real, adapters, self.base)

    @abstractmethod
    def read(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """What the body makes of each text (N, width), of embeddings (N, L, D)."""

    def _learn_layers(self, checkpoint: Checkpoint, tuning: str) -> None:
        layers = checkpoint.layers()
        self.depth = len(layers) if tuning == "full" else int(tuning.removeprefix("top:"))
        if self.depth > len(layers):
            raise TextddError(
                f"Got model.tuning={tuning}; {checkpoint.path} has {len(layers)} layers. "
                f"Type: model.tuning=top:{len(layers)}"
            )
        self.body = own_copy(checkpoint.model)
        for name, parameter in self.body.named_parameters():
            parameter.requires_grad_(is_in(name, checkpoint.model, layers, len(layers) - self.depth))
        self.pretrained = {n: p.detach().clone() for n, p in self.body.named_parameters() if p.requires_grad}

    def below(self, x: Tensor, mask: Tensor | None = None) -> Read:
        """What the frozen body makes of each text (N, 1, width) where only the head is learned; else the texts."""
        return (x, mask) if not self.reads_once else (self.read(x, mask).unsqueeze(1), None)

    def features(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Features (N, width) of what `below` gave."""
        return x.squeeze(1) if self.reads_once else self.read(x, mask)

    def redraw(self) -> None:
        """The pretrained weights, fresh adapters and a fresh head."""
        with torch.no_grad():
            for name, value in self.pretrained.items():
                self.body.get_parameter(name).copy_(value)
        if self.adapters is not None:
            self.adapters.redraw()
        self.redraw_head()

    def redraw_head(self) -> None:
        """A fresh head."""
        nn.init.normal_(self.head.weight, std=SPREAD)
        nn.init.zeros_(self.head.bias)

    def train(self, mode: bool = True) -> Self:
        """Switch to training as torch does, but for the body's dropout: students are functions of theta."""
        super().train(mode)
        self.body.eval()
        return self

    def work_of(self, weights: int, around: int = 0, lower: int = 0) -> Work:
        """Matrix products of the body for every token, or where it is frozen, of a head for every text.

        Args:
            weights: that every token is multiplied with.
            around: tokens that the body reads with every text besides its own.
            lower: weights of lower layers that texts go through beforehand, which are not among these.
        """
        learned = sum(p.numel() for p in self.parameters() if p.requires_grad)

        def per_token(step: float, weight: float) -> Weights:
            return Weights(step, weight * weights * around, weight * weights)

        read, learn = per_token(100.0, 4.2e-6), per_token(300.0, 8e-6)
        if not self.reads_once:
            return Work(
                per_token(1000 + 0.0038 * learned, 3.4e-5),
                per_token(500 + 0.002 * learned, 1.1e-5),
                read,
                learn,
                Weights(token=4.2e-6 * lower),
                Weights(token=8e-6 * lower),
            )
        return Work(
            differentiated=Weights(250 + 0.01 * learned, 0.3),
            plain=Weights(80 + 0.005 * learned, 0.1),
            read=Weights(20.0, 0.05),
            learn=Weights(60.0, 0.1),
            below=read,
            below_learn=learn,
        )


def layers_to_keep_little(checkpoint: Checkpoint) -> nn.ModuleList:
    """The layers of a model that is to be checkpointed.

    Raises:
        TextddError: they were not found.
    """
    try:
        return checkpoint.layers()
    except TextddError as error:
        raise TextddError(
            f"Got model.checkpointing=true; the layers of {checkpoint.path} ({type(checkpoint.model).__name__}) were "
            "not found, so there is nothing to make again. Type: model.checkpointing=false"
        ) from error


def own_copy(model: nn.Module) -> nn.Module:
    """The model again, whose layers may be learned; its tables of words, which are large, are shared."""
    tables = model.get_input_embeddings(), model.get_output_embeddings()  # type: ignore[operator]
    return copy.deepcopy(model, {id(table): table for table in tables if table is not None})


def place_of(layers: nn.ModuleList, model: nn.Module) -> str:
    """The path of a list of layers in its model."""
    return next(path for path, part in model.named_modules() if part is layers)


def is_in(name: str, model: nn.Module, layers: nn.ModuleList, first: int) -> bool:
    """Whether a parameter of the model belongs to its layers from `first` on."""
    prefix = place_of(layers, model)
    if not name.startswith(f"{prefix}."):
        return False
    return int(name.removeprefix(f"{prefix}.").split(".")[0]) >= first
