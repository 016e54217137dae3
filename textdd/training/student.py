"""What every student is: a classifier that reads embeddings, and the same thing as a function of one flat vector."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from textdd.seeds import derive


class Student(nn.Module, ABC):
    """A classifier from embeddings (N, L, D) to logits (N, C).

    Real texts arrive looked up in the word-vector table, distilled texts arrive as they are stored, so both go the
    same way. Subclasses write `features`; the linear head is shared, because several methods (kernel ridge,
    head-gradient matching) look at the student as "features, then a linear map".

    Args:
        width: number of features that `features` returns.
        classes: C.

    Attributes:
        beside: how K students give their features side by side: `vmap` (torch.func.vmap makes one operation of K),
            `stacked` (`features` itself also takes parameters with a leading K), or `loop` (one after the other, for
            operations that neither can be had for).
    """

    beside: ClassVar[str] = "vmap"

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.head = nn.Linear(width, classes)

    @abstractmethod
    def features(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Map embeddings x (N, L, D) to features (N, width).

        Args:
            x: embeddings (N, L, D).
            mask: booleans (N, L), true at real tokens; None says that every position is a token. Features must not
                depend on how much padding follows a text.
        """

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


class FlatStudent:
    """A student as a pure function of one parameter vector theta (P,), or K of them as one of a stack theta (K, P).

    One vector instead of a dictionary makes an optimiser step a handful of operations rather than a handful per
    tensor (a third of the time of a step for students this small), and makes pools and stored states plain tensors.
    K students side by side read the same texts, x (N, L, D), or each its own, x (K, N, L, D), with masks alike.

    Args:
        module: the student; its own parameters are never read, only their names and shapes.

    Raises:
        ValueError: the student has buffers (batch statistics and the like), which a pure function cannot update.
    """

    def __init__(self, module: Student) -> None:
        if next(module.buffers(), None) is not None:
            raise ValueError(
                f"{type(module).__name__} has buffers; a student must be a pure function of its parameters"
            )
        self.module, self.body = module, Body(module)
        self.shapes = {name: parameter.shape for name, parameter in module.named_parameters()}
        self.size = sum(math.prod(shape) for shape in self.shapes.values())

    def unflatten(self, theta: Tensor) -> dict[str, Tensor]:
        """View theta (P,) as the student's named parameters; those of a stack (K, P) have a leading K."""
        pieces = theta.split([math.prod(shape) for shape in self.shapes.values()], dim=-1)
        named = zip(self.shapes.items(), pieces, strict=True)
        return {name: piece.view(*theta.shape[:-1], *shape) for (name, shape), piece in named}

    def __call__(self, theta: Tensor, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Logits (N, C) or (K, N, C) of students with parameters theta (P,) or (K, P) on embeddings x."""
        if theta.dim() == 2:
            return self.head(theta, self.features(theta, x, mask))
        return torch.func.functional_call(self.module, self.unflatten(theta), (x, mask))

    def features(self, theta: Tensor, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Features (N, width) or (K, N, width) of students with parameters theta (P,) or (K, P) on embeddings x."""
        if theta.dim() == 2 and self.module.beside != "stacked":
            own = x.dim() == 4
            if self.module.beside == "vmap":
                places = (0, 0 if own else None, 0 if own and mask is not None else None)
                return torch.func.vmap(self.features, places)(theta, x, mask)
            seen = [(x[k], None if mask is None else mask[k]) if own else (x, mask) for k in range(len(theta))]
            return torch.stack([self.features(one, *texts) for one, texts in zip(theta, seen, strict=True)])
        parameters = {f"student.{name}": parameter for name, parameter in self.unflatten(theta).items()}
        return torch.func.functional_call(self.body, parameters, (x, mask))

    def head(self, theta: Tensor, features: Tensor) -> Tensor:
        """Logits (N, C) or (K, N, C) that the heads in theta (P,) or (K, P) give to features (N, width) of each."""
        parameters = self.unflatten(theta)
        weight, bias = parameters["head.weight"], parameters["head.bias"]
        if theta.dim() == 2:
            return torch.baddbmm(bias.unsqueeze(1), features, weight.mT)
        return F.linear(features, weight, bias)

    def fresh(self, seed: int, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32) -> Tensor:
        """Draw a fresh initialisation theta_0 (P,); the same seed gives the same vector on every device."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive(seed, "initialisation"))
            for part in self.module.modules():
                reset = getattr(part, "reset_parameters", None)
                if reset is not None:
                    reset()
            theta = torch.cat([parameter.detach().flatten() for parameter in self.module.parameters()])
        return theta.to(device=device, dtype=dtype, copy=True)
