"""A decoder-only language model of `transformers` as a student: a text in a prompt, and the class as what follows.

Embeddings take the place of the text's words (`inputs_embeds`) between those of the template, so distilled texts are
matrices in the model's own space. The class is the likeliest of some words (a verbaliser, Schick & Schütze 2021), or
what a fresh linear head makes of the last token's hidden state. The body is one for all students and frozen, but for
what `tuning` says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import torch
from torch import Tensor, nn

from textdd.allowed import Chosen, ListOf, Number, OneOf, Place, Text, Whole
from textdd.corpora.responses import RESPONSE
from textdd.errors import TextddError
from textdd.spaces.prompt import SINGLE, check_template, prompt_of
from textdd.students.answers import Tree, as_added
from textdd.students.body import BODY, HEAD, HEAD_ALONE
from textdd.students.language_body import MOST_LOGITS, WHICH, LanguageBody, opened
from textdd.training.work import Work

TUNING = Text(
    "lora:R for adapters of rank R, head, full, or top:K for the last K layers",
    pattern=r"head|full|(top|lora):[1-9]\d{0,3}",
)


@dataclass
class CausalLMConfig:
    """Options of a language model that learns.

    Attributes:
        name: the choice `model=causal_lm`.
        path: folder of the model, its id on the hub, or a GGUF file.
        answer: what says the class: a `verbaliser`, whose words stand for the classes, or a fresh `head` on the last
            token. A `response`, which the model writes, where the targets of the corpus are texts.
        template: what the text stands in, with {text}, of pairs also {second}, and before a response {response} at its
            end; null takes a plain one.
        words: what the model answers for each class, in their order; null takes the names of the classes.
        tuning: what is learned: `lora:R` for adapters of rank R, `top:K` for the last K layers, `full` for all of them,
            `head` for nothing below the head. A head is learned with each; that of a verbaliser, which weighs its
            words' scores, with `head` alone.
        dtype: of the weights that are not learned: `float32`, or `bfloat16`, which takes half of the memory and goes
            with adapters or a head.
        orders: in how many orders texts are also tried as examples in the prompt, without training.
        body_step: step size of adapters or layers, as a multiple of what suits most models.
        checkpointing: keep no activations of the model's layers for a gradient, which makes them again: a third (6
            layers) to an eighth (30 layers) of the memory, and half as much time again. It saves nothing in layers that
            learn, or have adapters, where their training is itself differentiated (`meta_gradient`), and is left out
            there; where a trained student reads texts that judge it, in the evaluation, and under a head it saves as
            much as anywhere.
    """

    name: Annotated[str, Chosen("model")] = "causal_lm"
    path: Place | None = None
    answer: Annotated[str, OneOf("verbaliser", "head", RESPONSE)] = "verbaliser"
    template: Annotated[str, Text("a text with {text} in it")] | None = None
    words: Annotated[list[str], ListOf(Text("a word"), least=2)] | None = None
    tuning: Annotated[str, TUNING] = "lora:8"
    dtype: Annotated[str, OneOf("float32", "bfloat16")] = "float32"
    orders: Annotated[int, Whole(0, 100)] = 3
    body_step: Annotated[float, Number(1e-6, 1e4)] = 1.0
    checkpointing: bool = False

    def check(self) -> None:
        """Check what needs neither a model nor a corpus.

        Raises:
            TextddError: no model is named, or the template has no place for a text.
        """
        if self.path is None:
            raise TextddError(WHICH)
        if self.dtype != "float32" and not (self.tuning == "head" or self.tuning.startswith("lora:")):
            raise TextddError(
                f"Got model.dtype={self.dtype} and model.tuning={self.tuning}: layers that learn are float32. "
                "Type: model.tuning=lora:8"
            )
        if self.template is not None and "{response}" not in self.template:
            check_template(self.template, pair="{second}" in self.template)


class CausalLM(LanguageBody):
    """A language model, a prompt, and what answers.

    Args:
        config: which model, how it is asked, and what of it is learned.
        dimension: D, of the model's own table.
        classes: C.

    Raises:
        TextddError: there is no such model, it has fewer layers, it cannot be asked so, or the embeddings are those of
            another space.
    """

    def __init__(self, config: CausalLMConfig, dimension: int, classes: int) -> None:
        loaded = opened(config.path, config.dtype)
        verbaliser = config.answer == "verbaliser"
        if verbaliser and len(config.words or ()) != classes:
            raise TextddError(
                f"Got model.words={config.words or 'null'} for {classes} classes. Allowed: a word for each. "
                f"Type: model.words=[{','.join(f'word{i + 1}' for i in range(min(classes, 4)))}]"
            )
        width = classes if verbaliser else loaded.config.hidden_size
        super().__init__(loaded, config, dimension, width, classes)
        words = (config.words or []) if verbaliser else []
        self.prompt = prompt_of(loaded.tokeniser, config.template or SINGLE, words)
        self.tree, self.verbaliser = Tree.of(self.prompt.words), verbaliser
        if self.reads_once:
            self.step_scale = 1.0 if verbaliser else HEAD_ALONE
            return
        scale, part = self.learned_scale * config.body_step, BODY if self.adapters is None else "adapters."
        if verbaliser:
            self.head.requires_grad_(False)
            self.redraw_head()
            self.step_scale = scale
        else:
            self.step_scale, self.part_scales = HEAD, {part: scale / HEAD}

    @property
    def reads(self) -> str:
        """Identifies what the body makes of a text, besides its weights."""
        return f" {'words' if self.verbaliser else 'state'} {self.prompt}"

    def read(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Scores of the words (N, C), or the last token's hidden state (N, H), of texts as embeddings (N, L, D)."""
        mask = x.new_ones(x.shape[:2], dtype=torch.bool) if mask is None else mask.bool()
        if not self.verbaliser:
            return self.hidden(x, mask)
        most = max(1, MOST_LOGITS // ((1 + len(self.tree.tokens)) * self.vocabulary))
        scores = []
        for part, own in zip(x.split(most), mask.split(most), strict=True):
            given = self._prompted(part, own, self.tree)
            found = self.adapted(self.body, **given, logits_to_keep=1 + len(self.tree.tokens))
            scores.append(self.tree.scores(found.logits))
        return torch.cat(scores)

    @torch.no_grad()
    def compared(self, x: Tensor, mask: Tensor) -> Tensor:
        """What texts (N, L, D) are compared by: the hidden state (N, H) that the model had before it learned."""
        states: Tensor = self.original(x).base_model(**self._prompted(x, mask, Tree.of([]))).last_hidden_state
        return states[:, -1]

    def hidden(self, x: Tensor, mask: Tensor) -> Tensor:
        """The hidden state (N, H) of the prompt's last token, which the answer follows."""
        states: Tensor = self.adapted(self.base, **self._prompted(x, mask, Tree.of([]))).last_hidden_state
        return states[:, -1]

    def _prompted(self, x: Tensor, mask: Tensor, tree: Tree) -> dict[str, Any]:
        """What the body is given: texts (N, L, D) between the embeddings of the prompt, and the nodes of a tree."""
        table: nn.Module = self.body.get_input_embeddings()  # type: ignore[operator]
        ids = [*self.prompt.before], [*self.prompt.after], tree.tokens.tolist()
        around = [table(torch.tensor(part, dtype=torch.int64, device=x.device)).to(x.dtype) for part in ids]
        before, after, nodes = (part.expand(len(x), -1, -1) for part in around)
        trunk = torch.cat([mask.new_ones(before.shape[:2]), mask, mask.new_ones(after.shape[:2])], dim=1)
        seen, places = tree.layout(trunk)
        return {
            "inputs_embeds": torch.cat([before, x, after, nodes], dim=1),
            "attention_mask": as_added(seen, x.dtype),
            "position_ids": places,
            "use_cache": False,
        }

    def redraw_head(self) -> None:
        """A fresh head, or one that takes the scores of words as they are."""
        if not self.verbaliser:
            super().redraw_head()
            return
        nn.init.eye_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def work(self) -> Work:
        """Matrix products of the body for every token, those of the prompt among them."""
        return self.work_of(self.weights, len(self.prompt.before) + len(self.prompt.after) + len(self.tree.tokens))
