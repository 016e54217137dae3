"""A text as the target: a prompt and the response that is to be written after it.

What a student is taught is y (N, L): at every place of a response the token that stands there, at all others IGNORED.
A token is predicted at the place before its own, so the last token of the prompt predicts the first of the response,
and the end of the text, which the model writes to stop, is one of the response's own tokens. The loss is the mean
negative log-likelihood of all response tokens of a batch (Radford et al. 2019; Ouyang et al. 2022, supervised part).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Never

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torchmetrics import Metric

from textdd.errors import TextddError
from textdd.tasks.task import Task

IGNORED = -100
"""What y has where no token is predicted: at prompts and behind the end."""


class Predicted(NamedTuple):
    """The R tokens of N responses.

    Attributes:
        states: what the place before each token has, (R, ...).
        tokens: the tokens (R,), int64.
        owners: the response that each belongs to (R,), int64.
    """

    states: Tensor
    tokens: Tensor
    owners: Tensor


def predicted(states: Tensor, y: Tensor) -> Predicted:
    """Pick the places that predict something.

    Args:
        states: what every place has (N, L, ...): logits (N, L, V) or hidden states (N, L, H).
        y: what is taught (N, L).
    """
    wanted = y[:, 1:].long()
    there = wanted >= 0
    owners = torch.arange(len(y), device=y.device).unsqueeze(1).expand_as(wanted)
    return Predicted(states[:, :-1][there], wanted[there], owners[there])


@dataclass(frozen=True)
class Generation(Task):
    """Every text is a prompt and has a response; there are no classes, and C is one."""

    name: ClassVar[str] = "generation"
    measures: ClassVar[tuple[str, ...]] = (
        "response_loss",
        "perplexity",
        "bleu",
        "chrf",
        "rouge_l",
        "distinct_1",
        "distinct_2",
    )
    higher_is_better: ClassVar[bool] = False

    def as_labels(self, targets: Tensor) -> Tensor:
        """Zeros (N, 1): a pair has no label."""
        return targets.new_zeros(len(targets), 1, dtype=torch.int64)

    def hardened(self, y: Tensor) -> Tensor:
        """The same: there are no shades."""
        return y

    def members(self, targets: Tensor) -> Tensor:
        """All of the one class (N, 1), bool."""
        return targets.new_ones(len(targets), 1, dtype=torch.bool)

    def wanted(self, labels: Tensor, ids: Tensor, second: Tensor | None) -> Tensor:
        """The tokens of the responses, at their places (N, L)."""
        assert second is not None, "a response is the second segment of its text"
        return torch.where(second, ids, IGNORED)

    def taught(self, y: Tensor, targets: Tensor, like: Tensor) -> Tensor:
        """The tokens of the responses (N, L), int64."""
        return targets.to(like.device)

    def label_bytes(self, targets: np.ndarray) -> int:
        """None: responses are counted as texts."""
        return 0

    def loss(self, logits: Tensor, wanted: Tensor) -> Tensor:
        """Mean negative log-likelihood of the tokens y (N, L) under logits (N, L, V)."""
        found = predicted(logits, wanted)
        return F.cross_entropy(found.states, found.tokens)

    def inner_loss(self, logits: Tensor, y: Tensor) -> Tensor:
        """The same; of K students, (K, N, L, V), the sum of their means."""
        logits = logits.float() if logits.dtype.itemsize < 4 else logits
        if logits.dim() == 3:
            return self.loss(logits, y)
        own = y if y.dim() == 3 else y.expand(len(logits), *y.shape)
        return torch.stack([self.loss(one, wanted) for one, wanted in zip(logits, own, strict=True)]).sum()

    def probabilities(self, logits: Tensor) -> Tensor:
        """How likely each token is (..., V)."""
        return logits.softmax(dim=-1)

    def start_logits(self, y: Tensor, confidence: float) -> Never:
        """Texts are no labels.

        Raises:
            TypeError: always.
        """
        raise TypeError("responses are texts; no logits of labels are learned")

    def logits_of(self, y: Tensor) -> Never:
        """As `start_logits`.

        Raises:
            TypeError: always.
        """
        raise TypeError("responses are texts; no logits of labels are learned")

    def check_metric(self) -> Metric:
        """As `start_logits`: sets are chosen among texts, and none is looked at while it is learned.

        Raises:
            TypeError: always.
        """
        raise TypeError("responses are texts; no set of them is learned by steps")

    def scores(self, logits: Tensor, targets: Tensor, rule: Tensor | None = None) -> dict[str, float]:
        """The loss of logits (N, L, V), and its exponential; what a student writes is scored beside them."""
        del rule
        loss = self.loss(logits, targets)
        return {"response_loss": float(loss), "perplexity": float(loss.exp())}


def refuse_responses(task: Task, what: str) -> None:
    """Refuse what only sets of classes and labels can be put to.

    Args:
        task: of the corpus.
        what: is not done, in words.

    Raises:
        TextddError: the targets are texts.
    """
    if isinstance(task, Generation):
        raise TextddError(
            f"Sets of prompts and responses are not {what}: that is about classes and labels. Allowed for them are "
            "textdd run, evaluate, quality and export. Type: textdd evaluate artifact=PATH model=causal_lm "
            "model.path=FOLDER"
        )
