"""Sampling from a language model on this machine: many lines to one prompt, which is read once."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from textdd.seeds import torch_generator
from textdd.spaces.language_model import LanguageModel
from textdd.writing.writer import BATCH, Draft, Manner, Reply

LIKELIEST = 256
"""Tokens that are looked at first; more where these do not have the probability that is asked for."""


class Sampler:
    """Writes with a language model.

    Args:
        language_model: the model.
    """

    address: str | None = None

    def __init__(self, language_model: LanguageModel) -> None:
        self.language_model = language_model
        self.key = f"weights {language_model.sha256}"
        self.what = language_model.name
        self.context: int | None = language_model.context

    def counts(self, texts: list[str]) -> list[int]:
        """As for every writer."""
        return self.language_model.counts(texts)

    def write(self, prompt: str, seed: int, manner: Manner) -> Reply:
        """As for every writer."""
        ours = self.language_model
        ids = ours.tokeniser(prompt, return_tensors="pt")["input_ids"].to(ours.device)
        rows = sample(ours.model, ids, BATCH, ours.ends_line, manner, torch_generator(seed, device=ours.device))
        drafts = []
        for row in rows:
            finished = bool(ours.ends_line[row[-1]])
            line = ours.tokeniser.decode(row, skip_special_tokens=True).split("\n", 1)[0].strip()
            drafts.append(Draft(line, finished))
        return Reply(drafts, ids.shape[1], sum(map(len, rows)))


@torch.inference_mode()
def sample(
    model: Any, prompt: Tensor, count: int, ends: Tensor, manner: Manner, generator: torch.Generator
) -> list[list[int]]:
    """Token numbers of some lines that go on with a prompt, each with the token that ends it if it came to an end.

    Args:
        model: the language model.
        prompt: its token numbers (1, L).
        count: how many lines.
        ends: which tokens end a line (V,), bool; none is drawn first.
        manner: how lines are written.
        generator: draws, on the model's device.
    """
    found: list[list[int]] = [[] for _ in range(count)]
    given = model(input_ids=prompt, use_cache=True, logits_to_keep=1)
    cache = given.past_key_values
    cache.batch_repeat_interleave(count)
    logits = given.logits[:, -1].masked_fill(ends, -torch.inf).repeat(count, 1)
    open_rows = list(range(count))
    for _ in range(manner.longest):
        drawn = draw(logits, manner, generator)
        for row, token in zip(open_rows, drawn.flatten().tolist(), strict=True):
            found[row].append(token)
        going = torch.nonzero(~ends[drawn.flatten()]).flatten()
        if not len(going):
            break
        if len(going) < len(open_rows):  # finished lines take no more time
            cache.batch_select_indices(going)
            open_rows, drawn = [open_rows[i] for i in going.tolist()], drawn[going]
        given = model(input_ids=drawn, past_key_values=cache, use_cache=True)
        logits = given.logits[:, -1]
    return found


def draw(logits: Tensor, manner: Manner, generator: torch.Generator) -> Tensor:
    """Draw a token for each row of logits (N, V), from the likeliest alone: (N, 1)."""
    probabilities = (logits.float() / manner.temperature).softmax(-1)
    size, every = LIKELIEST, probabilities.shape[-1]
    while True:
        likeliest, tokens = probabilities.topk(min(size, every))
        if size >= every or bool((likeliest.sum(-1) >= manner.top_p).all()):
            break
        size *= 8
    beyond = likeliest.cumsum(-1) - likeliest >= manner.top_p  # never of the first
    return tokens.gather(-1, torch.multinomial(likeliest.masked_fill(beyond, 0), 1, generator=generator))
