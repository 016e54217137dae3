"""A language model asked as it is, without training: zero-shot, or with examples in its prompt (Brown et al. 2020).

What stands before every text is read once. A model has a liking for some words whatever it reads, so its answers are
also told after two corrections, which know no label:

- *contextual* (Zhao et al. 2021, "Calibrate before use"): each word's log-probability less the one that it has when the
  text is empty.
- *median*: each word's log-probability, as far as it is above that of the other words, less its median over validation
  texts. Of two classes, half of the validation texts get each: it assumes that classes are about equally frequent.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from textdd.errors import TextddError
from textdd.locks import claim
from textdd.progress import track
from textdd.record import write_array
from textdd.spaces.frame import Tokens
from textdd.spaces.reading import Reading
from textdd.spaces.space import Space
from textdd.students.answers import as_added
from textdd.students.causal_lm import CausalLM

BATCH = 32
"""Texts read at a time, all of about one length."""

Example = tuple[tuple[str, ...], int]
"""A text, of one segment or two, and its class."""


class Asked:
    """A language model with a prompt.

    Args:
        module: the model, none of whose layers is learned, and its words.
        space: how it reads texts.
        device: where to compute.
        examples: texts with their classes, shown before every question, in their order.
        longest: most tokens that the model reads; 0 leaves it to who asks.

    Raises:
        TextddError: the examples are longer than what the model can read.
    """

    def __init__(
        self, module: CausalLM, space: Space, device: torch.device, examples: Sequence[Example] = (), longest: int = 0
    ) -> None:
        self.module, self.space, self.device = module.to(device), space, device
        shown = [token for example in examples for token in shown_as(module, space, example)]
        begins = module.prompt.begins
        self.begin = (*module.prompt.before[:begins], *shown, *module.prompt.before[begins:])
        needed = len(self.begin) + space.length + len(module.prompt.after) + len(module.tree.tokens)
        if longest and needed > longest:
            raise TextddError(
                f"{len(examples)} examples, a text and its question have up to {needed} tokens; the model reads at "
                f"most {longest}. Take fewer or shorter texts, or do without examples: model.orders=0"
            )
        self.past = self._read_beginning()

    @torch.no_grad()
    def _read_beginning(self) -> Any:
        if not self.begin:
            return None
        ids = torch.tensor([self.begin], device=self.device)
        return self.module.body.base_model(input_ids=ids, use_cache=True).past_key_values  # type: ignore[operator]

    @torch.no_grad()
    def scores(self, x: Tensor, mask: Tensor) -> Tensor:
        """Log-probabilities of the words (N, C) behind texts as embeddings (N, L, D)."""
        module, first = self.module, len(self.begin)
        table = module.body.get_input_embeddings()  # type: ignore[operator]
        ids = torch.tensor([*module.prompt.after, *module.tree.tokens.tolist()], device=self.device)
        behind = table(ids).to(x.dtype).expand(len(x), -1, -1)
        after = mask.new_ones(len(x), len(module.prompt.after))
        seen, places = module.tree.layout(torch.cat([mask.new_ones(len(x), first), mask, after], dim=1))
        past = copy.deepcopy(self.past)
        if past is not None:
            past.batch_repeat_interleave(len(x))
        answer = module.body(
            inputs_embeds=torch.cat([x, behind], dim=1),
            attention_mask=as_added(seen[:, :, first:], x.dtype),
            position_ids=places[:, first:],
            past_key_values=past,
            use_cache=past is not None,
            logits_to_keep=1 + len(module.tree.tokens),
        )
        return module.tree.scores(answer.logits)

    def of_nothing(self) -> Tensor:
        """Log-probabilities of the words (C,) where the text is empty."""
        x = torch.zeros(1, 1, self.space.dimension, device=self.device)
        return self.scores(x, torch.zeros(1, 1, dtype=torch.bool, device=self.device)).squeeze(0).cpu()

    def answers(self, reading: Reading, cache: Path) -> Tensor:
        """Log-probabilities of the words (n, C) for all texts of a split, kept by all that decides them.

        Args:
            reading: the texts.
            cache: the cache.
        """
        told = repr((self.space.sha256, self.begin, self.module.prompt, reading.length, reading.store.folder.name))
        content = told.encode() + reading.store.folder.parent.name.encode() + reading.rows.tobytes()
        path = cache / "answers" / f"{hashlib.blake2b(content, digest_size=10).hexdigest()}.npy"
        with claim(path, "asking a language model") as ours:
            if ours:
                write_array(path, self._asked(reading).numpy())
        return torch.from_numpy(np.load(path))

    def _asked(self, reading: Reading) -> Tensor:
        order = np.argsort(reading.text_lengths(), kind="stable")
        found = torch.empty(len(reading), len(self.module.prompt.words))
        for start in track(range(0, len(order), BATCH), "asking a language model"):
            rows = order[start : start + BATCH]
            batch = reading.tokens(rows)
            x = self.space.table[batch.ids].to(self.device)
            found[torch.from_numpy(rows)] = self.scores(x, batch.mask.to(self.device)).cpu()
        return found


def shown_as(module: CausalLM, space: Space, example: Example) -> Tokens:
    """An example in the tokens of its prompt, with its answer, and what separates it from the next."""
    segments, label = example
    batch = space.framed([space.encode(pa.array([segment], pa.string())) for segment in segments])
    text = batch.ids[0][batch.mask[0]].tolist()
    prompt = module.prompt
    return (*prompt.before[prompt.begins :], *text, *prompt.after, *prompt.words[label], *prompt.separator)


def contextual(scores: Tensor, of_nothing: Tensor) -> Tensor:
    """Scores (n, C) less what an empty text has (C,)."""
    return scores - of_nothing


def at_median(scores: Tensor, unlabelled: Tensor) -> Tensor:
    """Scores (n, C) less the medians over other texts (m, C), of what each word has above the mean of all."""
    above = unlabelled - unlabelled.mean(1, keepdim=True)
    return scores - above.median(0).values
