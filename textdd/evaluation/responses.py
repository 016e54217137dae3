"""What students write: the loss of held-out responses, and greedy decoding beside all references of a prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import numpy as np
import torch
from torch import Tensor

from textdd.allowed import Count, Whole
from textdd.corpora.corpus import Split
from textdd.evaluation.text_measures import text_measures
from textdd.problem import Problem
from textdd.progress import track
from textdd.seeds import numpy_generator
from textdd.sets.responder import responses_to
from textdd.spaces.reading import Reader, Reading
from textdd.students.writer import FlatWriter
from textdd.tasks import Scores

BATCH = 32
"""Pairs that are read at a time."""


@dataclass
class WritingConfig:
    """How sets of prompts and responses are compared.

    Attributes:
        prompts: test prompts of which the loss is read, on one response each; always the same ones.
        decoded: how many of these are answered, for BLEU, chrF, ROUGE-L and distinct n-grams.
        tokens: most tokens of an answer.
        full: training pairs that stand for the full data, always the same ones; a small model learns from one or two a
            second on one core.
    """

    prompts: Count = 200
    decoded: Count = 50
    tokens: Annotated[int, Whole(1, 512)] = 64
    full: Count = 1000


class Held(NamedTuple):
    """Test prompts.

    Attributes:
        reading: one pair of each prompt.
        prompts: the prompts (n,).
        references: all responses of each (n,).
    """

    reading: Reading
    prompts: list[str]
    references: list[list[str]]


def held_out(problem: Problem, count: int) -> Held:
    """Draw some prompts of the test split, always the same ones, with one of their responses each and all references.

    Args:
        problem: has the test split.
        count: how many; all where there are no more.
    """
    return drawn(problem.corpus.test, problem.test, count)


def drawn(split: Split, reading: Reading, count: int) -> Held:
    """As `held_out`, of any split and its reading."""
    by_prompt: dict[str, list[int]] = {}
    texts = split.texts(np.arange(len(split)))
    for row, (prompt, _) in enumerate(texts):
        by_prompt.setdefault(prompt, []).append(row)
    prompts, generator = list(by_prompt), numpy_generator(0, "prompts")
    places = generator.permutation(len(prompts))[:count]
    chosen = [prompts[place] for place in places]
    rows = np.array([generator.choice(by_prompt[prompt]) for prompt in chosen])
    return Held(reading.at(rows), chosen, [[texts[row][1] for row in by_prompt[prompt]] for prompt in chosen])


@torch.no_grad()
def response_losses(thetas: Sequence[Tensor], reading: Reading, reader: Reader, what: str = "") -> Tensor:
    """Mean negative log-likelihood (K,) of all response tokens of a split, under K students.

    Args:
        thetas: K parameter vectors (P,).
        reading: the pairs.
        reader: turns them into what the students read.
        what: a word for the progress bar; none is shown without.
    """
    student = reader.student
    assert isinstance(student, FlatWriter)
    order = np.argsort(reading.lengths(), kind="stable")
    starts = range(0, len(order), BATCH)
    sums, tokens = torch.zeros(len(thetas), dtype=torch.float64), 0
    for start in track(starts, what) if what else starts:
        batch = reader(reading.batch(order[start : start + BATCH]))
        for place, theta in enumerate(thetas):
            found, counts = student.surprisals(theta, batch.x, batch.mask, batch.labels)
            sums[place] += found.double().sum().cpu()
        tokens += int(counts.sum())
    return sums / tokens


def losses_as_scores(losses: Tensor) -> Scores:
    """Losses (K,) and their exponentials."""
    return {"response_loss": losses.float(), "perplexity": losses.exp().float()}


def written_scores(
    thetas: Sequence[Tensor], held: Held, reader: Reader, config: WritingConfig
) -> tuple[Scores, list[str]]:
    """All measures of K students on held-out prompts, and what the first of them wrote.

    Args:
        thetas: K parameter vectors (P,).
        held: the prompts.
        reader: turns them into what the students read.
        config: how many are answered, and how long.
    """
    scores = dict(losses_as_scores(response_losses(thetas, held.reading, reader, "reading test responses")))
    prompts, references = held.prompts[: config.decoded], held.references[: config.decoded]
    written = [responses_to(theta, prompts, reader, config.tokens, "writing responses") for theta in thetas]
    found = [text_measures(one, references) for one in written]
    scores |= {name: torch.tensor([one[name] for one in found]) for name in found[0]}
    return scores, written[0]
