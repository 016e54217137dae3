"""Tuning a writer to a corpus: adapters learn to go on with lines of a class, and texts are then written with them.

DiLM (Maekawa et al., 2024, section 3.1) begins so. Here the model stays frozen beneath adapters of low rank, and is
taught by prompts of the very form that it will be given, each of which holds several texts of one class.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.functional import cross_entropy

from textdd.allowed import Number, Whole
from textdd.locks import claim
from textdd.progress import Bar
from textdd.record import write_tensors
from textdd.seeds import derive
from textdd.spaces.language_model import LanguageModel
from textdd.students.adapters import Adapters


@dataclass
class TuneConfig:
    """How a language model is tuned before it writes.

    Attributes:
        steps: of training, each on a prompt of one class; 0 leaves the model as it is.
        matching: steps, after those, in which texts that the model has written are made likelier if they teach a
            classifier what real texts teach (gradient matching, DiLM); 0 leaves that out.
        drafts: texts of each class that are written for it.
        drafts_together: of these, in a step.
        rank: R of the adapters.
        step_size: of AdamW, falling to zero.
    """

    steps: Annotated[int, Whole(0, 1_000_000, usual=120)] = 0
    matching: Annotated[int, Whole(0, 1_000_000, usual=200)] = 0
    drafts: Annotated[int, Whole(2, 1_000_000)] = 256
    drafts_together: Annotated[int, Whole(2, 10_000)] = 16
    rank: Annotated[int, Whole(1, 1024)] = 8
    step_size: Annotated[float, Number(0, 1, "(]")] = 1e-3


def tuned(base: LanguageModel, prompts: Sequence[tuple[str, int]], config: TuneConfig, cache: Path) -> LanguageModel:
    """A copy of a language model that has learned from prompts, or that of an earlier run from the cache.

    Args:
        base: the model.
        prompts: one for each step: its words, and how many of its signs come before the first text.
        config: how it is tuned.
        cache: where adapters are kept.
    """
    asked = repr((base.sha256, list(prompts), config.steps, config.rank, config.step_size))
    key = hashlib.blake2b(asked.encode(), digest_size=16).hexdigest()
    return adapted(base, config, "tuning", key, cache, lambda fresh, seed: learn(base, fresh, seed, prompts, config))


def adapted(
    base: LanguageModel,
    config: TuneConfig,
    purpose: str,
    key: str,
    cache: Path,
    teach: Callable[[Adapters, int], object],
) -> LanguageModel:
    """A copy of a language model with adapters that were taught now, or by an earlier run.

    Args:
        base: the model.
        config: their rank.
        purpose: what they are taught for.
        key: identifies all that decides what they learn.
        cache: where they are kept.
        teach: trains fresh adapters, given a seed.
    """
    adapters = Adapters(base.model.base_model, config.rank, base.path).to(base.device)  # type: ignore[arg-type]
    path = cache / f"{key}.safetensors"
    with claim(path, f"{purpose} {base.name}") as ours:
        if ours:
            teach(adapters, derive(0, purpose, key))
            write_tensors(path, {name: value.detach().cpu() for name, value in adapters.named_parameters()}, {})
    adapters.load_state_dict(load_file(path))
    return merged(base, adapters, f"{base.sha256} {purpose} {key}")


@torch.no_grad()
def merged(base: LanguageModel, adapters: Adapters, sha256: str) -> LanguageModel:
    """A copy of a language model with the weights that adapters make; it shares none with the base, which others read.

    Args:
        base: the model.
        adapters: what is added.
        sha256: identifies the copy.
    """
    model = copy.deepcopy(base.model)
    prefix = model.base_model_prefix
    for name, weight in adapters.weights(base.model.base_model).items():  # type: ignore[arg-type]
        model.get_parameter(f"{prefix}.{name}").copy_(weight)
    return LanguageModel(base.path, model, base.tokeniser, sha256)


def learn(
    base: LanguageModel, adapters: Adapters, seed: int, prompts: Sequence[tuple[str, int]], config: TuneConfig
) -> list[float]:
    """Train adapters, and return the loss of every step, in nats a token."""
    return descended(
        adapters,
        seed,
        len(prompts),
        config.step_size,
        lambda step: loss_of(base, adapters, *prompts[step]),
        f"tuning {base.name}, loss of a token",
    )


def descended(
    adapters: Adapters, seed: int, steps: int, step_size: float, loss_at: Callable[[int], Tensor], what: str
) -> list[float]:
    """Train fresh adapters by AdamW, whose step size falls to zero, and return the loss of every step.

    Args:
        adapters: are drawn afresh.
        seed: decides how.
        steps: how many.
        step_size: the first.
        loss_at: the loss of a step.
        what: is done, for the progress bar, which shows the loss behind it.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        adapters.redraw()
    optimiser = torch.optim.AdamW(adapters.parameters(), lr=step_size)
    bar, losses = Bar(what, steps), list[float]()
    try:
        for step in range(steps):
            for group in optimiser.param_groups:
                group["lr"] = step_size * (1 - step / steps)
            loss = loss_at(step)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(float(loss.detach()))
            bar.update(step + 1, f"{losses[-1]:.3f}")
    finally:
        bar.close()
    return losses


def loss_of(base: LanguageModel, adapters: Adapters, words: str, header: int) -> Tensor:
    """Mean loss of the tokens of a prompt's texts, in nats.

    Args:
        base: the frozen model.
        adapters: what is added to it.
        words: the prompt.
        header: how many of its signs come before the first text; what they are made of is given, and not learned.
    """
    encoded = base.tokeniser(words, return_tensors="pt", return_offsets_mapping=True)
    ids = encoded["input_ids"][:, : base.context].to(base.device)  # (1, L)
    taught = encoded["offset_mapping"][0, : base.context, 1].to(base.device) > header
    with adapters.on(base.model.base_model):  # type: ignore[arg-type]
        logits: Tensor = base.model(input_ids=ids, use_cache=False).logits[0, :-1]  # (L - 1, V)
    return cross_entropy(logits.float()[taught[1:]], ids[0, 1:][taught[1:]])
