"""Your own student, by import path: `model=custom model.target=mypackage.mymodule:MyStudent`.

A student maps embeddings x (N, L, D), with a mask (N, L) that is true at real tokens, to features; the linear head is
shared. It is built from the width D of the embeddings and the number C of classes, and from `model.options`:

    import torch
    from torch import nn
    from textdd.students import Student

    class MyStudent(Student):                                   # my_student.py
        def __init__(self, dimension, classes, units=64):
            super().__init__(units, classes)                    # features, C
            self.hidden = nn.Linear(dimension, units)

        def features(self, x, mask=None):
            if mask is None:
                mask = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
            x = self.hidden(x).tanh().masked_fill(~mask.unsqueeze(-1), 0)
            return x.sum(1) / mask.sum(1, keepdim=True)

What it must be is tried out when it is built: features of the right shape that do not depend on padding, and a double
backward, since a set is distilled by differentiating a student's training. Dropout and batch statistics do not fit: a
student is a function of its parameters.
"""

from __future__ import annotations

import hashlib
import inspect
import sys
from dataclasses import dataclass, field
from importlib import import_module, util
from pathlib import Path
from typing import Any

import torch
from torch import nn

from textdd.errors import TextddError, nearest_first
from textdd.training.student import FlatStudent, Student

EXAMPLE = "Type for instance: model=custom model.target=my_student.py:MyStudent"


@dataclass
class CustomConfig:
    """Options of a student of your own.

    Attributes:
        name: the choice `model=custom`.
        target: the class, as `package.module:Class` or `file.py:Class`.
        options: further arguments of its constructor, such as `model.options={units:128}`.
        source: a hash of the file that holds the class; found by itself, so that a changed class is not taken for the
            old one.
    """

    name: str = "custom"
    target: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    source: str = ""

    def check(self) -> None:
        """Find the class, and note what its file holds.

        Raises:
            TextddError: there is no such class.
        """
        self.source = source_of(found(self.target))


def make_custom(config: CustomConfig, dimension: int, classes: int) -> Student:
    """Build a student of the user's and try it out.

    Args:
        config: which class, and further arguments.
        dimension: D.
        classes: C.

    Raises:
        TextddError: the class is not found, cannot be built, or does not do what a student must; the message says what.
    """
    kind = found(config.target)
    try:
        student = kind(dimension, classes, **config.options)
    except Exception as error:
        raise TextddError(
            f"{config.target}({dimension}, {classes}{given(config.options)}) failed: {type(error).__name__}: {error}. "
            "A student is built from the width of the embeddings and the number of classes, and from model.options"
        ) from error
    if not isinstance(student, Student):
        raise TextddError(
            f"{config.target} is a {type(student).__name__}, no student. Derive it from textdd.students.Student, "
            "call super().__init__(features, classes) and write features(x, mask); the module textdd.students.custom "
            "has an example"
        )
    try_out(config, student, dimension, classes)
    return student


def given(options: dict[str, Any]) -> str:
    """Further arguments as they are written in a call."""
    return "".join(f", {name}={value!r}" for name, value in options.items())


def found(target: str | None) -> type[Any]:
    """The class that an import path names.

    Raises:
        TextddError: it names none.
    """
    place, _, name = (target or "").rpartition(":")
    if not place or not name:
        raise TextddError(f"Got model.target={target}; a class is named as package.module:Class. {EXAMPLE}")
    try:
        module = from_file(Path(place)) if place.endswith(".py") else from_path(place)
    except Exception as error:
        raise TextddError(
            f"Got model.target={target}: {place} cannot be imported ({type(error).__name__}: {error}). {EXAMPLE}"
        ) from error
    if not isinstance(getattr(module, name, None), type):
        classes = [key for key, value in vars(module).items() if isinstance(value, type)]
        best = nearest_first(name, classes)[:5]
        there = f"Nearest there: {', '.join(best)}. Type: model.target={place}:{best[0]}" if best else EXAMPLE
        raise TextddError(f"Got model.target={target}: {place} has no class {name!r}. {there}")
    kind: type[Any] = getattr(module, name)
    return kind


def from_path(place: str) -> Any:
    """A module by its dotted name; the folder that the command was typed in counts as well."""
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    return import_module(place)


def from_file(path: Path) -> Any:
    """A module from a file; the same file is the same module."""
    name = f"textdd_custom_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]}"
    if name not in sys.modules:
        specification = util.spec_from_file_location(name, path)
        if specification is None or specification.loader is None or not path.is_file():
            raise FileNotFoundError(f"there is no file {path}")
        module = util.module_from_spec(specification)
        sys.modules[name] = module
        try:
            specification.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
    return sys.modules[name]


def source_of(kind: type[Any]) -> str:
    """A hash of the file that a class is written in."""
    try:
        return hashlib.sha256(Path(inspect.getfile(kind)).read_bytes()).hexdigest()[:16]
    except (OSError, TypeError):
        return ""


def try_out(config: CustomConfig, module: Student, dimension: int, classes: int) -> None:
    """Ask of a student what will be asked of it, on a few random texts; how it goes side by side is found out, too.

    Raises:
        TextddError: it does not do it.
    """
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(3, 5, dimension, generator=generator)
    mask = torch.arange(5) < torch.tensor([[5], [3], [1]])
    what = config.target
    refuse_chance(config, module)
    try:
        student = FlatStudent(module)
        theta = student.fresh(0).requires_grad_()
        features = student.features(theta, x.requires_grad_(), mask)
    except Exception as error:
        raise TextddError(f"{what}.features(x, mask) failed on x (3, 5, {dimension}): {error}") from error
    if features.shape != (3, module.head.in_features):
        raise TextddError(
            f"{what}.features(x, mask) gave {tuple(features.shape)} for x (3, 5, {dimension}); expected is one row a "
            f"text, (3, {module.head.in_features}), as super().__init__({module.head.in_features}, {classes}) said"
        )
    if not features.isfinite().all():
        raise TextddError(f"{what}.features(x, mask) gave numbers that are not finite for ordinary texts")
    padded = torch.cat([x.detach(), torch.full((3, 2, dimension), 7.0)], dim=1)
    longer = torch.cat([mask, torch.zeros(3, 2, dtype=torch.bool)], dim=1)
    if not torch.allclose(student.features(theta, padded, longer), features, atol=1e-4):
        raise TextddError(
            f"{what}.features(x, mask) depends on what follows a text where the mask is false. Leave these positions "
            "out, for instance by masked_fill(~mask.unsqueeze(-1), 0) before a sum"
        )
    try:
        loss = student(theta, x, mask).logsumexp(1).sum()
        (gradient,) = torch.autograd.grad(loss, theta, create_graph=True)
        torch.autograd.grad(gradient.square().sum(), [x, theta])
    except RuntimeError as error:
        raise TextddError(
            f"{what} has no double backward, which differentiating a training needs: {error}. Attention has one under "
            "torch.nn.attention.sdpa_kernel(SDPBackend.MATH) or written out; nn.EmbeddingBag has none"
        ) from error
    module.beside = side_by_side(student, x.detach(), mask)  # type: ignore[misc]


def refuse_chance(config: CustomConfig, module: nn.Module) -> None:
    """Refuse parts that draw at random while training.

    Raises:
        TextddError: there is one.
    """
    dropping = [type(part).__name__ for part in module.modules() if isinstance(part, nn.modules.dropout._DropoutNd)]
    if dropping:
        raise TextddError(f"{config.target} has {dropping[0]}; a student is a function of its parameters. Leave it out")


def side_by_side(student: FlatStudent, x: torch.Tensor, mask: torch.Tensor) -> str:
    """`vmap` where torch can make one operation of several such students, else `loop`."""
    thetas = torch.stack([student.fresh(seed) for seed in (0, 1)])
    try:
        together = student.features(thetas, x, mask)
    except Exception:  # whatever vmap has no rule for
        return "loop"
    alone = torch.stack([student.features(theta, x, mask) for theta in thetas])
    return "vmap" if torch.allclose(together, alone, atol=1e-4) else "loop"
