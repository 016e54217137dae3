"""Generate: texts that a language model writes to a few real ones of a class, sifted, and then chosen as real ones are.

DiLM (Maekawa et al., 2024) and CondenseLM (Shen et al., 2025) both end in a choice from many more texts than are
needed; here that choice is the search of `bilevel_selection`. Origins say which texts of a set were written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
import torch

from textdd.allowed import Chosen, Name, Number, Place, Text, Whole
from textdd.choosing.method import TextMethodConfig
from textdd.choosing.pool import Pool, real_pool
from textdd.errors import TextddError
from textdd.outer.materials import Materials
from textdd.outer.teacher import train_teacher
from textdd.problem import Problem
from textdd.spaces.language_model import load_language_model
from textdd.writing.drafts import drafts
from textdd.writing.endpoint import Endpoint, checked_address
from textdd.writing.filters import check_left, sifted
from textdd.writing.prompts import PROMPT, Prompt, check_template, longest_of, prompts_of
from textdd.writing.sampling import Sampler
from textdd.writing.teaching import Asked, taught
from textdd.writing.tuning import TuneConfig
from textdd.writing.writer import Manner, Writer

OVERSAMPLED, LEAST = 20, 200
"""Texts that are written for each that is to be picked, and how many of a class at least."""


@dataclass
class GenerateConfig(TextMethodConfig):
    r"""Options of generate.

    Attributes:
        language_model: who writes: the folder of a causal language model, a GGUF file, or an id on the hub.
        endpoint: or the address of a server of OpenAI's completions protocol, such as http://localhost:8000/v1. What is
            sent there is said; the key is taken from the environment variable OPENAI_API_KEY.
        endpoint_model: which of the server's models; null leaves the choice to it.
        requests: to the server at a time.
        written: texts of each class that are written; 0 takes 20 for each that is to be picked, 200 at least.
        examples: real texts in a prompt; 0 shows none.
        prompt: with `{class}` and `{examples}`, and `\n` for a new line.
        temperature: what the logits are divided by.
        top_p: texts are made of the likeliest tokens alone that together have this probability.
        longest: most tokens of a written text and of an example; 0 takes what 95 of 100 real texts need.
        agreement: share of the real texts of a class whose label a teacher finds less likely than that of a text
            that is kept; 0 asks no teacher.
        with_real: whether real texts are candidates as well.
        tune: how the language model is tuned to the corpus before it writes.
    """

    name: Annotated[str, Chosen("distiller")] = "generate"
    language_model: Place | None = None
    endpoint: Annotated[str, Text("an address")] | None = None
    endpoint_model: Name | None = None
    requests: Annotated[int, Whole(1, 256)] = 8
    written: Annotated[int, Whole(0, 1_000_000)] = 0
    examples: Annotated[int, Whole(0, 1000)] = 8
    prompt: Annotated[str, Text("a text", 10_000)] = PROMPT
    temperature: Annotated[float, Number(0.01, 100)] = 1.0
    top_p: Annotated[float, Number(0, 1, "(]")] = 0.95
    longest: Annotated[int, Whole(0, 100_000)] = 0
    agreement: Annotated[float, Number(0, 1, "[)")] = 0.25
    with_real: bool = False
    tune: TuneConfig = field(default_factory=TuneConfig)

    def check(self) -> None:
        """Check that there is one who writes, and a prompt that tells classes apart."""
        if (self.language_model is None) == (self.endpoint is None):
            both = "both of them" if self.endpoint else "neither distiller.language_model nor distiller.endpoint"
            raise TextddError(
                f"Who is to write? Got {both}; one is needed. "
                "Type for instance: distiller.language_model=HuggingFaceTB/SmolLM2-135M"
            )
        if self.endpoint is not None:
            checked_address(self.endpoint)
        check_template(self.prompt, self.examples)
        for name in ("steps", "matching"):
            if getattr(self.tune, name) and (self.endpoint is not None or not self.examples):
                why = "a server's model" if self.endpoint else "a model by prompts without examples"
                asked = f"distiller.tune.{name}"
                raise TextddError(f"Got {asked}={getattr(self.tune, name)}; {why} cannot be tuned. Type: {asked}=0")


def candidates(config: GenerateConfig, materials: Materials) -> Pool:
    """The texts to choose from.

    Raises:
        TextddError: the language model cannot be had, or a class has too few texts after the filters.
    """
    problem, writer = materials.problem, writer_of(config)
    if isinstance(writer, Sampler):
        asked = Asked(
            config.prompt, config.examples, manner_of(config, writer, problem), tuple(config.encoders), config.layers
        )
        writer = taught(config.tune, writer, asked, materials)
    prompts, manner = prompts_for(config, writer, problem)
    per_class = written_of(config, problem)
    replies = drafts(writer, prompts, manner, problem.seed, problem.cache / "written")
    teacher = train_teacher(materials, problem.seed)[0] if config.agreement else None
    sieve = sifted(prompts, replies, per_class, problem, teacher, config.agreement)
    check_left(sieve, problem.per_class, per_class, manner.longest, problem)
    texts = sieve.texts()
    pool = Pool(
        texts,
        torch.from_numpy(np.stack([candidate.prompt.target for candidate in sieve.kept])),
        np.array([candidate.prompt.label for candidate in sieve.kept]),
        ["written"] * len(texts),
        {"drafts": sieve.counts()},
    )
    return together(pool, real_pool(problem, config.pool)) if config.with_real else pool


def written_of(config: GenerateConfig, problem: Problem) -> int:
    """How many texts of each class are written."""
    return config.written or max(LEAST, OVERSAMPLED * problem.per_class)


def manner_of(config: GenerateConfig, writer: Writer, problem: Problem) -> Manner:
    """How texts are written."""
    return Manner(config.temperature, config.top_p, config.longest or longest_of(problem, writer))


def prompts_for(config: GenerateConfig, writer: Writer, problem: Problem) -> tuple[list[Prompt], Manner]:
    """All prompts, and how texts are written to them; arguments and errors as for `prompts_of`."""
    manner, size = manner_of(config, writer, problem), written_of(config, problem)
    return prompts_of(config.prompt, config.examples, size, manner.longest, problem, writer), manner


def writer_of(config: GenerateConfig) -> Writer:
    """Who writes.

    Raises:
        TextddError: the language model cannot be loaded.
    """
    if config.endpoint is not None:
        return Endpoint(checked_address(config.endpoint), config.endpoint_model, config.requests)
    assert config.language_model is not None
    return Sampler(load_language_model(config.language_model))


def together(one: Pool, other: Pool) -> Pool:
    """All candidates of two pools."""
    return Pool(
        one.texts + other.texts,
        torch.cat([one.targets, other.targets]),
        np.concatenate([one.strata, other.strata]),
        one.origins + other.origins,
        {**one.facts, **other.facts},
    )
