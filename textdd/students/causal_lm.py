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
from textdd.errors import TextddError
from textdd.spaces.language_model import LanguageModel
from textdd.spaces.prompt import SINGLE, check_template, prompt_of
from textdd.students.adapters import Adapters
from textdd.students.answers import Tree, as_added
from textdd.students.language_body import WHICH, opened, own_copy
from textdd.students.pretrained import HEAD, HEAD_ALONE, SPREAD, is_in
from textdd.training.student import Read, Student
from textdd.training.work import Weights, Work

TUNING = Text(
    "lora:R for adapters of rank R, head, full, or top:K for the last K layers",
    pattern=r"head|full|(top|lora):[1-9]\d{0,3}",
)
ADAPTERS = 0.3
"""Step size of adapters, as a multiple of a small network's."""

LAYERS = 0.03
"""Step size of layers that are learned as a whole, as a multiple of a small network's."""

MOST_LOGITS = 30_000_000
"""Numbers that the logits of texts read at a time may have: a vocabulary is large."""


@dataclass
class CausalLMConfig:
    """Options of a language model that learns.

    Attributes:
        name: the choice `model=causal_lm`.
        path: folder of the model, its id on the hub, or a GGUF file.
        answer: what says the class: a `verbaliser`, whose words stand for the classes, or a fresh `head` on the last
            token.
        template: what the text stands in, with {text}, of pairs also {second}; null takes a plain one.
        words: what the model answers for each class, in their order; null takes the names of the classes.
        tuning: what is learned: `lora:R` for adapters of rank R, `top:K` for the last K layers, `full` for all of them,
            `head` for nothing below the head. A head is learned with each; that of a verbaliser, which weighs its
            words' scores, with `head` alone.
        orders: in how many orders texts are also tried as examples in the prompt, without training.
        body_step: step size of adapters or layers, as a multiple of what suits most models.
    """

    name: Annotated[str, Chosen("model")] = "causal_lm"
    path: Place | None = None
    answer: Annotated[str, OneOf("verbaliser", "head")] = "verbaliser"
    template: Annotated[str, Text("a text with {text} in it")] | None = None
    words: Annotated[list[str], ListOf(Text("a word"), least=2)] | None = None
    tuning: Annotated[str, TUNING] = "lora:8"
    orders: Annotated[int, Whole(0, 100)] = 3
    body_step: Annotated[float, Number(1e-6, 1e4)] = 1.0

    def check(self) -> None:
        """Check what needs neither a model nor a corpus.

        Raises:
            TextddError: no model is named, or the template has no place for a text.
        """
        if self.path is None:
            raise TextddError(WHICH)
        if self.template is not None:
            check_template(self.template, pair="{second}" in self.template)


class CausalLM(Student):
    """A language model, a prompt, and what answers.

    Args:
        config: which model, how it is asked, and what of it is learned.
        dimension: D, of the model's own table.
        classes: C.

    Raises:
        TextddError: there is no such model, it has fewer layers, it cannot be asked so, or the embeddings are those of
            another space.
    """

    beside = "loop"  # what holds for one body holds for few of K

    def __init__(self, config: CausalLMConfig, dimension: int, classes: int) -> None:
        loaded = opened(config.path)
        verbaliser = config.answer == "verbaliser"
        if verbaliser and len(config.words or ()) != classes:
            raise TextddError(
                f"Got model.words={config.words or 'null'} for {classes} classes. Allowed: a word for each. "
                f"Type: model.words=[{','.join(f'word{i + 1}' for i in range(min(classes, 4)))}]"
            )
        super().__init__(classes if verbaliser else loaded.config.hidden_size, classes)
        if dimension != loaded.table.shape[1]:
            raise TextddError(
                f"{config.path} reads vectors of {loaded.table.shape[1]} numbers, the texts have {dimension}: they "
                "are in another space. A set of matrices made in one space cannot be read in another; distil for this "
                "student, or make a set of texts, which every student reads"
            )
        words = (config.words or []) if verbaliser else []
        self.prompt = prompt_of(loaded.tokeniser, config.template or SINGLE, words)
        self.tree, self.verbaliser = Tree.of(self.prompt.words), verbaliser
        self.body: nn.Module = loaded.model
        self._original = (loaded.model,)  # no part of this module, which may learn one of its own
        self.adapters: Adapters | None = None
        self.pretrained: dict[str, Tensor] = {}  # what learned layers start from
        self.reads_once = config.tuning == "head"
        if self.reads_once:
            self.step_scale = 1.0 if verbaliser else HEAD_ALONE
            return
        scale, part = LAYERS, "body."
        if config.tuning.startswith("lora:"):
            rank = int(config.tuning.removeprefix("lora:"))
            self.adapters = Adapters(loaded.model.base_model, rank, loaded.path)  # type: ignore[arg-type]
            scale, part = ADAPTERS, "adapters."
        else:
            self._learn_layers(config, loaded)
        if verbaliser:
            self.head.requires_grad_(False)
            self._redraw_head()
            self.step_scale = scale * config.body_step
        else:
            self.step_scale, self.part_scales = HEAD, {part: scale * config.body_step / HEAD}

    def _learn_layers(self, config: CausalLMConfig, loaded: LanguageModel) -> None:
        """Take a copy of the body, whose last layers are learned."""
        layers = loaded.layers()
        count = len(layers) if config.tuning == "full" else int(config.tuning.removeprefix("top:"))
        if count > len(layers):
            raise TextddError(
                f"Got model.tuning={config.tuning}; {config.path} has {len(layers)} layers. "
                f"Type: model.tuning=top:{len(layers)}"
            )
        self.body = own_copy(loaded.model)
        for name, parameter in self.body.named_parameters():
            parameter.requires_grad_(is_in(name, loaded.model, layers, len(layers) - count))
        self.pretrained = {n: p.detach().clone() for n, p in self.body.named_parameters() if p.requires_grad}

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
            found = self._adapted(self.body, **given, logits_to_keep=1 + len(self.tree.tokens))
            scores.append(self.tree.scores(found.logits))
        return torch.cat(scores)

    @torch.no_grad()
    def compared(self, x: Tensor, mask: Tensor) -> Tensor:
        """What texts (N, L, D) are compared by: the hidden state (N, H) that the model had before it learned."""
        original = self._original[0].to(x.device, x.dtype)
        states: Tensor = original.base_model(**self._prompted(x, mask, Tree.of([]))).last_hidden_state  # type: ignore[operator]
        return states[:, -1]

    def hidden(self, x: Tensor, mask: Tensor) -> Tensor:
        """The hidden state (N, H) of the prompt's last token, which the answer follows."""
        body: nn.Module = self.body.base_model  # type: ignore[assignment]
        states: Tensor = self._adapted(body, **self._prompted(x, mask, Tree.of([]))).last_hidden_state
        return states[:, -1]

    def _adapted(self, part: nn.Module, **given: Any) -> Any:
        """What the body, or the part of it below its own head, makes of what it is given, with adapters if any."""
        if self.adapters is None:
            return part(**given)
        weights = self.adapters.weights(self.body.base_model)  # type: ignore[arg-type]
        prefix = f"{self.body.base_model_prefix}." if part is self.body else ""
        named = {f"{prefix}{name}": weight for name, weight in weights.items()}
        return torch.func.functional_call(part, named, (), given)

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

    @property
    def vocabulary(self) -> int:
        """V of the logits."""
        return int(self.body.get_output_embeddings().weight.shape[0])  # type: ignore[operator]

    def below(self, x: Tensor, mask: Tensor | None = None) -> Read:
        """What the frozen body makes of each text (N, 1, width) where no layer is learned; else the texts."""
        return (x, mask) if not self.reads_once else (self.read(x, mask).unsqueeze(1), None)

    def features(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Scores of the words or a hidden state (N, width), of what `below` gave."""
        return x.squeeze(1) if self.reads_once else self.read(x, mask)

    def redraw(self) -> None:
        """The pretrained weights, and a fresh head, or one that takes the scores of words as they are."""
        with torch.no_grad():
            for name, value in self.pretrained.items():
                self.body.get_parameter(name).copy_(value)
        if self.adapters is not None:
            self.adapters.redraw()
        self._redraw_head()

    def _redraw_head(self) -> None:
        if self.verbaliser:
            nn.init.eye_(self.head.weight)
        else:
            nn.init.normal_(self.head.weight, std=SPREAD)
        nn.init.zeros_(self.head.bias)

    def train(self, mode: bool = True) -> CausalLM:
        """Switch to training as torch does, but for the body's dropout: students are functions of theta."""
        super().train(mode)
        self.body.eval()
        return self

    def work(self) -> Work:
        """Matrix products of the body for every token, those of the prompt among them."""
        body = sum(p.numel() for name, p in self.body.named_parameters() if "embed" not in name and "wte" not in name)
        around = len(self.prompt.before) + len(self.prompt.after) + len(self.tree.tokens)
        learned = sum(p.numel() for p in self.parameters() if p.requires_grad)

        def per_token(step: float, weight: float) -> Weights:
            return Weights(step, weight * body * around, weight * body)

        read, learn = per_token(100.0, 4.2e-6), per_token(300.0, 8e-6)
        if not self.reads_once:
            return Work(
                per_token(1000 + 0.0038 * learned, 3.4e-5), per_token(500 + 0.002 * learned, 1.1e-5), read, learn
            )
        return Work(
            differentiated=Weights(250 + 0.01 * learned, 0.3),
            plain=Weights(80 + 0.005 * learned, 0.1),
            read=Weights(20.0, 0.05),
            learn=Weights(60.0, 0.1),
            below=read,
            below_learn=learn,
        )
