"""Warm starts: distilling that goes on from the set that another run, or another stage of a chain, has left."""

from __future__ import annotations

from textdd.errors import TextddError
from textdd.outer.config import DistillerConfig
from textdd.outer.synthetic import SyntheticSet
from textdd.problem import Problem
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.matrices import MatrixSet
from textdd.sets.parametrisations import Parametrisation
from textdd.sets.parametrisations.real import Real
from textdd.sets.texts import TextSet


def source_of(path: str, problem: Problem) -> DistilledSet:
    """The set to start from: an artefact, or a file of labelled texts, whose labels must be classes of the corpus.

    Raises:
        TextddError: it is neither, it is damaged, or its labels are others.
    """
    source = DistilledSet.load(path)
    if isinstance(source, TextSet) and source.from_file:
        source = source.for_classes(problem.corpus.classes, problem.corpus.name)
        check_balance(source)
    return source


def check_balance(source: TextSet) -> None:
    """Check that a set has as many texts of every class, as sets that are distilled have.

    Raises:
        TextddError: it has not.
    """
    counts = source.task.hardened(source.text_labels).sum(0).long().tolist()
    if source.task.name == "one_class" and len(set(counts)) > 1:
        found = ", ".join(f"{count} of {name}" for name, count in zip(source.classes, counts, strict=True))
        raise TextddError(
            f"The set of the warm start has {found}; as many of every class are needed. Leave some out, or type: "
            "distiller.warm_start=null"
        )


def matrices_of(source: DistilledSet, problem: Problem) -> Parametrisation:
    """The texts of a set as the problem's students read them: those of a set of texts are read in its space."""
    if isinstance(source, MatrixSet):
        return source.texts
    assert isinstance(source, TextSet)
    tokens = problem.space.tokens(source.texts)
    return Real(problem.reader().embed(tokens).x, tokens.ids)


def check_fits(source: DistilledSet, texts: Parametrisation, problem: Problem, length: int, pieces: int) -> None:
    """Check that distilling can start from a set.

    Args:
        source: the set.
        texts: its texts, as `matrices_of` gives them.
        problem: its number of classes counts, not their names, so that a set may serve a related corpus.
        length: L of a distilled text.
        pieces: V that it is cut into.

    Raises:
        TextddError: the set has another number of classes or examples, labels of another kind, or texts of another
            shape, or that cannot be cut so.
    """
    size, its_length, its_dimension = texts().shape
    its_classes, its_per_class = len(source.classes), size // len(source.classes)
    manifest, what, classes = source.manifest, "The set of the warm start", problem.corpus.classes
    if its_classes != len(classes):
        raise TextddError(
            f"{what} has {its_classes} classes ({', '.join(source.classes)}), the corpus {len(classes)} "
            f"({', '.join(classes)}). Type: dataset={manifest['dataset']}, or distiller.warm_start=null"
        )
    if source.task != problem.task:
        raise TextddError(
            f"{what} has labels of the kind {source.task.name}, the corpus of {problem.task.name}. "
            f"Type: dataset={manifest['dataset']}, or distiller.warm_start=null"
        )
    if its_dimension != problem.space.dimension:
        embedding = manifest["embedding"]
        raise TextddError(
            f"{what} has word vectors of {its_dimension} numbers, this run of {problem.space.dimension}. Type the "
            f"options that it was made with, embedding={embedding['name']} and its own, or distiller.warm_start=null"
        )
    if its_per_class != problem.per_class:
        raise TextddError(
            f"{what} has {its_per_class} examples per class, this run {problem.per_class}. "
            f"Type: per_class={its_per_class}"
        )
    if its_length != length:
        raise TextddError(
            f"{what} has texts of {its_length} tokens, this run of {length}. Type: distiller.length={its_length}"
        )
    if length % pieces:
        raise TextddError(
            f"{what} has texts of {length} tokens, which distiller.pieces={pieces} does not divide. Type: "
            f"distiller.pieces={source.pieces}"
        )


def take_up(synthetic: SyntheticSet, source: DistilledSet, config: DistillerConfig) -> None:
    """Start from what a set has learned besides its texts.

    These are its labels, its step sizes where they belong to the same optimiser and T, and its attention labels where
    they are of the same heads and rows.

    Its texts are those that `synthetic` was made of. What `synthetic` does not learn stays as its options say.
    """
    same = (source.recipe.optimiser, source.recipe.steps) == (config.inner_optimiser, config.inner_steps)
    synthetic.start_from(source.text_labels, source.step_sizes if same else None)
    if isinstance(source, MatrixSet) and source.attention is not None:
        synthetic.attend_as(source.attention.logits)
