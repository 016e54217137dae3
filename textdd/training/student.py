"""What every student is: a classifier that reads embeddings, and the same thing as a function of one flat vector."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import groupby
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from textdd.seeds import derive
from textdd.tasks import OneClass, Task
from textdd.training.attention import divergence
from textdd.training.by_length import by_length
from textdd.training.work import Work

Read = tuple[Tensor, Tensor | None]
"""Embeddings (N, L, D) or what lies below the learned part makes of them, and the mask (N, L) or None."""


class Student(nn.Module, ABC):
    """A classifier from embeddings (N, L, D) to logits (N, C).

    Real texts arrive looked up in the table of a space, distilled texts arrive as they are stored, so both go the same
    way. Subclasses write `features`; the linear head is shared, because several methods (kernel ridge, head-gradient
    matching) look at the student as "features, then a linear map". A parameter that requires no gradient is *frozen*,
    as are all buffers: students never learn them. Where the whole lower part of a student is frozen, it is written as
    `below`, which is run once over real texts and not in every training step.

    Args:
        width: number of features that `features` returns.
        classes: C.

    Attributes:
        beside: how K students give their features side by side: `vmap` (torch.func.vmap makes one operation of K),
            `stacked` (`features` itself also takes parameters with a leading K), or `loop` (one after the other, for
            operations that neither can be had for).
        reads_once: a frozen body makes one vector of every text, so real texts need be read once only.
        keeps: names what lies below, where it makes hidden states of every token that are worth keeping for real texts.
        step_scale: step sizes that suit a small network that is trained whole, which are those of all options, are
            multiplied by this.
        attends: layers and heads of the attention that is learned, where `attended` gives it; None where there is none.
        precision: of a frozen body that keeps its own, takes and gives single precision; None follows the texts.
        part_scales: parts of the student whose step sizes differ, as prefixes of parameter names, each with its step
            size as a multiple of the head's; empty where one step size serves all.
    """

    beside: ClassVar[str] = "vmap"
    reads_once: bool = False
    keeps: str = ""
    step_scale: float = 1.0
    attends: tuple[int, int] | None = None
    precision: torch.dtype | None = None
    part_scales: dict[str, float] = {}  # noqa: RUF012  (a student's own, where it has parts)

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.head = nn.Linear(width, classes)

    @abstractmethod
    def features(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Map embeddings x (N, L, D) to features (N, width).

        Args:
            x: embeddings (N, L, D), or what `below` made of them.
            mask: booleans (N, L), true at real tokens; None says that every position is a token. Features must not
                depend on how much padding follows a text.
        """

    def below(self, x: Tensor, mask: Tensor | None = None) -> Read:
        """What the frozen lower part makes of embeddings x (N, L, D), differentiable with respect to them."""
        return x, mask

    def attended(self, x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Features (N, width), and the attention of learned layers (N, layers, heads, L, L) by which they were found.

        Raises:
            TypeError: the student has none.
        """
        raise TypeError(f"{type(self).__name__} has no attention that is learned")

    def follow(self, device: torch.device, dtype: torch.dtype) -> None:
        """Take what is frozen to a device, and into a precision."""
        self.to(device, dtype)

    def frozen(self) -> Student | None:
        """The same with a body that is not learned and stays as fresh students have it; None where there is no such."""
        return self if self.reads_once else None

    def redraw(self) -> None:
        """Draw the learned parameters afresh, in place, from torch's global generator."""
        for part in self.modules():
            reset = getattr(part, "reset_parameters", None)
            if reset is not None and any(parameter.requires_grad for parameter in part.parameters()):
                reset()

    def work(self) -> Work:
        """What training steps cost, counted; the default is for networks of matrix products over tokens."""
        weights = list(self.parameters())
        return Work.of_weights(sum(p.dim() > 1 for p in weights), sum(p.numel() for p in weights))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Map embeddings x (N, L, D), with an optional mask (N, L), to logits (N, C)."""
        return self.head(self.features(x, mask))


class Body(nn.Module):
    """A student without its head, so that `functional_call`, which calls modules, can call its features.

    Args:
        student: the whole student.
    """

    def __init__(self, student: Student) -> None:
        super().__init__()
        self.student = student

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Map embeddings x (N, L, D), with an optional mask (N, L), to features (N, width)."""
        return self.student.features(x, mask)


class Attending(Body):
    """The same, which gives its attention besides."""

    def forward(self, x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """Map embeddings x (N, L, D) to features (N, width) and attention (N, layers, heads, L, L)."""
        return self.student.attended(x, mask)


class FlatStudent:
    """A student as a pure function of one vector theta (P,) of its learned parameters, or of a stack theta (K, P).

    One vector instead of a dictionary makes an optimiser step a handful of operations rather than a handful per
    tensor (a third of the time of a step for students this small), and makes pools and stored states plain tensors.
    K students side by side read the same texts, x (N, L, D), or each its own, x (K, N, L, D), with masks alike. Frozen
    parameters and buffers are no part of theta: all students share those of the module.

    Args:
        module: the student; its own learned parameters are never read, only their names and shapes.
        task: what it is trained for; None is one class a text.

    Attributes:
        size: P.
        groups: names of the parts that have step sizes of their own, the head first; one name where one serves all.
        scales: what the step sizes of options are multiplied by, for each part.

    Raises:
        ValueError: the student changes a buffer when it reads (batch statistics and the like), which a pure function
            cannot, or learns nothing.
    """

    def __init__(self, module: Student, task: Task | None = None) -> None:
        changing = [type(part).__name__ for part in module.modules() if getattr(part, "track_running_stats", False)]
        if changing:
            raise ValueError(
                f"{type(module).__name__} has buffers that change with what it reads ({changing[0]}); a student must "
                "be a pure function of its parameters"
            )
        self.module, self.body, self.attending = module, Body(module), Attending(module)
        self.task = task or OneClass(module.head.out_features)
        learned = {name: p for name, p in module.named_parameters() if p.requires_grad}
        if not learned:
            raise ValueError(f"{type(module).__name__} has no parameter that requires a gradient: it learns nothing")
        self.shapes = {name: parameter.shape for name, parameter in learned.items()}
        self.size = sum(math.prod(shape) for shape in self.shapes.values())
        self._frozen = [p for p in module.parameters() if not p.requires_grad and p.is_floating_point()]
        self._has_buffers = next(module.buffers(), None) is not None
        prefixes = list(module.part_scales)
        owners = [next((i for i, p in enumerate(prefixes, 1) if name.startswith(p)), 0) for name in self.shapes]
        sizes = [math.prod(shape) for shape in self.shapes.values()]
        runs = groupby(zip(owners, sizes, strict=True), key=lambda pair: pair[0])
        self._runs = [(owner, sum(size for _, size in run)) for owner, run in runs]
        self.groups = ("head", *prefixes) if prefixes else ("all",)
        self.scales = tuple(module.step_scale * scale for scale in (1.0, *module.part_scales.values()))

    @property
    def reads_once(self) -> bool:
        """Whether a frozen body makes one vector of every text."""
        return self.module.reads_once

    def unflatten(self, theta: Tensor) -> dict[str, Tensor]:
        """View theta (P,) as the student's named parameters; those of a stack (K, P) have a leading K."""
        pieces = theta.split([math.prod(shape) for shape in self.shapes.values()], dim=-1)
        named = zip(self.shapes.items(), pieces, strict=True)
        return {name: piece.view(*theta.shape[:-1], *shape) for (name, shape), piece in named}

    def spread(self, step_size: Tensor) -> Tensor:
        """A step size as optimisers take it: one for all as it is, one per part (G,) given to its parameters (P,)."""
        if step_size.dim() == 0:
            return step_size
        return torch.cat([step_size[owner].expand(size) for owner, size in self._runs])

    def below(self, x: Tensor, mask: Tensor | None = None) -> Read:
        """What the frozen lower part makes of embeddings x (N, L, D): what all other methods of a student read."""
        self._follow(x)
        return self.module.below(x, mask)

    def compared(self, x: Tensor, mask: Tensor, wanted: Tensor) -> Tensor:
        """What a student that has a `compared` says that its texts are compared by (N, H).

        Args:
            x: embeddings (N, L, D).
            mask: true at tokens (N, L).
            wanted: what the texts are to be answered with, which most students do not look at.
        """
        del wanted
        found: Tensor = self.module.compared(x, mask)  # type: ignore[operator]
        return found

    def __call__(self, theta: Tensor, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Logits (N, C) or (K, N, C) of students with parameters theta (P,) or (K, P) on embeddings x."""
        if theta.dim() == 2:
            return self.head(theta, self.features(theta, x, mask))
        self._follow(x)
        parameters = self.unflatten(theta)
        return by_length(lambda *texts: torch.func.functional_call(self.module, parameters, texts), x, mask)

    def features(self, theta: Tensor, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Features (N, width) or (K, N, width) of students with parameters theta (P,) or (K, P) on embeddings x."""
        self._follow(x)
        if x.dim() == 4:
            return self._features(theta, x, mask)
        return by_length(lambda *texts: self._features(theta, *texts), x, mask)

    def _features(self, theta: Tensor, x: Tensor, mask: Tensor | None) -> Tensor:
        if theta.dim() == 2 and self.module.beside != "stacked":
            own = x.dim() == 4
            if self.module.beside == "vmap":
                places = (0, 0 if own else None, 0 if own and mask is not None else None)
                return torch.func.vmap(self._features, places)(theta, x, mask)
            seen = [(x[k], None if mask is None else mask[k]) if own else (x, mask) for k in range(len(theta))]
            return torch.stack([self._features(one, *texts) for one, texts in zip(theta, seen, strict=True)])
        parameters = {f"student.{name}": parameter for name, parameter in self.unflatten(theta).items()}
        return torch.func.functional_call(self.body, parameters, (x, mask))

    def head(self, theta: Tensor, features: Tensor) -> Tensor:
        """Logits (N, C) or (K, N, C) that the heads in theta (P,) or (K, P) give to features (N, width) of each."""
        parameters = self.unflatten(theta)
        if "head.weight" not in parameters:  # a frozen one is all students'
            return self.module.head(features)
        weight, bias = parameters["head.weight"], parameters["head.bias"]
        if theta.dim() == 2:
            return torch.baddbmm(bias.unsqueeze(1), features, weight.mT)
        return F.linear(features, weight, bias)

    def attended(self, theta: Tensor, x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Logits (N, C) and learned attention (N, layers, heads, L, L) of the student with parameters theta (P,)."""
        self._follow(x)
        parameters = {f"student.{name}": parameter for name, parameter in self.unflatten(theta).items()}
        features, attention = torch.func.functional_call(self.attending, parameters, (x, mask))
        return self.head(theta, features), attention

    def inner_loss(
        self, theta: Tensor, x: Tensor, y: Tensor, mask: Tensor | None = None, attention: Tensor | None = None
    ) -> Tensor:
        """What a training step minimises: the task's loss on texts x (N, L, D) with labels y (N, C).

        With attention labels (N, S, H, R, L), as `shares` weighs them, the divergence from these is added. Of K
        students with parameters (K, P) losses are added up.
        """
        if attention is None:
            return self.task.inner_loss(self(theta, x, mask), y)
        if theta.dim() == 1:
            logits, found = self.attended(theta, x, mask)
            return self.task.inner_loss(logits, y) + divergence(attention, found)
        own = x.dim() == 4
        parts = (
            (x[k], y[k], None if mask is None else mask[k], attention[k]) if own else (x, y, mask, attention)
            for k in range(len(theta))
        )
        return torch.stack([self.inner_loss(one, *part) for one, part in zip(theta, parts, strict=True)]).sum()

    def fresh(self, seed: int, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32) -> Tensor:
        """Draw a fresh initialisation theta_0 (P,); the same seed gives the same vector on every device."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive(seed, "initialisation"))
            if any(parameter.dtype != torch.float32 for parameter in self.learned()):
                self.module.float()  # it has computed in double precision, in which others would be drawn
            self.module.redraw()
            theta = torch.cat([p.detach().flatten().cpu() for p in self.learned()])
        return theta.to(device=device, dtype=dtype, copy=True)

    def learned(self) -> Sequence[nn.Parameter]:
        """The module's own learned parameters, in the order of theta."""
        return [parameter for parameter in self.module.parameters() if parameter.requires_grad]

    def parts(self) -> list[list[nn.Parameter]]:
        """The same by the parts that have step sizes of their own, in the order of `groups`."""
        prefixes = list(self.module.part_scales)
        found: list[list[nn.Parameter]] = [[] for _ in self.groups]
        for name, parameter in self.module.named_parameters():
            if parameter.requires_grad:
                found[next((i for i, p in enumerate(prefixes, 1) if name.startswith(p)), 0)].append(parameter)
        return found

    def _follow(self, x: Tensor) -> None:
        """Take what is frozen to where the texts are, and into their precision; other students may share it."""
        if self._frozen or self._has_buffers:
            dtype = torch.float64 if x.dtype == torch.float64 else torch.float32
            held: list[Tensor] = [*self._frozen] or [b for b in self.module.buffers() if b.is_floating_point()]
            half = self.module.precision
            if any(tensor.device != x.device or tensor.dtype not in (dtype, half) for tensor in held):
                self.module.follow(x.device, dtype)
