"""Project: from a set of matrices to a set of texts, resumable at any moment, and what was lost on the way."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

from torch import Tensor

from textdd.choosing.recipe import tuned_recipe
from textdd.distillers.meta_gradient import MetaGradient
from textdd.distillers.project import ProjectConfig
from textdd.evaluation.cost import Cost
from textdd.evaluation.scoring import score
from textdd.outer.distil import learn, settled
from textdd.outer.materials import Place
from textdd.outer.start.start import recipe_of
from textdd.outer.start.warm_start import take_up
from textdd.outer.synthetic import SyntheticSet
from textdd.problem import Problem
from textdd.progress import say
from textdd.projecting.admm import Alternating, Split
from textdd.projecting.likely import Likely
from textdd.projecting.mixture import OneWord, Sharpening
from textdd.projecting.placed import Placed, placed
from textdd.projecting.prompts import prompts_of
from textdd.projecting.source import matrices_for
from textdd.projecting.words import Words, words_of
from textdd.seeds import derive
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.matrices import MatrixSet
from textdd.sets.texts import ABOUT_A_HUNDRED, TextSet
from textdd.sets.training_set import train_students
from textdd.spaces.language_model import load_language_model
from textdd.trainer import TrainerConfig
from textdd.training import Recipe

STUDENTS = 5
"""Fresh students that tell what matrices and words are worth on validation texts."""


class Projection(NamedTuple):
    """Matrices before they are projected.

    Attributes:
        source: the set.
        words: of its space.
        found: the nearest words.
    """

    source: MatrixSet
    words: Words
    found: Placed


def project(
    config: ProjectConfig,
    problem: Problem,
    trainer_config: TrainerConfig,
    place: Place,
    manifest: dict[str, Any],
    source: DistilledSet | None,
) -> TextSet:
    """Turn a set of matrices into one of texts; a run that was killed goes on from its last checkpoint.

    Args:
        config: the method's options.
        problem: corpus, space, student and size.
        trainer_config: devices and precision.
        place: where to keep what.
        manifest: what is known of the set beforehand; what it cost is added as `distilling`, with the validation
            accuracy of the words and of the `matrices`, and `origins`.
        source: the matrices.

    Raises:
        TextddError: they are of another space, size or task, or no matrices; or the language model cannot be loaded.

    The nearest words to private matrices are private, too, and carry a plain recipe that is not tuned.
    """
    with Cost() as before:
        begun = started(config, problem, source)
        distiller = None if config.onto == "nearest" else distiller_of(config, problem, begun)
    facts: dict[str, Any] = {"seconds": 0.0, "peak_memory_bytes": 0, "outer_steps": 0, "engine": ""}
    if distiller is not None:
        facts = learn(distiller, problem, trainer_config, place)
    with Cost() as after:
        tokens, y = begun.found.tokens, labels_of(config, begun.source)
        if distiller is not None:
            synthetic = distiller.best.mean.cpu()
            ids, y = synthetic.texts.words(), synthetic.text_labels().detach()
            assert ids is not None
            tokens = tokens._replace(ids=ids)
        texts = begun.words.texts(tokens)
        made = TextSet(texts, y, None, Recipe(), manifest, problem.space, ["projected"] * len(texts))
        private = config.onto == "nearest" and "privacy" in begun.source.manifest
        if private:  # the words follow from the set alone; a recipe tuned on validation texts would not
            made.manifest["privacy"] = begun.source.manifest["privacy"]
            made.recipe = ABOUT_A_HUNDRED.for_parts(problem.student.scales)
        else:
            made.recipe = tuned_recipe(config, made, problem, config.check_texts)
        matrices, words = (validated(small, problem, config.check_texts) for small in (begun.source, made))
    say(f"validation {problem.task.measures[0]}: matrices {matrices:.4f}, the words that they became {words:.4f}")
    made.manifest["distilling"] = {
        **facts,
        "seconds": before.seconds + facts["seconds"] + after.seconds,
        "peak_memory_bytes": max(before.peak_memory_bytes, facts["peak_memory_bytes"], after.peak_memory_bytes),
        "validation_accuracy": words,
        "matrices": {"validation_accuracy": matrices, "bytes": sum(begun.source.stored_bytes().values())},
    }
    return made


def started(config: ProjectConfig, problem: Problem, source: DistilledSet | None) -> Projection:
    """The nearest words; arguments and errors as for `project`."""
    matrices, words = matrices_for(source, problem), words_of(problem.space)
    texts = matrices.texts().detach()
    return Projection(matrices, words, placed(texts, problem.space, words, config.metric, pair=problem.corpus.pair))


def distiller_of(config: ProjectConfig, problem: Problem, begun: Projection) -> MetaGradient:
    """What looks for better words with a gradient, before its first outer step."""
    space, (source, words, found) = problem.space, begun
    learning, size = config.learning().settled(problem), len(source.text_labels)
    recipe = recipe_of(learning, size, problem.classes).for_parts(problem.student.scales)
    learned = (learning.labels, learning.confidence, learning.learn_step_sizes)
    given = problem.task.hardened(source.text_labels)
    texts = (
        OneWord(found, space, words, config.near, config.metric) if config.onto == "mixture" else Split(found, space)
    )
    synthetic = SyntheticSet(texts, problem.task, recipe, *learned, given=given)
    take_up(synthetic, source, learning)
    common = (learning, problem.student, synthetic, problem.seed)
    if config.onto == "mixture":
        return settled(Sharpening(*common), problem)
    assert config.language_model is not None, "the options were checked"
    writer = load_language_model(config.language_model)
    likely = Likely(writer.model, writer.tokeniser, words.written, prompts_of(problem, size))
    return settled(Alternating(*common, config.rho, partial(chosen, config, words, found, likely)), problem)


def chosen(config: ProjectConfig, words: Words, found: Placed, likely: Likely, x: Tensor) -> Tensor:
    """The likely words (M, L) among those near to matrices (M, L, D)."""
    near = words.nearest(x.cpu()[found.places], config.near, config.metric)
    candidates = found.tokens.ids.unsqueeze(-1).repeat(1, 1, near.shape[1])
    candidates[found.places] = near
    return likely.choose(candidates, found.places)


def labels_of(config: ProjectConfig, source: MatrixSet) -> Tensor:
    """The labels (M, C) of the matrices, with or without their shades."""
    return source.text_labels if config.labels == "soft" else source.task.hardened(source.text_labels)


def validated(small: DistilledSet, problem: Problem, texts: int) -> float:
    """The headline measure, on validation texts, of fresh students trained by a set's own recipe."""
    reader, recipe = problem.reader(), small.recipe
    seeds = [derive(problem.seed, "projected", k) for k in range(STUDENTS)]
    examples = small.training_set(reader)
    trained = train_students(problem.student, [examples], recipe, seeds, [recipe.steps], small.step_sizes)
    scores = score([theta for (theta,) in trained], problem.few(problem.corpus.validation, texts), reader)
    return float(scores[problem.task.measures[0]].mean())
