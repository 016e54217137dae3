"""What a language model reads before it chooses words: a few real texts of the class."""

from __future__ import annotations

import numpy as np

from textdd.problem import Problem
from textdd.seeds import numpy_generator

EXAMPLES, TOKENS = 4, 40
"""Real texts of the class, and tokens of each."""


def prompts_of(problem: Problem, size: int) -> list[str]:
    """A prompt for each of M texts, of which text m belongs to class m mod C: a line for each example."""
    split, found = problem.corpus.train, []
    for label in range(problem.classes):
        rows = np.flatnonzero(split.strata == label)
        drawn = numpy_generator(problem.seed, "prompt", label).choice(rows, min(EXAMPLES, len(rows)), replace=False)
        lines = [" ".join(problem.space.beginning(part, TOKENS) for part in text) for text in split.texts(drawn)]
        found.append("".join(f"{line}\n" for line in lines))
    return [found[m % problem.classes] for m in range(size)]
