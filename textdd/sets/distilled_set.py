"""A distilled set: what is taught, labels, and the recipe by which students are to be trained on it.

    distilled = DistilledSet.load("runs/.../artifact")
    classify = distilled.train(seed=0)                    # the student and recipe it was made for

There are two kinds, each in a file of its own: matrices in a space (`matrices.py`) and texts, which are read in every
space (`texts.py`). What both are kept in is `artifact.py`.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from torch import Tensor

from textdd.errors import TextddError
from textdd.sets.classifier import Classifier
from textdd.sets.course import Course
from textdd.sets.manifest import is_table
from textdd.sets.responder import Responder, trained
from textdd.sets.training_set import TrainingSet, train_students
from textdd.spaces.reading import Reader
from textdd.spaces.space import Space
from textdd.students import STUDENTS, make_student
from textdd.students.bodies import BODIES
from textdd.tasks import TASKS, Task
from textdd.training import Recipe
from textdd.training.student import FlatStudent

if TYPE_CHECKING:
    import datasets


Part = TypeVar("Part", bound="DistilledSet")

NAMED_ALONE = {
    "pretrained": "This set was made for the pretrained model {!r}, which is not opened by its name. Say where it is: "
    "train(path=FOLDER), or as a command: textdd evaluate artifact=PATH model=pretrained model.path=FOLDER",
    "causal_lm": "This set was made for the language model {!r}, which is not opened by its name. Say where it is: "
    "train(path=FOLDER), or as a command: textdd evaluate artifact=PATH model=causal_lm model.path=FOLDER",
    "custom": "This set was made for a student of somebody's own, {!r}, which is not imported by its name. Say which "
    "class it is: textdd.train(set, 'custom', target='package.module:Class'), or as a command: textdd evaluate "
    "artifact=PATH model=custom model.target=package.module:Class",
}
"""Students that stand outside of a set's folder, and what to type."""


class DistilledSet(ABC):
    """M texts with labels, however they are stored.

    Attributes:
        text_labels: labels of the texts (M, C).
        step_sizes: learned step sizes (T,) or (T, G), or None where the recipe's constant one is used.
        recipe: how students are to be trained on the set.
        manifest: everything else that is known about the set.
        given: the options of the student where the set was made in this process; None of one that was loaded.
        others: how further students are trained, where the set was made for several; see `of`.
    """

    kind: ClassVar[str]
    given: Any = None
    others: tuple[Course, ...] = ()

    def __init__(self, y: Tensor, step_sizes: Tensor | None, recipe: Recipe, manifest: dict[str, Any]) -> None:
        self.text_labels, self.step_sizes, self.recipe, self.manifest = y, step_sizes, recipe, manifest

    @abstractmethod
    def __len__(self) -> int:
        """Examples that students are taught."""

    @property
    def classes(self) -> list[str]:
        """The C class names, in the order of their numbers."""
        return list(self.manifest["classes"])

    @property
    def task(self) -> Task:
        """What a label is."""
        return TASKS[self.manifest.get("task", "one_class")](len(self.classes))

    @property
    def y(self) -> Tensor:
        """Labels of the examples that students are taught (N, C)."""
        return self.text_labels

    @property
    def pieces(self) -> int:
        """V, examples that each text is cut into."""
        count: int = self.manifest.get("pieces", 1)
        return count

    @abstractmethod
    def training_set(self, reader: Reader) -> TrainingSet:
        """The examples as students of a space take them.

        Raises:
            TextddError: the set is not one of this space.
        """

    @abstractmethod
    def stored_bytes(self) -> dict[str, int]:
        """Bytes that the set takes: texts as they are stored, labels, step sizes."""

    def step_size_bytes(self) -> int:
        """Bytes of the step sizes of all students that the set was made for."""
        learned = (self.step_sizes, *(course.step_sizes for course in self.others))
        return sum(step_sizes.nbytes for step_sizes in learned if step_sizes is not None)

    @abstractmethod
    def first(self, per_class: int) -> DistilledSet:
        """The first `per_class` examples of every class with the recipe for that many.

        Sizes that `distiller.nested` named were distilled to be good sets of their own; others come as they are.

        Raises:
            TextddError: there are not as many.
        """

    @abstractmethod
    def read(self) -> list[str]:
        """Write the texts out.

        Raises:
            TextddError: they are no words.
        """

    @abstractmethod
    def to_dataset(self) -> datasets.Dataset:
        """The set as a data set of the Hugging Face library, a row for each text."""

    @abstractmethod
    def space(self) -> Space | None:
        """The space that the set carries or names; None where it has none of its own."""

    @property
    def written(self) -> list[dict[str, str]] | None:
        """The texts with their likeliest labels, for people; None where they are no sentences."""
        return None

    def part(self, per_class: int) -> tuple[int, Recipe, dict[str, Any]]:
        """What `first` needs: rows, recipe and manifest for so many examples per class.

        Raises:
            TextddError: there are not as many.
        """
        classes = len(self.classes)
        size, most = per_class * classes, len(self.text_labels) // classes
        if not 1 <= per_class <= most:
            raise TextddError(f"Got {per_class} examples per class; 1 to {most} are there. Type: first({most})")
        told = self.method
        recipe = self.recipe.sized(size * self.pieces, classes, told.get("inner_batch", 0), told.get("epochs", 1))
        manifest = {**self.manifest, "per_class": per_class, "metrics": {}}
        if manifest.get("budget"):
            manifest["budget"] *= size / len(self.text_labels)
        return size, recipe, manifest

    def as_given(self, part: Part) -> Part:
        """A part of this set, with the students that were given with it."""
        part.given = self.given
        batch = part.recipe.batch
        part.others = tuple(one._replace(recipe=replace(one.recipe, batch=batch)) for one in self.others)
        return part

    @property
    def kinds(self) -> list[str]:
        """The students that the set was made for, the first of which `train` trains; none of a set from a file."""
        first = self.manifest.get("student")
        return [one["name"] for one in ([first] if first else []) + [course.student for course in self.others]]

    def of(self, student: str) -> Self:
        """The same set as one that was made for a single one of its students, by its own recipe.

        Args:
            student: its name, one of `kinds`.

        Raises:
            TextddError: it took no part.
        """
        if student not in self.kinds:
            raise TextddError(
                f"This set was made for {', '.join(self.kinds)}, not for {student}, which has no recipe of its own. "
                f"From Python type: set.train(student={self.kinds[0]!r}), or textdd.train(set, {student!r})"
            )
        alone = copy.copy(self)
        alone.others = ()
        for course in self.others:
            if course.student["name"] == student:
                alone.recipe, alone.step_sizes, alone.given = course.recipe, course.step_sizes, None
                alone.manifest = {**self.manifest, "student": course.student}
        return alone

    @property
    def method(self) -> dict[str, Any]:
        """The options of the method that the set was distilled by, of a chain those of its last stage."""
        options: dict[str, Any] = self.manifest["distiller"]
        return options["options"][options["stages"][-1]] if "stages" in options else options

    @property
    def nested(self) -> list[int]:
        """The numbers of examples per class below the whole that the set was distilled for."""
        sizes: list[int] = self.method.get("nested", [])
        return [size for size in sizes if size * len(self.classes) < len(self.text_labels)]

    def model(self, path: str | None = None) -> Any:
        """The options of the student that the set was made for.

        What a folder names, which may be a stranger's, is neither opened nor imported: who loads a set of a pretrained
        student says where that lies.

        Args:
            path: where a pretrained model lies on this machine, if not where it lay when the set was made.

        Raises:
            TextddError: a pretrained student of a set that was loaded, and no path; or a student of somebody's own.
        """
        recorded = dict(self.manifest["student"])
        name = recorded["name"]
        model = STUDENTS[name][1](**recorded) if self.given is None else self.given
        if path is not None and name in BODIES:
            return replace(model, path=path)
        if self.given is None and name in (*BODIES, "custom"):
            raise TextddError(NAMED_ALONE[name].format(self.manifest.get("space", {}).get("name", recorded)))
        return model

    def student(self, path: str | None = None) -> FlatStudent:
        """The student that the set was distilled for, untrained; `path` as for `model`.

        Raises:
            TextddError: it is a pretrained one that is not at hand.
        """
        space = self.space()
        if space is None:
            raise TextddError(
                "This set of texts belongs to no student. Train one: textdd evaluate artifact=PATH model=textcnn"
            )
        return make_student(self.model(path), space.dimension, self.task)

    def train(self, seed: int = 0, path: str | None = None, student: str | None = None) -> Classifier | Responder:
        """Train a fresh student by the set's own recipe (less than a second for a TextCNN).

        What it gives back is called with texts, and names their classes, or writes responses to them.

        Args:
            seed: decides its initialisation.
            path: where a pretrained model lies on this machine, if not where it lay when the set was made.
            student: one of `kinds`; None is the first of them.

        Raises:
            TextddError: the set is of no space of its own, the pretrained model is not at hand, or the set was not made
                for such a student.
        """
        if student is not None and self.kinds != [student]:
            return self.of(student).train(seed, path)
        space = self.space() if path is None else self.space_at(path)
        if space is None:
            able = "causal_lm" if self.task.name == "generation" else "pretrained"
            raise TextddError(
                "This set of texts carries no space: which student is to read it? From Python: textdd.train(set, "
                f"student={able!r}, path=FOLDER); as a command: textdd evaluate artifact=PATH model=NAME"
            )
        reader = Reader(space, make_student(self.model(path), space.dimension, self.task))
        return self.taught(reader, seed)

    def space_at(self, path: str) -> Space | None:
        """The set's space, with the pretrained model that lies at a path."""
        del path
        return self.space()

    def taught(self, reader: Reader, seed: int) -> Classifier | Responder:
        """Train a fresh student of any space that can read the set, by the set's own recipe.

        Raises:
            TextddError: the recipe has step sizes for other parts than the student has.
        """
        given = self.recipe.step_sizes() if self.step_sizes is None else self.step_sizes
        parts, groups = 1 if given.dim() == 1 else given.shape[1], reader.student.groups
        if parts not in (1, len(groups)):
            raise TextddError(
                f"The recipe of this set has step sizes for {parts} parts; its student has {len(groups)}: "
                f"{', '.join(groups)}. Distil again, or train another student: textdd.train(set, NAME)"
            )
        marks, sets = [self.recipe.steps], [self.training_set(reader)]
        thetas = train_students(reader.student, sets, self.recipe, [seed], marks, self.step_sizes)
        return trained(self.classes, reader, thetas[0][0])

    def save(self, folder: str | Path) -> None:
        """Write the set as a folder of its own; the manifest comes last, so a folder with a manifest is whole."""
        from textdd.sets.artifact import save

        save(self, Path(folder))

    @staticmethod
    def load(folder: str | Path) -> DistilledSet:
        """Read a folder that `save` wrote, or a file of labelled texts, such as `textdd export` writes.

        Raises:
            TextddError: it is no such folder, it is of another format, or a file is missing, damaged or not what
                the manifest says; the message says which and why.
        """
        if is_table(Path(folder)):
            from textdd.sets.imported import read_set

            return read_set(Path(folder))
        from textdd.sets.artifact import load

        return load(Path(folder))
