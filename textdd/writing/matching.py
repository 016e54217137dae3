"""Matching: a writer is tuned so that the texts that it finds likely teach what real texts teach (DiLM).

Maekawa et al. (2024, section 3.2). A text that was written is no function of the writer's weights, but how likely it is
is one. Of texts i of a class, written beforehand, with mean losses l_i of a token,

    w = softmax(-l),    G = Σ w_i (p_i - y_i) h_iᵀ

is the gradient that a linear head on frozen features h gets from them, and has to point where the gradient of real
texts of the class points: the loss is 1 - cos(G, G_real). Both are products of matrices, of which w alone is
differentiated; the head is trained on real texts between the steps, and begins afresh now and then.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity, cross_entropy

from textdd.seeds import torch_generator
from textdd.spaces.language_model import LanguageModel
from textdd.students.adapters import Adapters
from textdd.tasks import Task
from textdd.writing.tuning import TuneConfig, adapted, descended

REAL, LESSONS, LESSON, STEP_SIZE, AFRESH = 200, 10, 64, 1.0, 20
"""Real texts of a step; steps of the head between two of the writer, their texts and step size, on features of length
one; and steps of the writer after which the head begins afresh."""


class Line(NamedTuple):
    """A text that was written.

    Attributes:
        before: what it is the end of.
        line: the text, as a line.
    """

    before: str
    line: str


@dataclass(frozen=True)
class Told:
    """Texts as the head sees them.

    Attributes:
        features: of length one (n, F).
        labels: (n, C).
        strata: the class by which each is counted (n,).
    """

    features: Tensor
    labels: Tensor
    strata: Tensor


def matched(
    base: LanguageModel, lines: list[Line], written: Told, real: Told, task: Task, config: TuneConfig, cache: Path
) -> LanguageModel:
    """A copy of a language model that finds those texts likely that teach, or that of an earlier run from the cache.

    Args:
        base: the model that wrote the lines.
        lines: n texts.
        written: the same.
        real: real texts.
        task: tells what the head learns.
        config: how the model is tuned.
        cache: where adapters are kept.
    """
    parts = (written.features, written.labels, real.features, real.labels)
    told = hashlib.blake2b(repr((base.sha256, lines, config)).encode(), digest_size=16)
    for part in parts:
        told.update(part.contiguous().numpy().tobytes())

    def teach(adapters: Adapters, seed: int) -> list[float]:
        return match(base, adapters, seed, lines, written, real, task, config)

    return adapted(base, config, "matching", told.hexdigest(), cache, teach)


def match(
    base: LanguageModel, adapters: Adapters, seed: int, lines: list[Line], written: Told, real: Told, task: Task,
    config: TuneConfig,
) -> list[float]:  # fmt: skip
    """Train adapters, and return the loss of every step."""
    classes = [label for label in range(task.classes) if (written.strata == label).any()]
    head = torch.zeros(0)

    def loss_at(step: int) -> Tensor:
        nonlocal head
        generator = torch_generator(seed, "step", step)
        if step % AFRESH == 0:
            head = 0.1 * torch.randn(task.classes, real.features.shape[1], generator=generator)
        head = taught(head, real, task, generator)
        label = classes[step % len(classes)]
        rows = drawn(written.strata == label, config.drafts_together, generator)
        goal = drawn(real.strata == label, REAL, generator)
        likely = (-losses_of(base, adapters, [lines[i] for i in rows.tolist()])).softmax(0).cpu()
        made = head_gradient(head, written.features[rows], written.labels[rows], likely, task)
        wanted = head_gradient(head, real.features[goal], real.labels[goal], torch.full(goal.shape, 1.0), task)
        return 1 - cosine_similarity(made.flatten(), wanted.flatten(), dim=0)

    what = f"matching gradients with {base.name}, 1 - cosine"
    return descended(adapters, seed, config.matching, config.step_size, loss_at, what)


def head_gradient(head: Tensor, features: Tensor, labels: Tensor, weights: Tensor, task: Task) -> Tensor:
    """The gradient (C, F) of the weighted loss of a linear head (C, F), in closed form.

    For softmax with cross-entropy and for sigmoids alike it is Σ w_i (p_i - y_i) h_iᵀ.
    """
    errors = task.probabilities(features @ head.t()) - labels
    return (weights.unsqueeze(1) * errors).t() @ features


def taught(head: Tensor, real: Told, task: Task, generator: torch.Generator) -> Tensor:
    """The head (C, F) after some steps of gradient descent on real texts."""
    for _ in range(LESSONS):
        rows = torch.randint(len(real.features), (LESSON,), generator=generator)
        some = torch.full((LESSON,), 1 / LESSON)
        head = head - STEP_SIZE * head_gradient(head, real.features[rows], real.labels[rows], some, task)
    return head


def drawn(members: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Some rows for which `members` (n,) is true, all where there are no more."""
    rows = torch.nonzero(members).squeeze(1)
    return rows[torch.randperm(len(rows), generator=generator)[:count]]


def losses_of(base: LanguageModel, adapters: Adapters, lines: list[Line]) -> Tensor:
    """Mean loss of the tokens of each line (n,), in nats, where all that comes before it is given."""
    words = [f"{one.before}{one.line}\n" for one in lines]
    encoded = [base.tokeniser(text, return_offsets_mapping=True) for text in words]
    longest = min(base.context, max(len(one["input_ids"]) for one in encoded))
    ids, mask, counted = (torch.zeros(len(lines), longest, dtype=torch.int64) for _ in range(3))
    for row, (one, line) in enumerate(zip(encoded, lines, strict=True)):
        size = min(longest, len(one["input_ids"]))
        ids[row, :size], mask[row, :size] = torch.tensor(one["input_ids"][:size]), 1
        counted[row, :size] = torch.tensor([end > len(line.before) for _, end in one["offset_mapping"][:size]]).long()
    ids, mask, counted = (part.to(base.device) for part in (ids, mask, counted))
    with adapters.on(base.model.base_model):  # type: ignore[arg-type]
        found = base.model(input_ids=ids, attention_mask=mask, use_cache=False)
    logits = found.logits[:, :-1].float()  # (n, L - 1, V)
    each = cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="none").view(len(lines), -1)
    return (each * counted[:, 1:]).sum(1) / counted[:, 1:].sum(1)
