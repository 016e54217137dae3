"""Teaching: what a writer learns of a corpus before it writes, from prompts like those that it is then given."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from textdd.choosing.encoders import encoders_of
from textdd.choosing.ridge import unit
from textdd.errors import TextddError
from textdd.outer.materials import Materials
from textdd.problem import Problem
from textdd.spaces.language_model import LanguageModel
from textdd.writing.drafts import drafts
from textdd.writing.filters import sifted
from textdd.writing.matching import Line, Told, matched
from textdd.writing.prompts import BULLET, line_of, prompts_of
from textdd.writing.sampling import Sampler
from textdd.writing.tuning import TuneConfig, tuned
from textdd.writing.writer import BATCH, Manner

MATCHED = 2000
"""Real texts whose gradients are matched."""


class Asked(NamedTuple):
    """What a writer is asked for.

    Attributes:
        template: of its prompts.
        examples: real texts in each.
        manner: how it writes.
        encoders: pretrained encoders that texts are compared by, besides the student's own features.
        layers: how many of their last layers.
    """

    template: str
    examples: int
    manner: Manner
    encoders: tuple[str, ...]
    layers: int


def taught(config: TuneConfig, writer: Sampler, asked: Asked, materials: Materials) -> Sampler:
    """The writer after all that its model is to learn.

    Raises:
        TextddError: nothing is left of what it wrote in between.
    """
    if config.steps:
        writer = Sampler(tuned_to(config, writer, asked, materials.problem))
    return Sampler(matched_to(config, writer, asked, materials)) if config.matching else writer


def tuned_to(config: TuneConfig, writer: Sampler, asked: Asked, problem: Problem) -> LanguageModel:
    """The language model after it has learned from prompts of all classes in turn."""
    size = BATCH * -(-config.steps // problem.classes)  # of each class, as many texts as that many prompts ask for
    prompts = prompts_of(asked.template, asked.examples, size, asked.manner.longest, problem, writer, purpose="tuning")
    lessons = [(prompt.words, prompt.header) for prompt in prompts[: config.steps]]
    return tuned(writer.language_model, lessons, config, problem.cache / "tuned")


def matched_to(config: TuneConfig, writer: Sampler, asked: Asked, materials: Materials) -> LanguageModel:
    """The language model after texts that teach what real ones teach have become likelier.

    Raises:
        TextddError: nothing is left of what it wrote.
    """
    problem, task = materials.problem, materials.problem.task
    prompts = prompts_of(
        asked.template, asked.examples, config.drafts, asked.manner.longest, problem, writer, purpose="matching"
    )
    replies = drafts(writer, prompts, asked.manner, problem.seed, problem.cache / "written")
    sieve = sifted(prompts, replies, config.drafts, problem, None, 0)
    if not sieve.kept:
        raise TextddError(
            f"Nothing is left of {sum(sieve.counts().values())} drafts whose gradients were to be matched. "
            "Type: distiller.tune.matching=0"
        )
    encoder, real = encoders_of(asked.encoders, asked.layers, materials)[0], problem.corpus.train.sample(MATCHED)
    seen = encoder.views(real.texts(np.arange(len(real))), problem.cache)[0]
    middle = seen.mean(0)
    written = unit(encoder.views(sieve.texts(), problem.cache)[0], middle)
    targets = torch.from_numpy(np.stack([candidate.prompt.target for candidate in sieve.kept]))
    strata = torch.tensor([candidate.prompt.label for candidate in sieve.kept])
    labels = task.as_labels(torch.from_numpy(real.targets)).float()
    lines = [
        Line(f"{prompt.words[: prompt.header].rstrip()}\n{BULLET}", f" {line_of(text)}")
        for prompt, text in zip((candidate.prompt for candidate in sieve.kept), sieve.texts(), strict=True)
    ]
    return matched(
        writer.language_model,
        lines,
        Told(written, task.as_labels(targets).float(), strata),
        Told(unit(seen, middle), labels, torch.from_numpy(real.strata)),
        task,
        config,
        problem.cache / "tuned",
    )
