"""The matrices that are projected: which sets are such, and what fits a problem."""

from __future__ import annotations

from textdd.errors import TextddError
from textdd.outer.start.warm_start import check_fits
from textdd.problem import Problem
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.matrices import MatrixSet


def matrices_for(source: DistilledSet | None, problem: Problem) -> MatrixSet:
    """Check that a set can be projected for a problem.

    Raises:
        TextddError: it is none of matrices, of another space, or has another number of classes or texts.
    """
    if not isinstance(source, MatrixSet):
        raise TextddError(
            "The set of the warm start is one of texts already; matrices are turned into words. "
            "Type: distiller=label_distillation to learn its labels, or distiller.warm_start=ARTEFACT of matrices"
        )
    check_fits(source, source.texts, problem, source.texts().shape[1], 1)
    own = source.manifest.get("space", {}).get("sha256", problem.space.sha256)
    if own != problem.space.sha256:
        raise TextddError(
            f"The set of the warm start is of matrices in the space {source.manifest['space']['name']!r} of other "
            f"vectors than those of this run, {problem.space.name!r}; there they are near to other words. Type the "
            f"options that it was made with: dataset={source.manifest['dataset']} "
            f"embedding={source.manifest['embedding']['name']} seed={source.manifest['seed']} and their own"
        )
    return source
