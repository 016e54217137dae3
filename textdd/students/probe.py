"""What is asked of a student of one's own before it is taken: every promise of Student, tried on a few random texts."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from textdd.errors import TextddError
from textdd.training.student import FlatStudent, Student

TEXTS, LENGTH = 3, 5
ALL_TOKENS = "if mask is None: mask = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)"


class Probe:
    """A student that is asked for features, and refused in words where it has none to give.

    Args:
        what: the class as the user named it.
        student: the student.
    """

    def __init__(self, what: str, student: FlatStudent) -> None:
        self.what, self.student = what, student
        self.theta = student.fresh(0).requires_grad_()

    def __call__(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Features (N, width) of texts x (N, L, D), through what lies below the learned part.

        Raises:
            TextddError: it fails, or they are no tensor of this shape.
        """
        width, seen = self.student.module.head.in_features, f"x {tuple(x.shape)}"
        seen += " and mask None, which says that every position is a token" if mask is None else ""
        try:
            features = self.student.features(self.theta, *self.student.below(x, mask))
        except Exception as error:
            way_out = f". Begin it by: {ALL_TOKENS}" if mask is None else ""
            raise TextddError(f"{self.what}.features(x, mask) failed on {seen}: {error}{way_out}") from error
        if not isinstance(features, Tensor):
            raise TextddError(
                f"{self.what}.features(x, mask) gave a {type(features).__name__} for {seen}; expected is one tensor, "
                f"({len(x)}, {width})"
            )
        if features.shape != (len(x), width):
            raise TextddError(
                f"{self.what}.features(x, mask) gave {tuple(features.shape)} for {seen}; expected is one row a text, "
                f"({len(x)}, {width}), as super().__init__({width}, {self.student.module.head.out_features}) said"
            )
        return features


def try_out(what: str, module: Student, dimension: int, classes: int) -> None:
    """Ask of a student what will be asked of it; how it goes side by side is found out, too.

    Args:
        what: the class as the user named it.
        module: the student.
        dimension: D.
        classes: C.

    Raises:
        TextddError: it does not do it; the message says what.
    """
    x = torch.randn(TEXTS, LENGTH, dimension, generator=torch.Generator().manual_seed(0))
    mask = torch.arange(LENGTH) < torch.tensor([[5], [3], [1]])
    refuse_chance(what, module)
    refuse_head(what, module, classes)
    refuse_two_names(what, module)
    try:
        ask = Probe(what, FlatStudent(module))
    except ValueError as error:
        raise TextddError(f"{what} does not fit: {error}") from error
    before = [buffer.clone() for buffer in module.buffers()]
    features = ask(x, mask)
    if not features.isfinite().all():
        raise TextddError(f"{what}.features(x, mask) gave numbers that are not finite for ordinary texts")
    again = ask(x, mask)
    if not all(torch.equal(old, new) for old, new in zip(before, module.buffers(), strict=True)):
        raise TextddError(
            f"{what} has buffers that change with what it reads; a student is a function of its parameters. Leave them "
            "out, or keep them as they are"
        )
    if not near(again, features):
        raise TextddError(
            f"{what}.features(x, mask) gave different features when asked twice for the same texts; a student is a "
            "function of its parameters. Leave dropout and other chance out"
        )
    padded = torch.cat([x, torch.full((TEXTS, 2, dimension), 7.0)], dim=1)
    longer = torch.cat([mask, torch.zeros(TEXTS, 2, dtype=torch.bool)], dim=1)
    if not near(ask(padded, longer), features):
        raise TextddError(
            f"{what}.features(x, mask) depends on what follows a text where the mask is false. Leave these positions "
            "out, for instance by masked_fill(~mask.unsqueeze(-1), 0) before a sum"
        )
    if not near(torch.cat([ask(x[i : i + 1], mask[i : i + 1]) for i in range(TEXTS)]), features):
        raise TextddError(
            f"{what}.features(x, mask) gave other features for a text alone than for the same text among others; a "
            "student reads every text by itself. Leave statistics over the first dimension out"
        )
    refuse_once_differentiable(ask, x, mask)
    if not near(ask(x, None), ask(x, torch.ones_like(mask))):
        raise TextddError(
            f"{what}.features(x, mask) gave other features for mask None than for a mask that is true everywhere; None "
            "says that every position is a token"
        )
    module.beside = side_by_side(ask.student, x, mask)  # type: ignore[misc]


def near(got: Tensor, expected: Tensor) -> bool:
    """Whether features are the same but for rounding."""
    return torch.allclose(got, expected, rtol=1e-4, atol=1e-4)


def refuse_chance(what: str, module: nn.Module) -> None:
    """Refuse parts that draw at random while training.

    Raises:
        TextddError: there is one.
    """
    dropping = [type(part).__name__ for part in module.modules() if isinstance(part, nn.modules.dropout._DropoutNd)]
    if dropping:
        raise TextddError(f"{what} has {dropping[0]}; a student is a function of its parameters. Leave it out")


def refuse_head(what: str, module: Student, classes: int) -> None:
    """Refuse a head that is no linear map to the classes.

    Raises:
        TextddError: it is none.
    """
    head: nn.Module = module.head
    if not isinstance(head, nn.Linear) or head.out_features != classes or head.bias is None:
        raise TextddError(
            f"{what} has the head {head}; needed is a linear map with a bias to {classes} classes, which "
            f"super().__init__(features, classes) makes: leave self.head as it is"
        )


def refuse_two_names(what: str, module: nn.Module) -> None:
    """Refuse a layer that is known by two names: torch.func.functional_call would leave it without its parameters.

    Raises:
        TextddError: there is one.
    """
    names: dict[nn.Module, str] = {}
    for name, part in module.named_modules(remove_duplicate=False):
        if part in names and next(part.parameters(), None) is not None:
            raise TextddError(
                f"{what} has one layer under two names, {names[part]} and {name}; keep it under one, and call it twice "
                "in features(x, mask)"
            )
        names[part] = name


def refuse_once_differentiable(ask: Probe, x: Tensor, mask: Tensor) -> None:
    """Refuse a student whose training cannot be differentiated.

    Raises:
        TextddError: it has no double backward.
    """
    x = x.clone().requires_grad_()
    loss = ask.student.head(ask.theta, ask(x, mask)).logsumexp(1).sum()
    try:
        (gradient,) = torch.autograd.grad(loss, ask.theta, create_graph=True)
        torch.autograd.grad(gradient.square().sum(), [x, ask.theta])
    except RuntimeError as error:
        raise TextddError(
            f"{ask.what} has no double backward, which differentiating a training needs: {error}. Attention has one "
            "under torch.nn.attention.sdpa_kernel(SDPBackend.MATH) or written out; nn.EmbeddingBag has none"
        ) from error


def side_by_side(student: FlatStudent, x: Tensor, mask: Tensor) -> str:
    """`vmap` where torch can make one operation of several such students, else `loop`."""
    thetas = torch.stack([student.fresh(seed) for seed in (0, 1)])
    read = student.below(x, mask)
    try:
        together = student.features(thetas, *read)
    except Exception:  # whatever vmap has no rule for
        return "loop"
    alone = torch.stack([student.features(theta, *read) for theta in thetas])
    return "vmap" if near(together, alone) else "loop"
