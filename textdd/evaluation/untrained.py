"""What a language model reaches without training: the rows beside those of trained students."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from textdd.evaluation.asked import Asked, Example, at_median, contextual
from textdd.evaluation.cost import Cost
from textdd.evaluation.summary import Result, summary
from textdd.problem import Problem
from textdd.seeds import torch_generator
from textdd.spaces.reading import Reading
from textdd.students.bodies import body_of
from textdd.students.causal_lm import CausalLM

NO_CURVE: dict[str, list[float]] = {"steps": [], "mean": [], "std": []}
"""Nothing is trained, so there is no accuracy against training steps."""


def answers_by_words(model: Any) -> bool:
    """Whether a student is a language model that can be asked for the class."""
    return bool(model.name == "causal_lm" and model.answer == "verbaliser")


def zero_shot(problem: Problem, validation: Reading, device: torch.device) -> Result:
    """Score the model as it is: after the contextual correction, and as variants as it is and at the median.

    Args:
        problem: corpus, space and model.
        validation: texts that the median is taken of; their labels are not looked at.
        device: where to compute.
    """
    with Cost() as cost:
        asked = asked_of(problem, device)
        found, nothing = asked.answers(problem.test, problem.cache), asked.of_nothing()
        median = at_median(found, asked.answers(validation, problem.cache))
    variants = {"as it is": scored(problem, [found]), "at the median": scored(problem, [median])}
    return {
        **scored(problem, [contextual(found, nothing)]),
        "variants": variants,
        "transfer": {},
        "bytes": 0,
        "seconds": cost.seconds,
        "peak_memory_bytes": cost.peak_memory_bytes,
    }


def in_context(
    problem: Problem, sets: Sequence[Sequence[Example]], device: torch.device, seed: int
) -> dict[str, Result]:
    """Score sets of texts as examples in the prompt, in several orders: corrected by what an empty text has, and not.

    Args:
        problem: corpus, space and model, whose options say how many orders.
        sets: texts with their classes; several sets are taken in turn.
        device: where to compute.
        seed: decides the orders.

    Raises:
        TextddError: a set is longer than what the model can read.
    """
    corrected, raw = [], []
    for order in range(problem.model.orders):
        examples = sets[order % len(sets)]
        places = torch.randperm(len(examples), generator=torch_generator(seed, "examples", order)).tolist()
        asked = asked_of(problem, device, [examples[place] for place in places])
        raw.append(asked.answers(problem.test, problem.cache))
        corrected.append(contextual(raw[-1], asked.of_nothing()))
    return {"in context": scored(problem, corrected), "in context, as it is": scored(problem, raw)}


def asked_of(problem: Problem, device: torch.device, examples: Sequence[Example] = ()) -> Asked:
    """The model of a problem, whatever of it is learned elsewhere, with examples in its prompt."""
    frozen = CausalLM(replace(problem.model, tuning="head"), problem.space.dimension, problem.classes)
    checkpoint, _ = body_of(problem.model)
    return Asked(frozen, problem.space, device, examples, checkpoint.longest)


def scored(problem: Problem, answers: Sequence[Tensor]) -> Result:
    """The measures of what was answered (n, C) once or several times on the test texts."""
    targets = torch.from_numpy(problem.test.labels)
    found = [problem.task.scores(own, targets) for own in answers]
    scores = {name: torch.tensor([one[name] for one in found]) for name in problem.task.measures}
    return {**summary(scores), "curve": NO_CURVE}
