"""Bilevel selection: real texts chosen so that a student trained on them has the least loss on many others.

Borsos et al., *Coresets via bilevel optimization* (2020), choose with kernels in place of the student; here the student
is kernel ridge regression on the features of several encoders at once, the outer loss the task's own under the best
temperature, and the search goes by swaps that have to prove themselves on texts they were not found with. The choice
that does best on validation is kept.

Where targets are texts there is no such student, and pairs are chosen by their gradients (textdd/choosing/pairs.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from textdd.allowed import Chosen, OneOf, Whole
from textdd.choosing.method import TextMethodConfig
from textdd.choosing.pool import FORMS, Pool, joined, real_pool, trimmed
from textdd.outer.materials import Materials


@dataclass
class BilevelSelectionConfig(TextMethodConfig):
    """Options of bilevel selection.

    Attributes:
        form: `whole` texts of the corpus; `joined`: as many of a class behind one another as `tokens` allow;
            `trimmed`: the first `tokens` of each.
        tokens: most tokens of a text that is joined or trimmed.
    """

    name: Annotated[str, Chosen("distiller")] = "bilevel_selection"
    form: Annotated[str, OneOf(*FORMS)] = "whole"
    tokens: Annotated[int, Whole(1, 512)] = 48


def candidates(config: BilevelSelectionConfig, materials: Materials) -> Pool:
    """The texts to choose from.

    Raises:
        TextddError: pairs are to be joined or trimmed.
    """
    problem = materials.problem
    pool = real_pool(problem, config.pool)
    if config.form == "joined":
        return joined(pool, problem.space, config.tokens, problem.seed)
    return trimmed(pool, problem.space, config.tokens) if config.form == "trimmed" else pool
