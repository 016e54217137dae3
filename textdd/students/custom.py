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

Any nn.Module with such `features` and an nn.Linear named `head` will do as well, as far as it has nothing frozen below.

What it must be is tried out when it is built: features of the right shape that do not depend on padding, and a double
backward, since a set is distilled by differentiating a student's training. Dropout and batch statistics do not fit: a
student is a function of its parameters.
"""

from __future__ import annotations

import hashlib
import inspect
import sys
from dataclasses import dataclass
from importlib import import_module, util
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Annotated, Any

from torch import Tensor, nn

from textdd.allowed import Arguments, Chosen, Name, OneOf
from textdd.errors import TextddError, nearest_first
from textdd.students.probe import try_out
from textdd.training.student import Student

EXAMPLE = "Type for instance: model=custom model.target=my_student.py:MyStudent"


@dataclass
class CustomConfig:
    """Options of a student of your own.

    Attributes:
        name: the choice `model=custom`.
        target: the class, as `package.module:Class` or `file.py:Class`.
        options: further arguments of its constructor, such as `model.options={units:128}`; None is none.
        source: a hash of the file that holds the class; found by itself, so that a changed class is not taken for the
            old one.
    """

    name: Annotated[str, Chosen("model")] = "custom"
    target: Name | None = None
    # A dict, or None: declared as one, Hydra would take no key that the default lacks.
    options: Annotated[Any, Arguments(), OneOf(None)] = None
    source: Annotated[str, Chosen("model")] = ""

    def check(self) -> None:
        """Find the class, and note what its file holds.

        Raises:
            TextddError: there is no such class, or the options are not arguments by name.
        """
        self.arguments()
        self.source = source_of(found(self.target))

    def arguments(self) -> dict[str, Any]:
        """The options as arguments by name.

        Raises:
            TextddError: they are none.
        """
        options = {} if self.options is None else self.options
        if not isinstance(options, dict) or not all(isinstance(name, str) for name in options):
            raise TextddError(
                f"Got model.options={options}; arguments by name are allowed. Type for instance: "
                "'model.options={units:128}'"
            )
        return options


def make_custom(config: CustomConfig, dimension: int, classes: int) -> Student:
    """Build a student of the user's and try it out; its options are told what its file holds, as `check` does.

    Hydra composes the options of a run after others were checked, and every key of a cache is made after its student.

    Args:
        config: which class, and further arguments.
        dimension: D.
        classes: C.

    Raises:
        TextddError: the class is not found, cannot be built, or does not do what a student must; the message says what.
    """
    config.check()
    kind, arguments = found(config.target), config.arguments()
    try:
        student = kind(dimension, classes, **arguments)
    except Exception as error:
        raise TextddError(
            f"{config.target}({dimension}, {classes}{given(arguments)}) failed: {type(error).__name__}: {error}. "
            "A student is built from the width of the embeddings and the number of classes, and from model.options"
        ) from error
    if not isinstance(student, Student):
        student = adopted(str(config.target), student)
    try_out(str(config.target), student, dimension, classes)
    return student


class Adopted(Student):
    """A module that has features and a head but is no Student.

    Args:
        own: the module.
        head: its head.
    """

    def __init__(self, own: nn.Module, head: nn.Linear) -> None:
        super().__init__(head.in_features, head.out_features)
        del own.head  # a module is known by one name: see textdd.students.probe.refuse_two_names
        self.head, self.own = head, own

    def features(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Map x (N, L, D) to the module's features (N, width)."""
        features: Tensor = self.own.features(x, mask)  # type: ignore[operator]
        return features


def adopted(what: str, own: object) -> Student:
    """A module with `features` and a linear `head` as a student.

    Raises:
        TextddError: it has not both.
    """
    head = getattr(own, "head", None)
    if isinstance(own, nn.Module) and callable(getattr(own, "features", None)) and isinstance(head, nn.Linear):
        return Adopted(own, head)
    raise TextddError(
        f"{what} is a {type(own).__name__}, no student. Derive it from textdd.students.Student, "
        "call super().__init__(features, classes) and write features(x, mask), or give a torch.nn.Module these: "
        "features(x, mask) and a linear map named head; the module textdd.students.custom has an example"
    )


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


class Uncached(SourceFileLoader):
    """Reads a file as it is now: compiled files are told apart by the second and the size, edits are quicker."""

    def get_code(self, fullname: str) -> CodeType:
        """Compile the file's source."""
        return self.source_to_code(self.get_data(self.path), self.path)


def from_file(path: Path) -> Any:
    """A module from a file; the same file is the same module until it is edited."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    content = str(path.resolve()).encode() + path.read_bytes()
    name = f"textdd_custom_{hashlib.sha256(content).hexdigest()[:8]}"
    if name not in sys.modules:
        loader = Uncached(name, str(path))
        specification = ModuleSpec(name, loader, origin=str(path))
        specification.has_location = True  # so that the module has a __file__, which its hash is made of
        module = util.module_from_spec(specification)
        sys.modules[name] = module
        try:
            loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
    return sys.modules[name]


SOURCES: dict[type[Any], str] = {}
"""What `source_of` said of each class: Python keeps a class that it has imported, whatever becomes of its file."""


def source_of(kind: type[Any]) -> str:
    """A hash of the file that a class is written in, as it was when the class was first asked about."""
    if kind not in SOURCES:
        try:
            SOURCES[kind] = hashlib.sha256(Path(inspect.getfile(kind)).read_bytes()).hexdigest()[:16]
        except (OSError, TypeError):
            SOURCES[kind] = ""
    return SOURCES[kind]
