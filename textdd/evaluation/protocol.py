"""The protocol: distilled, random and full compared so that the numbers are honest.

Everything is selected on validation texts; test texts are read once per method, at its end; every figure is a mean
and a standard deviation over K fresh initialisations (and, for selectors, over as many subsets); baselines are tuned.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated

import pytorch_lightning as pl
import torch
from torch import Tensor

from textdd.allowed import STEP_SIZE, Count, Few, InMemory, ListOf, OneOf
from textdd.errors import TextddError
from textdd.evaluation.asked import Example
from textdd.evaluation.cost import Cost
from textdd.evaluation.full_data import FullDataConfig, train_full
from textdd.evaluation.responses import WritingConfig
from textdd.evaluation.scoring import score
from textdd.evaluation.summary import Result, summary
from textdd.evaluation.tuning import MARKS, curve, marks_up_to, tune
from textdd.evaluation.untrained import answers_by_words, in_context, zero_shot
from textdd.problem import Problem
from textdd.progress import say
from textdd.seeds import derive
from textdd.selectors import SELECTORS
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.parametrisations.pieces import piece_count, shortest_piece
from textdd.sets.texts import TextSet
from textdd.sets.training_set import TrainingSet, in_pieces, real_set, train_students
from textdd.spaces.reading import Reader, Reading
from textdd.students import NETWORKS, STUDENTS, make_student
from textdd.tasks import Scores
from textdd.training import Recipe
from textdd.training.side_by_side import CHOICES


@dataclass
class EvaluationConfig:
    """How sets are compared.

    Attributes:
        students: K, fresh students per method, and subsets per selector.
        texts: validation texts used to choose a recipe.
        step_sizes: Adam step sizes tried for plain recipes.
        steps: the longest plain training tried.
        batch: examples per step of a plain training.
        tuning_students: fresh students (and subsets) per step size tried.
        selectors: which picks of real texts are compared: herding, k_center, k_means, less; random always is, listed or
            not.
        transfer: other students of the same space that are trained on the distilled and on the selected sets;
            pretrained students have a space of their own, where there are none.
        side_by_side: whether students are trained as one stack of parameters: `always`, `never`, or where it is faster
            (`auto`: on a GPU, and on a CPU in small mini-batches). Both ways agree but for rounding.
        full: how the full-data students are trained.
        writing: how sets of prompts and responses are compared.
    """

    students: Few = 5
    texts: Count = 2000
    step_sizes: Annotated[list[float], ListOf(STEP_SIZE, least=1)] = field(default_factory=lambda: [1e-3, 3e-3, 1e-2])
    steps: Count = 400
    batch: InMemory = 32
    tuning_students: Few = 2
    selectors: Annotated[list[str], ListOf(OneOf(*SELECTORS))] = field(default_factory=lambda: ["random"])
    transfer: Annotated[list[str], ListOf(OneOf(*NETWORKS))] = field(default_factory=lambda: ["fasttext"])
    side_by_side: Annotated[str, OneOf(*CHOICES)] = "auto"
    full: FullDataConfig = field(default_factory=FullDataConfig)
    writing: WritingConfig = field(default_factory=WritingConfig)


@dataclass(frozen=True)
class Protocol:
    """The comparison of training sets for one problem.

    Attributes:
        config: how sets are compared.
        problem: corpus, space and student.
        device: where to compute.
        seed: decides initialisations and subsets.
    """

    config: EvaluationConfig
    problem: Problem
    device: torch.device
    seed: int

    @cached_property
    def reader(self) -> Reader:
        """What turns texts into what the student reads."""
        return self.problem.reader(self.device)

    @cached_property
    def validation(self) -> Reading:
        """The validation texts that recipes are chosen on."""
        return self.problem.validation.sample(self.config.texts)

    def seeds(self, purpose: str) -> list[int]:
        """K seeds for fresh initialisations."""
        return [derive(self.seed, purpose, i) for i in range(self.config.students)]

    def distilled(self, distilled: DistilledSet) -> Result:
        """Score a distilled set: by its own recipe, with hard labels, with a plain recipe, and on other students.

        Of nested sets each is scored by its own recipe as well.
        """
        own = distilled.training_set(self.reader)
        with Cost() as cost:
            result = self.measure([own], distilled.recipe, distilled.step_sizes)
            hard = own.hardened(self.problem.task)
            variants = {"hard_labels": self.measure([hard], distilled.recipe, distilled.step_sizes)}
            variants["plain_recipe"] = self.tuned([own], "distilled set, plain recipe")
            for size in distilled.nested:
                part = distilled.first(size)
                examples = part.training_set(self.reader)
                scored = self.measure([examples], part.recipe, part.step_sizes)
                variants[f"first_{size}_per_class"] = {**scored, "bytes": examples.bytes}
            if isinstance(distilled, TextSet):
                labels = distilled.text_labels.argmax(1).tolist()
                variants |= self.in_context([list(zip(distilled.texts, labels, strict=True))])
        return {
            **result,
            "pieces": distilled.pieces,
            "bytes": own.bytes,
            "bytes_of": distilled.stored_bytes(),
            "evaluation_seconds": cost.seconds,
            "variants": variants,
            "transfer": self.transfer([own], "distilled set"),
        }

    def selectors(self) -> list[str]:
        """Names of the selectors that are compared: random first, then the others, each once."""
        return list(dict.fromkeys(["random", *self.config.selectors]))

    def selected(self, selector: str, per_class: int, teacher: Tensor | None = None) -> Result:
        """Score real texts that a selector picks: K subsets, a tuned plain recipe.

        Distilled texts are taught in pieces, so the same is tried with real ones.

        Args:
            selector: a name in SELECTORS.
            per_class: M / C.
            teacher: parameters (P,) of a full-data student; with it, the same texts are also scored with the
                teacher's soft labels.
        """
        train, student = self.problem.train, self.problem.student
        with Cost() as cost:
            seeds = self.seeds(f"{selector} subset")
            chosen = [SELECTORS[selector](train, self.reader, per_class, seed) for seed in seeds]
            sets = [real_set(train, rows, self.reader) for rows in chosen]
            result = self.tuned(sets, f"{selector} texts")
        result |= {
            "seconds": cost.seconds,
            "peak_memory_bytes": cost.peak_memory_bytes,
            "bytes": round(sum(s.bytes for s in sets) / len(sets)),
            "variants": {},
        }
        length = self.problem.space.length
        pieces = piece_count(0, 0, length, shortest_piece(self.problem.classes)) if self.in_pieces else 1
        if pieces > 1:
            cut = [in_pieces(s, -(-length // pieces)) for s in sets]
            scored = self.tuned(cut, f"{selector} texts in {pieces} pieces")
            result["variants"]["in_pieces"] = {**scored, "pieces": pieces}
        if teacher is not None:
            soft = [replace(s, y=self.opinion(teacher, s.as_read(student))) for s in sets]
            result["variants"]["teacher_labels"] = self.tuned(soft, f"{selector} texts, teacher labels")
        shown = [zip(train.split.texts(rows), train.labels[rows].tolist(), strict=True) for rows in chosen]
        result["variants"] |= self.in_context([list(pairs) for pairs in shown])
        return {**result, "transfer": self.transfer(sets, f"{selector} texts")}

    def in_context(self, sets: Sequence[Sequence[Example]]) -> dict[str, Result]:
        """Sets of texts as examples in the prompt of a language model; nothing for other students."""
        if not answers_by_words(self.problem.model) or not self.problem.model.orders:
            return {}
        try:
            return in_context(self.problem, sets, self.device, self.seed)
        except TextddError as error:  # no reason to lose what else was measured
            say(f"not tried in context: {error}")
            return {}

    @property
    def in_pieces(self) -> bool:
        """Whether distilled texts may be taught in pieces, so that real ones are tried so as well."""
        single = self.problem.task.name == "one_class" and not self.problem.corpus.pair
        return single and self.problem.space.kind == "words"

    @torch.no_grad()
    def opinion(self, teacher: Tensor, examples: TrainingSet) -> Tensor:
        """The labels (M, C) that a trained student gives to examples that it can read."""
        logits = self.problem.student(teacher, examples.x, examples.mask)
        return self.problem.task.probabilities(logits)

    def full(self, cache_dir: Path, make_trainer: Callable[..., pl.Trainer]) -> tuple[Tensor | None, Result]:
        """Score students trained on the full data; return the parameters (P,) of the first, as a teacher, too."""
        problem = self.problem
        thetas, facts = train_full(self.config.full, problem, self.seeds("full"), cache_dir, make_trainer, self.device)
        scores = self.tested(thetas, self.reader)
        split = problem.corpus.train
        size = split.stored_bytes() + problem.task.label_bytes(split.targets)
        return thetas[0], {**summary(scores), "bytes": size, **facts}

    def tuned(self, sets: Sequence[TrainingSet], what: str, reader: Reader | None = None) -> Result:
        """Choose a plain recipe on validation, then measure it; attention labels are no part of it."""
        sets = [examples.plain() for examples in sets]
        return self.measure(sets, self.recipe(sets, what, reader), reader=reader)

    def recipe(self, sets: Sequence[TrainingSet], what: str, reader: Reader | None = None) -> Recipe:
        """The plain recipe that is best on validation texts."""
        config = self.config
        return tune(
            sets,
            self.validation,
            reader or self.reader,
            step_sizes=config.step_sizes,
            most_steps=config.steps,
            batch=config.batch,
            students=config.tuning_students,
            seed=self.seed,
            what=what,
            side_by_side=config.side_by_side,
        )

    def measure(
        self,
        sets: Sequence[TrainingSet],
        recipe: Recipe,
        step_sizes: Tensor | None = None,
        reader: Reader | None = None,
    ) -> Result:
        """Train K fresh students and read the test texts once; the curve over training steps is of validation."""
        reader = reader or self.reader
        marks = marks_of(recipe.steps)
        with Cost() as cost:
            seeds, choice = self.seeds("evaluation"), self.config.side_by_side
            trained = train_students(reader.student, sets, recipe, seeds, marks, step_sizes, choice)
        with Cost() as testing:
            scores = self.tested([thetas[-1] for thetas in trained], reader)
        return {
            **summary(scores),
            "train_seconds": cost.seconds / self.config.students,
            "test_seconds": testing.seconds / self.config.students,
            "recipe": asdict(recipe),
            "curve": curve(trained, marks, self.validation, reader)._asdict(),
        }

    def tested(self, thetas: list[Tensor], reader: Reader) -> Scores:
        """All measures of students on the test texts."""
        return score(thetas, self.problem.test, reader, self.validation)

    @property
    def speaks(self) -> bool:
        """Whether the student is something before it is trained, so that this is a row of its own."""
        return answers_by_words(self.problem.model)

    def untrained(self) -> Result:
        """What a language model reaches as it is."""
        return zero_shot(self.problem, self.validation, self.device)

    def transfer(self, sets: Sequence[TrainingSet], what: str) -> dict[str, Result]:
        """Train other students of the same space on the sets, each with a plain recipe chosen on validation."""
        results = {}
        for name in self.config.transfer if self.problem.space.kind == "words" else ():
            if name != self.problem.model.name:
                options = STUDENTS[name][1]()
                other = make_student(options, self.problem.space.dimension, self.problem.task)
                reader = replace(self.reader, student=other)
                results[name] = self.tuned(sets, f"{what}, {name}", reader)
        return results


def marks_of(steps: int) -> list[int]:
    """Numbers of steps at which a curve of accuracy has a point; the last is the end of the training."""
    return evenly(steps) if steps < MARKS[3] else marks_up_to(steps)


def evenly(steps: int) -> list[int]:
    """At most ten numbers of steps up to `steps`, evenly spread."""
    stride = -(-steps // 10)
    return sorted({*range(stride, steps, stride), steps})


def add_recovery(methods: dict[str, Result], headline: str, *, higher_is_better: bool = True) -> None:
    """Add each method's recovery: its headline measure as a share of the full data's, of a loss the reverse."""
    full = methods["full"][headline]["mean"]
    for method in methods.values():
        for result in (method, *method.get("variants", {}).values()):
            reached = result[headline]["mean"]
            above, below = (reached, full) if higher_is_better else (full, reached)
            result["recovery"] = above / below if below else 0.0
