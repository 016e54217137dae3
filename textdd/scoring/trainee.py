"""A student that sets are scored with: each (set, recipe) is trained and tested once, and kept as a small file.

What a file holds depends on nothing but what its name is a hash of, so a killed command goes on where it was, sets that
are the same are trained on once, and baselines of one size serve every method that is scored into the same folder.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import safe_open
from torch import Tensor

from textdd.config import RunConfig, ScoreConfig
from textdd.corpora.corpus import Corpus
from textdd.evaluation.cost import Cost
from textdd.evaluation.protocol import EvaluationConfig, Protocol
from textdd.evaluation.scoring import score
from textdd.evaluation.tuning import tune
from textdd.prepare import completed_for, setting, short_hash, space_for
from textdd.problem import Problem
from textdd.run_folder import once
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.matrices import MatrixSet
from textdd.sets.training_set import TrainingSet, train_students
from textdd.spaces.reading import Reader
from textdd.spaces.words import stores_of
from textdd.students import make_student
from textdd.students.bodies import BODIES
from textdd.trainer import TrainerConfig, make_trainer
from textdd.training import Recipe
from textdd.typed import expanded

Unit = dict[str, Any]
"""What one file holds: each measure of the K students, the recipe, seconds and memory."""


class Material(NamedTuple):
    """Something to train on.

    Attributes:
        key: what it is: the hash of a set, and what was done with it.
        made: makes it for a reader.
    """

    key: str
    made: Callable[[Reader], TrainingSet]


class Trainee:
    """One student, with its space and all that it has been scored with.

    Args:
        name: the student.
        config: the command.
        corpus: whose texts it is tested on.
        of: a set that it has to be able to read.
        per_class: of that set.

    Raises:
        TextddError: the student, its vectors or its model are not at hand.
    """

    def __init__(self, name: str, config: ScoreConfig, corpus: Corpus, of: DistilledSet, per_class: int) -> None:
        self.name, self.config = name, config
        self.model = completed_for(getattr(config.model, name), corpus)
        self.problem = problem_of(self.model, config, corpus, of, per_class)
        options = config.score
        evaluation = EvaluationConfig(students=options.seeds, texts=options.texts, transfer=[], full=options.full)
        device = make_trainer(TrainerConfig()).strategy.root_device
        self.protocol = Protocol(evaluation, self.problem, device, config.seed)
        assert config.dataset is not None
        run = RunConfig(seed=config.seed, dataset=config.dataset, model=self.model, evaluation=evaluation)
        self.given = setting(run, self.problem)
        self.folder = expanded(config.output_dir) / "units"

    @cached_property
    def reader(self) -> Reader:
        """What turns texts into what the student reads."""
        return self.protocol.reader

    def kept(self, what: str, decides: object, work: Callable[[], Unit]) -> Unit:
        """Do a piece of work, or read what it made; `decides` is all that its result depends on besides the student."""
        path = self.folder / f"{self.problem.corpus.name}-{self.name}-{what}-{short_hash([self.given, decides])}.json"
        return once(path, work)

    def tuned(self, materials: Sequence[Material]) -> Recipe:
        """The plain recipe that is best on validation texts, of students trained on the first sets in turn."""
        options = self.config.score
        first = materials[: options.tuning_students]

        def work() -> Unit:
            found = tune(
                [one.made(self.reader).plain() for one in first],
                self.protocol.validation,
                self.reader,
                step_sizes=options.step_sizes,
                most_steps=options.steps,
                batch=options.batch,
                students=options.tuning_students,
                seed=self.config.seed,
                what=f"{self.name}, {len(first)} set{'s' * (len(first) > 1)}",
            )
            return dataclasses.asdict(found)

        tried = [options.step_sizes, options.steps, options.batch, options.tuning_students, options.texts]
        return Recipe(**self.kept("recipe", [[one.key for one in first], tried], work))

    def scored(
        self, material: Material, recipe: Recipe, step_sizes: Tensor | None = None, *, whole: bool = False
    ) -> Unit:
        """Train K fresh students on a set, as a `whole` with attention labels or not; read the test texts once."""
        learned = None if step_sizes is None else step_sizes.tolist()
        return self.kept(
            "set",
            [material.key, dataclasses.asdict(recipe), learned, *(["whole"] if whole and learned is None else [])],
            partial(self._score, material, recipe, step_sizes, whole=whole),
        )

    def _score(self, material: Material, recipe: Recipe, step_sizes: Tensor | None, *, whole: bool) -> Unit:
        with Cost() as training:
            made = material.made(self.reader)
            examples = made if whole else made.plain()
            seeds, marks = self.protocol.seeds("evaluation"), [recipe.steps]
            trained = train_students(self.reader.student, [examples], recipe, seeds, marks, step_sizes)
        with Cost() as testing:
            validation = self.protocol.validation
            scores = score([theta for (theta,) in trained], self.problem.test, self.reader, validation)
        return {
            "set": material.key,
            "recipe": dataclasses.asdict(recipe),
            "values": {name: values.tolist() for name, values in scores.items()},
            "train_seconds": training.seconds / len(seeds),
            "test_seconds": testing.seconds / len(seeds),
            "peak_memory_bytes": max(training.peak_memory_bytes, testing.peak_memory_bytes),
        }

    def full(self) -> Unit:
        """Students trained on the full data, which the cache may have already; they are read once, too."""

        def work() -> Unit:
            _, result = self.protocol.full(self.full_folder, partial(make_trainer, TrainerConfig(), alone=True))
            values = {name: result[name]["values"] for name in self.problem.task.measures}
            return {"values": values, **{name: result[name] for name in ("seconds", "peak_memory_bytes", "step_size")}}

        return self.kept("full", dataclasses.asdict(self.config.score.full), work)

    @property
    def full_folder(self) -> Path:
        """Where the parameters of full-data students lie, those of `textdd run` among them."""
        key = short_hash([self.given, dataclasses.asdict(self.config.score.full)])
        return self.problem.cache / "baselines" / f"full-{key}"

    def opinion(self, examples: TrainingSet) -> Tensor:
        """The labels (M, C) that the first full-data student gives to examples."""
        seed = self.protocol.seeds("full")[0]
        with safe_open(self.full_folder / f"student-{seed:016x}.safetensors", "pt") as file:
            theta = file.get_tensor("theta").to(self.reader.device)
        return self.protocol.opinion(theta, examples.as_read(self.reader.student))


def problem_of(model: Any, config: ScoreConfig, corpus: Corpus, of: DistilledSet, per_class: int) -> Problem:
    """The corpus as a student reads it; a set of matrices brings the space in which it means something.

    Raises:
        TextddError: something about the vectors or the student has to be mended by the user.
    """
    assert config.dataset is not None
    cache, dataset = expanded(config.cache_dir), config.dataset
    if isinstance(of, MatrixSet) and of.words_space is not None and model.name not in BODIES:
        space = of.words_space
        stores = stores_of(space, corpus, dataset.vocabulary, cache)
    else:
        if isinstance(of, MatrixSet):
            dataset = dataclasses.replace(dataset, length=of.manifest["length"])
        space, stores = space_for(model, config.embedding, dataset, corpus, config.data_dir, cache, config.seed)
    student = make_student(model, space.dimension, corpus.task)
    share = per_class * len(corpus.classes) / corpus.train_rows
    return Problem(corpus, space, stores, student, model, per_class, share, config.seed, cache)
