"""Warm starts: distilling that goes on from the set that another run, or another stage of a chain, has left."""

from __future__ import annotations

from textdd.errors import TextddError
from textdd.outer.distiller import DistillerConfig
from textdd.outer.synthetic import SyntheticSet
from textdd.sets.distilled_set import DistilledSet


def check_fits(
    source: DistilledSet, classes: list[str], per_class: int, length: int, pieces: int, dimension: int
) -> None:
    """Check that distilling can start from a set.

    Args:
        source: the set.
        classes: the class names of the corpus; their number counts, so that a set may serve a related corpus.
        per_class: M / C.
        length: L of a distilled text.
        pieces: V that it is cut into.
        dimension: D.

    Raises:
        TextddError: the set has another number of classes or examples, or texts of another shape, or that cannot be
            cut so.
    """
    size, its_length, its_dimension = source.texts().shape
    its_classes, its_per_class = len(source.classes), size // len(source.classes)
    manifest, what = source.manifest, "The set of the warm start"
    if its_classes != len(classes):
        raise TextddError(
            f"{what} has {its_classes} classes ({', '.join(source.classes)}), the corpus {len(classes)} "
            f"({', '.join(classes)}). Type: dataset={manifest['dataset']}, or distiller.warm_start=null"
        )
    if its_dimension != dimension:
        embedding = manifest["embedding"]
        raise TextddError(
            f"{what} has word vectors of {its_dimension} numbers, this run of {dimension}. Type the options that it "
            f"was made with, embedding={embedding['name']} and its own, or distiller.warm_start=null"
        )
    if its_per_class != per_class:
        raise TextddError(
            f"{what} has {its_per_class} examples per class, this run {per_class}. Type: per_class={its_per_class}"
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
    """Start from the labels of a set, and from its step sizes where they belong to the same optimiser and T.

    Its texts are those that `synthetic` was made of. What `synthetic` does not learn stays as its options say.
    """
    same = (source.recipe.optimiser, source.recipe.steps) == (config.inner_optimiser, config.inner_steps)
    synthetic.start_from(source.text_labels, source.step_sizes if same else None)
