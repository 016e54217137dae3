"""Train a student of any kind on a set, or on several together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from textdd.allowed import Count, StepSize
from textdd.api.composing import problem_of
from textdd.errors import TextddError, unknown_choice
from textdd.options import check_options
from textdd.sets.classifier import Classifier
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.responder import Responder, trained
from textdd.sets.texts import ABOUT_A_HUNDRED
from textdd.sets.together import all_classes, balanced, over, together
from textdd.sets.training_set import train_students
from textdd.spaces.reading import Reader
from textdd.students import STUDENTS, make_student
from textdd.students.bodies import BODIES, body_space, completed
from textdd.tasks import TASKS
from textdd.training import Recipe


@dataclass
class PlainConfig:
    """How `train` trains.

    Attributes:
        steps: of Adam.
        step_size: of Adam.
    """

    steps: Count = ABOUT_A_HUNDRED.steps
    step_size: StepSize = 3e-3


def train(
    small: DistilledSet | Sequence[DistilledSet],
    student: str,
    data: Any = None,
    labels: Any = None,
    seed: int = 0,
    *,
    steps: int = PlainConfig.steps,
    step_size: float = PlainConfig.step_size,
    balance: bool = False,
    **options: Any,
) -> Classifier | Responder:
    """Train a student of any kind on a set, or on several together; `DistilledSet.train` does it by a set's own recipe.

    Args:
        small: the set, or several: of parties that each have some of the texts, or of classes that came in turn. Their
            classes are put together by name.
        student: the choice `model=`.
        data: the corpus, for students that read its words; pretrained students have a space of their own.
        labels: of a list of texts.
        seed: decides the initialisation.
        steps: of Adam, in shuffled mini-batches.
        step_size: of Adam; of students that have another scale, or several, a multiple of it.
        balance: repeat examples of classes that have fewer than others.
        options: as for `distil`; `path` is the folder of a pretrained model.

    Raises:
        TextddError: the student reads another space than a set is in, its words are not at hand, or the sets are of
            different tasks.
    """
    sets = [small] if isinstance(small, DistilledSet) else list(small)
    tasks = {one.task.name for one in sets}
    if len(tasks) != 1 or (len(sets) > 1 and "generation" in tasks):
        raise TextddError(
            f"Got {len(sets)} sets of the tasks {', '.join(sorted(tasks)) or 'none'}; one set at least is needed, and "
            f"several of one task whose texts have classes. Type: train([first, second], {student!r})"
        )
    check_options(PlainConfig(steps, step_size))
    recipe = Recipe("adam", steps, ABOUT_A_HUNDRED.batch, "shuffled", step_size)
    named = all_classes([one.classes for one in sets])
    reader, classes = reader_of(sets[0], named, student, data, labels, options)
    read = [one.training_set(reader).plain() for one in sets]
    if "generation" not in tasks:
        read = [over(one, small.classes, classes) for one, small in zip(read, sets, strict=True)]
    examples = together(read) if len(read) > 1 else read[0]
    examples = balanced(examples) if balance else examples
    recipe = recipe.for_parts(reader.student.scales)
    ((theta,),) = train_students(reader.student, [examples], recipe, [seed], [steps])
    return trained(classes, reader, theta)


def reader_of(
    small: DistilledSet, classes: list[str], student: str, data: Any, labels: Any, options: dict[str, Any]
) -> tuple[Reader, list[str]]:
    """What lets a student read a set, and real texts; and its classes: those of the corpus if there is one."""
    if data is not None:
        problem = problem_of(data, labels, student, options)
        return problem.reader(), problem.corpus.classes
    task = TASKS[small.task.name](len(classes))
    if student in BODIES:
        given = {key.removeprefix("model."): value for key, value in options.items()}
        pair = bool(small.manifest.get("pair"))
        one_class, writes = (small.task.name == name for name in ("one_class", "generation"))
        model = completed(STUDENTS[student][1](**given), classes, pair=pair, one_class=one_class, writes=writes)
        space = body_space(model, int(small.manifest["length"]), framed=False)
        return Reader(space, make_student(model, space.dimension, task)), classes
    space_there = small.space()
    if space_there is None or space_there.kind != "words":
        raise TextddError(
            f"{student} reads the words of a corpus, and this set of texts brings none. Give the texts that it "
            f"was made of: train(small, {student!r}, data=...), or take a student with words of its own: 'pretrained'"
        )
    if student not in STUDENTS:
        raise unknown_choice("student", student, STUDENTS, "student")
    model = STUDENTS[student][1](**options)
    return Reader(space_there, make_student(model, space_there.dimension, task)), classes
