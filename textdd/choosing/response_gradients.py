"""Gradients of responses in closed form: in which direction each pair of a prompt and a response pulls a writer.

The gradient is that with respect to a linear map R (H, H) of the last hidden state that begins as the identity, just
below the model's output W (V, H). For a response of tokens t, with states h_t and e_t the predicted less the true
distribution,

    g = mean over t of d_t h_t^T,    d_t = W^T e_t.

Gradients (H, H) of thousands of pairs are never stored, nor are distributions (V,): an inner product of two pairs is
the mean over their tokens of (d_t . d_s) (h_t . h_s), and that of a pair with a given matrix G the mean of d_t^T G h_t.
After Xia et al. (2024), *LESS*, who project gradients of adapters at random; these are exact, of one place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from textdd.progress import track
from textdd.seeds import derive, numpy_generator
from textdd.sets.training_set import real_set, train_students
from textdd.spaces.reading import Reader, Reading
from textdd.students.language_body import MOST_LOGITS
from textdd.students.writer import FlatWriter
from textdd.training import Recipe

BATCH = 32
"""Pairs that are read at a time, all of about one length."""

WARM_UP, PAIRS = Recipe("adam", 20, 4, "shuffled", 3e-3), 50
"""How a writer is trained before gradients are compared, and on how many random pairs: at first all of them say no more
than in which form responses are written."""


@dataclass(frozen=True)
class Gradients:
    """Factors of the gradients of n pairs, token by token.

    Attributes:
        errors: d_t, each divided by the tokens of its response (R, H).
        states: h_t (R, H).
        owners: the pair of each token (R,), ascending.
        size: n.
    """

    errors: Tensor
    states: Tensor
    owners: Tensor
    size: int

    def mean(self) -> Tensor:
        """The mean gradient (H, H)."""
        return self.errors.t() @ self.states / self.size

    def along(self, direction: Tensor) -> Tensor:
        """Inner products (n,) with a matrix (H, H)."""
        return self._by_pair(((self.errors @ direction) * self.states).sum(1))

    def beside(self, pair: int) -> Tensor:
        """Inner products (n,) with the gradient of one of them."""
        own = self.owners == pair
        products = (self.errors @ self.errors[own].t()) * (self.states @ self.states[own].t())
        return self._by_pair(products.sum(1))

    def squares(self) -> Tensor:
        """Squared lengths (n,)."""
        ends = torch.bincount(self.owners, minlength=self.size).tolist()
        parts = zip(self.errors.split(ends), self.states.split(ends), strict=True)
        return torch.stack([((d @ d.t()) * (h @ h.t())).sum() for d, h in parts])

    def _by_pair(self, values: Tensor) -> Tensor:
        return values.new_zeros(self.size).index_add_(0, self.owners, values)


def warm_writer(train: Reading, reader: Reader, seed: int) -> Tensor:
    """Parameters (P,) of a writer that was trained for a moment on random pairs."""
    rows = numpy_generator(seed, "warm-up").choice(len(train), min(PAIRS, len(train)), replace=False)
    recipe = WARM_UP.for_parts(reader.student.scales)
    ((theta,),) = train_students(
        reader.student, [real_set(train, rows, reader)], recipe, [derive(seed, "warm-up")], [recipe.steps]
    )
    return theta


@torch.no_grad()
def gradients_of(theta: Tensor, train: Reading, rows: np.ndarray, reader: Reader, what: str) -> Gradients:
    """Read pairs and take the factors of their gradients.

    Args:
        theta: parameters of the writer (P,).
        train: the training pairs.
        rows: which of them (n,).
        reader: turns them into what the writer reads.
        what: a word for the progress bar.
    """
    student = reader.student
    assert isinstance(student, FlatWriter)
    order, found = np.argsort(train.text_lengths()[rows], kind="stable"), []
    for start in track(range(0, len(rows), BATCH), what):
        places = order[start : start + BATCH]
        batch = reader.embed(train.tokens(rows[places]))
        predicted = student.predicted(theta, batch.x, batch.mask, batch.labels)
        errors = pulled(student, predicted.states, predicted.tokens).cpu()
        counts = torch.bincount(predicted.owners, minlength=len(places)).cpu()
        owners = torch.from_numpy(places)[predicted.owners.cpu()]
        found.append((errors / counts[predicted.owners.cpu()].unsqueeze(1), predicted.states.cpu(), owners))
    errors, states, owners = (torch.cat(part) for part in zip(*found, strict=True))
    by_pair = owners.argsort(stable=True)
    return Gradients(errors[by_pair], states[by_pair], owners[by_pair], len(rows))


def pulled(student: FlatWriter, states: Tensor, tokens: Tensor) -> Tensor:
    """D (R, H) of R predicted tokens, a part at a time: what each state would have to lose."""
    weight, most = student.module.head.weight, max(1, MOST_LOGITS // student.module.vocabulary)
    found = []
    for h, wanted in zip(states.split(most), tokens.split(most), strict=True):
        predicted = F.softmax(student.module.head(h), dim=-1)
        found.append(predicted @ weight - weight[wanted])
    return torch.cat(found)
