"""The meta-gradient: differentiate a student's whole training on the distilled set (Li & Li 2021, equations 1-5).

A student theta_0 is trained for T steps on the set, theta_T = F(theta_0, alpha, D~) (equations 1 and 2); the outer
loss is its cross-entropy on real texts (equation 3); its gradient with respect to the set (equation 5) flows back
through all of F. The idea is that of Wang et al. (2018); learned labels come from Sucholutsky & Schonlau (2021),
windows with a random start from Feng et al. (2023), pools of students at mixed ages from Zhou et al. (2022).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, NamedTuple, Self

import torch
from torch import Tensor

from textdd.allowed import Chosen, Count, Few, InMemory, OneOf, OuterStepSize, Share, Whole, at_most
from textdd.errors import TextddError
from textdd.outer.attention import AttentionConfig
from textdd.outer.config import STARTS
from textdd.outer.engine import EngineDistiller, Training
from textdd.outer.heads import MOST_TEXTS, drawn, head_texts
from textdd.outer.materials import Materials
from textdd.outer.micro import in_parts
from textdd.outer.nested import draw_size
from textdd.outer.opinions import Opinions, opinions_of, worth_reading_once
from textdd.outer.plain import BATCH, HEAD_STEPS, LONGER, head_lesson, plain_lesson, plain_window
from textdd.outer.pooled import Age, advance
from textdd.outer.start.many_classes import STEPS, grown_to
from textdd.outer.synthetic import SyntheticSet
from textdd.outer.teacher import Teacher, teacher_work, train_teacher
from textdd.problem import Problem
from textdd.progress import say
from textdd.seeds import numpy_generator
from textdd.spaces.reading import Batch, Featured, Reading
from textdd.training import OPTIMISERS, Lesson, State, make_optimiser, train
from textdd.training.optimiser import Optimiser
from textdd.training.side_by_side import answers, sharing, train_all
from textdd.training.student import FlatStudent
from textdd.training.training import as_read

TRUNCATIONS = ("none", "random", "pool")
TARGETS = ("labels", "teacher")
PARTS = ("all", "head")
READINGS = ("once", "anew")

AUTO = "auto"

OPEN = {"start": AUTO, "inner_optimiser": AUTO, "inner_steps": 0, "outer_batch": 0}
"""Options that follow from the number of classes, and the value that leaves each to it."""


@dataclass
class MetaGradientConfig(AttentionConfig):
    """Options of the meta-gradient.

    Attributes:
        start: as for every distiller; `auto` takes `real`, and `telling` where there are many classes (more than 16).
        inner_optimiser: as for every distiller; `auto` takes `adam`, and `smooth_adam` where there are many classes.
        inner_steps: T; 0 takes 24, and with many classes 24 times the root of C / 16.
        outer_batch: real texts per outer step; 0 takes 128, and with many classes seven of each, at most 1,024.
        fresh_students: a new initialisation for every outer step; false keeps one for the whole run, which looks
            better while distilling and is of no use to anyone whose student starts elsewhere.
        plain_share: share of them that are taught plainly (Adam, shuffled mini-batches, one step size, up to three
            times the steps) and not by the recipe; it makes the set fit to be ordinary training data, and 0 ties it
            to its recipe. Only for truncation `none` and `random`.
        plain_part: what plain lessons teach: `all` that the student learns, to a share of the students, or the `head`
            alone, on a pretrained body that stays as it is, in every outer step beside the recipe; then plain_share is
            their share of the loss.
        head_texts: real texts that such heads are judged by in an outer step, by their labels: a frozen body has read
            them once, or of a larger corpus 10,000 of them, before the first one.
        targets: what the students' answers on real texts are compared with: `labels`, or the `teacher`'s distribution
            over classes, which is less noisy; the teacher is trained first, and its time is counted.
        opinions: whether the teacher reads all training texts `once`, beforehand, or those of every outer step `anew`;
            `auto` reads long texts once, where there are no more than 30,000. Both agree but for rounding.
        truncation: which W of the T steps are differentiated. `none`: all. `random`: a window that ends at a random
            step, the steps before it trained without gradient (RaT-BPTT). `pool`: the next W steps of a student
            from a persistent pool of mixed ages.
        window: W; only for truncation `random` and `pool`.
        pool: students in the pool, where that is the truncation; every outer step takes the next one.
        oldest: training steps after which a student of the pool makes room for a fresh one, at most T; 0 takes T.
        micro_batch: real texts of an outer step that are read at a time, for less memory; 0 reads all at once. Both
            agree but for rounding.
        losses: steps of a differentiated window after which the students answer, evenly spread, its last among them;
            the outer loss is the mean over them. More than one shortens the way that a gradient has to go.
    """

    name: Annotated[str, Chosen("distiller")] = "meta_gradient"
    start: Annotated[str, OneOf(AUTO, *STARTS)] = AUTO
    inner_optimiser: Annotated[str, OneOf(AUTO, *OPTIMISERS)] = AUTO
    inner_steps: Annotated[int, Whole(0, 100_000)] = 0
    outer_batch: Annotated[int, Whole(0, 65_536)] = 0
    outer_step_size: OuterStepSize = 0.01
    fresh_students: bool = True
    plain_share: Share = 0.2
    plain_part: Annotated[str, OneOf(*PARTS)] = "all"
    head_texts: InMemory = 512
    targets: Annotated[str, OneOf(*TARGETS)] = "teacher"
    opinions: Annotated[str, OneOf(AUTO, *READINGS)] = AUTO
    truncation: Annotated[str, OneOf(*TRUNCATIONS)] = "none"
    window: Count = 8
    pool: Few = 6
    oldest: Age = 0
    micro_batch: Annotated[int, Whole(0, 65_536)] = 0
    losses: Count = 1

    def check(self) -> None:
        """As for every distiller, and the values that only this kind has."""
        super().check()
        if self.truncation != "none":
            why = "a window is no longer than the training"
            at_most("distiller.window", self.window, "distiller.inner_steps", self.inner_steps or STEPS, why)

    def settled(self, problem: Problem) -> Self:
        """What grows with the number of classes: for one class a text, and students of word vectors."""
        single = problem.task.name == "one_class" and not problem.corpus.pair and problem.space.kind == "words"
        grown = grown_to(problem.classes if single else 1)
        taken = {name: value for name, value in grown._asdict().items() if getattr(self, name) == OPEN[name]}
        if "start" in taken and self.parametrisation == "real":
            taken["start"] = "real"
        if grown.inner_steps > STEPS and taken:
            shown = ", ".join(f"{name}={value}" for name, value in taken.items())
            say(f"{problem.classes} classes are many, so distilling takes {shown}")
        if self.opinions == AUTO:
            taken["opinions"] = "once" if worth_reading_once(problem) else "anew"
        return replace(self, **taken)


class Drawn(NamedTuple):
    """The training that is drawn for one student of the objective.

    Attributes:
        optimiser: its update rule.
        state: the fresh student.
        lesson: what it is taught.
        window: how many of its last steps are differentiated.
        end: its steps in all.
        plain: whether the lesson is a plain one.
    """

    optimiser: Optimiser
    state: State
    lesson: Lesson
    window: int
    end: int
    plain: bool


class MetaGradient(EngineDistiller):
    """Minimises the real-text loss of students trained on the set.

    Args:
        config: see MetaGradientConfig.
        student: the student to distil for.
        synthetic: the set at its start.
        seed: the run's seed.
    """

    config: MetaGradientConfig
    nests = True

    def __init__(self, config: MetaGradientConfig, student: FlatStudent, synthetic: SyntheticSet, seed: int) -> None:
        super().__init__(config, student, synthetic, seed)
        self.teacher: Teacher | None = None
        self.opinions: Opinions | None = None
        self.attention_step_size = config.attention_step_size
        self.headed: FlatStudent | None = None
        if config.plain_part == "head" and config.plain_share > 0:
            module = student.module.frozen()
            if module is None:
                raise TextddError(
                    "Got distiller.plain_part=head; this student has no pretrained body below a head. "
                    "Type: distiller.plain_part=all"
                )
            self.headed = FlatStudent(module, student.task)
        self.head_texts: Featured | None = None

    def prepare(self, materials: Materials) -> None:
        """Train the teacher, or find it in the cache; the same one gives labels where those are the teacher's.

        What heads are judged by is read by their body, likewise.
        """
        super().prepare(materials)
        if self.headed is not None:
            self.head_texts = head_texts(materials.problem, self.headed)
        if self.config.targets == "teacher":
            self.teacher, self.prepared_seconds = train_teacher(materials, self.seed)
            if self.config.opinions == "once":
                self.opinions, seconds = opinions_of(self.teacher, materials)
                self.prepared_seconds += seconds

    def judging(self, problem: Problem) -> Reading:
        """The training texts; with the teacher's opinion of each as its target, where that is found beforehand."""
        return self.opinions or problem.train

    def work_before(self, texts: int, real_length: float) -> float:
        """The teacher is trained once, whatever it is wanted for; the body below heads reads once."""
        wanted = "teacher" in (self.config.targets, self.config.labels)
        before = teacher_work(self.work, texts, real_length) if wanted else 0.0
        if self.config.targets == "teacher" and self.config.opinions == "once":
            before += self.work.read.of(1, texts, real_length)
        if self.headed is None:
            return before
        return before + self.headed.module.work().below.of(1, min(texts, MOST_TEXTS), real_length)

    def objective(self, batch: Batch, step: int) -> Tensor:
        """Equation 3, averaged over K students and over the steps after which they answer."""
        numbers = range(self.config.students)
        wanted = batch.labels
        if self.teacher is not None and self.opinions is None:
            with torch.no_grad():
                wanted = self.teacher.read(batch.x, batch.mask)
        if self.config.truncation == "pool":
            thetas = [theta for k in numbers for theta in self.pooled_student(step, k)]
        else:
            thetas = self.trained_students(step, numbers)
        loss = self.loss(self.student, thetas, batch.x, batch.mask, wanted)
        if self.headed is None:
            return loss
        share = self.config.plain_share
        return (1 - share) * loss + share * self.head_loss(self.headed, step)

    def loss(
        self, student: FlatStudent, thetas: list[Tensor], x: Tensor, mask: Tensor | None, wanted: Tensor
    ) -> Tensor:
        """Mean loss of students with parameters (P,) each on real texts."""

        def mean(thetas: Sequence[Tensor], part: slice) -> Tensor:
            logits = answers(student, thetas, x[part], mask if mask is None else mask[part], self.config.side_by_side)
            targets = wanted[part].expand(len(logits), *wanted[part].shape)
            return student.task.loss(logits.flatten(0, 1), targets.flatten(0, 1))

        size = self.config.micro_batch
        return in_parts(thetas, mean, len(x), size) if 0 < size < len(x) else mean(thetas, slice(None))

    def head_loss(self, headed: FlatStudent, step: int) -> Tensor:
        """The same of heads that are taught plainly on a frozen body, on texts that it has read beforehand."""
        adam, thetas = make_optimiser("adam"), []
        like = self.synthetic.one_hot
        for k in range(self.config.students):
            seed = self.draw_seed("head", step if self.config.fresh_students else 0, k)
            size = self.size(self.draw_seed("size", step, k))
            lesson = as_read(headed, head_lesson(self.synthetic, seed, size, headed.scales))
            state = State.fresh(headed.fresh(seed, like.device, like.dtype), adam)
            (state,) = self.engine(headed, adam, state, lesson, [len(lesson.rows)])
            thetas.append(state.theta)
        assert self.head_texts is not None, "prepare reads them"
        batch = drawn(self.head_texts, self.config.head_texts, self.draw_seed("head texts", step), like)
        return self.loss(headed, thetas, *batch)

    def work_per_step(self, real_length: float) -> float:
        """K students, of each the steps before the window, the window, and the real texts."""
        config, recipe, work = self.config, self.synthetic.recipe, self.work
        size, length = len(self.synthetic.one_hot), self.read_length
        window = recipe.steps if config.truncation == "none" else config.window
        before = (recipe.steps - window) / 2 if config.truncation == "random" else 0
        own = work.plain.of(before, recipe.batch, length) + work.differentiated.of(window, recipe.batch, length)
        window, batch = plain_window(recipe.steps), min(BATCH, size)
        before = (LONGER * recipe.steps - window) / 2
        plain = work.plain.of(before, batch, length) + work.differentiated.of(window, batch, length)
        share = 0.0 if config.truncation == "pool" or self.headed is not None else config.plain_share
        trained = (1 - share) * own + share * plain + self.work_below()
        real = (1, config.outer_batch, real_length)
        taught = work.read.of(*real) if config.targets == "teacher" and config.opinions != "once" else 0
        heads = 0.0
        if self.headed is not None:
            below = self.headed.module.work()
            steps = below.differentiated.of(sum(HEAD_STEPS) / 2, batch, 1)
            judged = below.learn.of(1, config.head_texts, 1)
            heads = steps + below.below_learn.of(1, *self.synthetic.x.shape[:2]) + judged
        return config.students * (trained + heads + config.losses * work.learn.of(*real)) + taught

    def trainings(self) -> list[Training]:
        """By the recipe, and plainly where a share of the students is taught so."""
        config, steps = self.config, self.config.inner_steps
        window = steps if config.truncation == "none" else config.window
        found = [Training(self.optimiser, self.lesson(0), window, config.losses, config.micro_batch)]
        if config.plain_share > 0 and config.truncation != "pool" and self.headed is None:
            lesson = plain_lesson(self.synthetic, 0, scales=self.student.scales)
            found.append(
                Training(make_optimiser("adam"), lesson, plain_window(steps), config.losses, config.micro_batch)
            )
        return found

    def trained_students(self, step: int, numbers: Iterable[int]) -> list[Tensor]:
        """Equation 2: the parameters (P,) of students trained from their first step, as functions of the set.

        There are `losses` of each, one for every step after which it answers.

        Those who are taught by the recipe, as many examples in as many steps, can be trained side by side. Plain
        lessons differ in their step sizes.
        """
        drawn = [self.draw(step, k) for k in numbers]
        alike: dict[tuple[object, ...], list[int]] = {}
        for i, one in enumerate(drawn):
            alike.setdefault((i if one.plain else "recipe", one.lesson.rows.shape, one.end), []).append(i)
        thetas: dict[int, list[Tensor]] = {}
        for group in alike.values():
            thetas |= dict(zip(group, self.taught([drawn[i] for i in group]), strict=True))
        return [theta for i in range(len(drawn)) for theta in thetas[i]]

    def taught(self, drawn: Sequence[Drawn]) -> list[list[Tensor]]:
        """The parameters (P,), at every answer, of students whose trainings differ in starts and orders only."""
        first = drawn[0]

        def last_steps(
            student: FlatStudent, optimiser: Optimiser, state: State, lesson: Lesson, marks: Sequence[int]
        ) -> list[State]:
            (state,) = train(student, optimiser, state, lesson, [first.end - first.window])
            return self.engine(student, optimiser, state, lesson, marks)

        starts, read = [one.state for one in drawn], as_read(self.student, first.lesson)
        lessons = sharing([read, *(one.lesson for one in drawn[1:])])
        marks, choice = self.answering(first.end - first.window, first.end), self.config.side_by_side
        trained = train_all(last_steps, self.student, first.optimiser, starts, lessons, marks, choice)
        return [[state.theta for state in states] for states in trained]

    def answering(self, first: int, end: int) -> list[int]:
        """The steps of a window, from `first` on up to `end`, after which a student answers."""
        count = min(self.config.losses, end - first)
        return [first + (end - first) * (i + 1) // count for i in range(count)]

    def draw(self, step: int, k: int) -> Drawn:
        """Draw the training of student k."""
        config = self.config
        seed = self.draw_seed("student", step if config.fresh_students else 0, k)
        size = self.size(self.draw_seed("size", step, k))
        state, window = self.fresh_student(seed), config.inner_steps
        share = config.plain_share if self.headed is None else 0.0
        if numpy_generator(self.draw_seed("plain", step, k)).random() < share:
            optimiser, lesson = make_optimiser("adam"), plain_lesson(self.synthetic, seed, size, self.student.scales)
            state, window = State.fresh(state.theta, optimiser), plain_window(window)
            return Drawn(optimiser, state, lesson, window, len(lesson.rows), plain=True)
        lesson, end = self.lesson(seed, size), window
        if config.truncation == "random":
            window = config.window
            end = int(numpy_generator(seed, "window").integers(window, end + 1))
        return Drawn(self.optimiser, state, lesson, window, end, plain=False)

    def size(self, seed: int) -> int:
        """How many rows a student is taught: all, or where sets are nested the beginning that is drawn."""
        count, classes = self.synthetic.one_hot.shape
        per_text = classes * self.config.pieces  # rows that a text of every class is taught as
        return per_text * draw_size(self.config.nested, count // per_text, seed)

    def lesson(self, seed: int, size: int | None = None) -> Lesson:
        """What one student is taught by the recipe; a pool keeps no sizes, so there the seed decides on it."""
        size = size or self.size(seed)
        classes, config = self.synthetic.one_hot.shape[1], self.config
        recipe = self.synthetic.recipe.sized(size, classes, config.inner_batch, config.epochs)
        return self.synthetic.lesson(seed, size, recipe)

    def pooled_student(self, step: int, k: int) -> list[Tensor]:
        """The parameters (P,), at every answer, of one student of the pool in its next W steps."""
        turn, seed = step * self.config.students + k, self.draw_seed("student", step, k)
        config, steps = self.config, self.answering(0, self.config.window)
        _, *after = advance(self, config.pool, config.oldest, turn, steps, seed, self.engine)
        return [state.theta for state in after]
