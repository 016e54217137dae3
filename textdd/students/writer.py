"""A language model that writes: what its texts hold besides prompts is learned token by token.

Its features are the hidden states of all places, and its head is the model's own output, which is never learned. The
whole of a mini-batch's logits (N, L, V) would be large, so only those of response tokens are made, a part at a time
where nothing is differentiated.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from textdd.students.answers import Tree, as_added
from textdd.students.causal_lm import CausalLMConfig
from textdd.students.language_body import MOST_LOGITS, LanguageBody, opened
from textdd.tasks.generation import Generation, Predicted, predicted
from textdd.training.student import FlatStudent
from textdd.training.work import Work


class Writer(LanguageBody):
    """A language model with adapters, or with layers that are learned.

    Args:
        config: which model, and what of it is learned.
        dimension: D, of the model's own table.
        classes: one.

    Raises:
        TextddError: there is no such model, it has fewer layers, or the embeddings are those of another space.
    """

    def __init__(self, config: CausalLMConfig, dimension: int, classes: int) -> None:
        loaded = opened(config.path, config.dtype)
        super().__init__(loaded, config, dimension, loaded.config.hidden_size, classes)
        self.head = self.body.get_output_embeddings()  # type: ignore[operator]
        self.step_scale = self.learned_scale * config.body_step
        self.end = int(loaded.tokeniser.eos_token_id)

    def read(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """The hidden state of every place (N, L, H), of embeddings (N, L, D)."""
        states: Tensor = self.adapted(self.base, **placed(x, mask)).last_hidden_state
        return states

    @torch.no_grad()
    def compared(self, x: Tensor, mask: Tensor, wanted: Tensor) -> Tensor:
        """What pairs are compared by (N, H): the mean of the states that predict the response, before any learning."""
        found = predicted(self.original(x).base_model(**placed(x, mask)).last_hidden_state, wanted)
        sums = found.states.new_zeros(len(x), found.states.shape[-1]).index_add_(0, found.owners, found.states)
        return sums / torch.bincount(found.owners, minlength=len(x)).unsqueeze(1)

    def redraw_head(self) -> None:
        """The head is the model's own, and stays."""

    def work(self) -> Work:
        """Matrix products of the body for every token."""
        return self.work_of(self.weights)


def placed(x: Tensor, mask: Tensor | None) -> dict[str, Any]:
    """What a body is given of texts (N, L, D) that stand at their own places: embeddings, who sees whom, and where."""
    mask = x.new_ones(x.shape[:2], dtype=torch.bool) if mask is None else mask.bool()
    seen, places = Tree.of([]).layout(mask)
    return {
        "inputs_embeds": x,
        "attention_mask": as_added(seen, x.dtype),
        "position_ids": places,
        "use_cache": False,
    }


class FlatWriter(FlatStudent):
    """A writer as a pure function of what is learned of it.

    Args:
        module: the writer.
    """

    module: Writer

    def __init__(self, module: Writer) -> None:
        super().__init__(module, Generation(1))

    def compared(self, x: Tensor, mask: Tensor, wanted: Tensor) -> Tensor:
        """As `Writer.compared`."""
        return self.module.compared(x, mask, wanted)

    def features(self, theta: Tensor, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Hidden states (N, L, H) of every place, which is why all texts of a batch stay equally long."""
        self._follow(x)
        return self._features(theta, x, mask)

    def predicted(self, theta: Tensor, x: Tensor, mask: Tensor | None, y: Tensor) -> Predicted:
        """The hidden states from which the response tokens y (N, L) of texts x (N, L, D) are predicted (R, H)."""
        if mask is not None:  # a mini-batch of a set need not be read to the end of the longest text of the set
            longest = int(mask.any(0).nonzero()[-1]) + 1
            x, mask, y = x[:, :longest], mask[:, :longest], y[:, :longest]
        return predicted(self.features(theta, x, mask), y)

    def inner_loss(
        self, theta: Tensor, x: Tensor, y: Tensor, mask: Tensor | None = None, attention: Tensor | None = None
    ) -> Tensor:
        """Mean negative log-likelihood of the response tokens y (N, L); of K students, (K, P), the sum of theirs."""
        assert attention is None, "responses have no attention labels"
        if theta.dim() == 2:
            own = x.dim() == 4
            parts = (
                (x[k], y[k], None if mask is None else mask[k]) if own else (x, y, mask) for k in range(len(theta))
            )
            return torch.stack([self.inner_loss(one, *part) for one, part in zip(theta, parts, strict=True)]).sum()
        found = self.predicted(theta, x, mask, y)
        return F.cross_entropy(self.head(theta, found.states), found.tokens)

    @torch.no_grad()
    def surprisals(self, theta: Tensor, x: Tensor, mask: Tensor | None, y: Tensor) -> tuple[Tensor, Tensor]:
        """Of each text the sum of its response's negative log-likelihoods, and its number of tokens, both (N,)."""
        found = self.predicted(theta, x, mask, y)
        most = max(1, MOST_LOGITS // self.module.vocabulary)
        parts = zip(found.states.split(most), found.tokens.split(most), strict=True)
        each = torch.cat([F.cross_entropy(self.head(theta, h), tokens, reduction="none") for h, tokens in parts])
        sums = each.new_zeros(len(x)).index_add_(0, found.owners, each)
        return sums, torch.bincount(found.owners, minlength=len(x))


class Decoding(nn.Module):
    """Greedy decoding, as a module, so that `functional_call` can give it the parameters of a student.

    Args:
        writer: the language model.
    """

    def __init__(self, writer: Writer) -> None:
        super().__init__()
        self.writer = writer

    @torch.no_grad()
    def forward(self, x: Tensor, mask: Tensor, most: int) -> Tensor:
        """Write the likeliest token again and again.

        Args:
            x: prompts as embeddings (N, L, D), filled up on the left, so that all end together.
            mask: true at tokens (N, L).
            most: tokens to write, the sign of the end among them.

        Returns:
            Tokens (N, W), W at most `most`; behind the end of a text there is nothing but its sign.
        """
        writer, ended = self.writer, x.new_zeros(len(x), dtype=torch.bool)
        table: nn.Module = writer.body.get_input_embeddings()  # type: ignore[operator]
        given, seen, past = x, mask.long(), None
        written: list[Tensor] = []
        while len(written) < most and not bool(ended.all()):
            places = (seen.cumsum(1) - 1).clamp_min(0)[:, -given.shape[1] :]
            found = writer.adapted(
                writer.body,
                inputs_embeds=given,
                attention_mask=seen,
                position_ids=places,
                past_key_values=past,
                use_cache=True,
                logits_to_keep=1,
            )
            past, token = found.past_key_values, found.logits[:, -1].argmax(1)
            token = torch.where(ended, writer.end, token)
            written.append(token)
            ended |= token == writer.end
            given = table(token).unsqueeze(1).to(x.dtype)
            seen = torch.cat([seen, seen.new_ones(len(x), 1)], dim=1)
        return torch.stack(written, dim=1)


def decoded(student: FlatWriter, theta: Tensor, x: Tensor, mask: Tensor, most: int) -> Tensor:
    """What a student with parameters theta (P,) writes after prompts; arguments and result as for `Decoding`."""
    parameters = {f"writer.{name}": parameter for name, parameter in student.unflatten(theta).items()}
    found: Tensor = torch.func.functional_call(Decoding(student.module), parameters, (x, mask, most))
    return found
