"""The language model that is to learn: opened once, checked, and what its students have in common."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from textdd.errors import TextddError
from textdd.spaces.language_model import LEARNS, LanguageModel, load_language_model
from textdd.students.answers import Tree, as_added
from textdd.students.body import Embodied, Tuned

ADAPTERS = 0.3
"""Step size of adapters, as a multiple of a small network's."""

LAYERS = 0.03
"""Step size of layers that are learned as a whole, as a multiple of a small network's."""

MOST_LOGITS = 30_000_000
"""Numbers that the logits of texts read at a time may have: a vocabulary is large."""

WHICH = (
    "Which language model? Give its folder, its id on the hub, or a GGUF file. "
    "Type for instance: model.path=HuggingFaceTB/SmolLM2-135M"
)


class LanguageBody(Embodied):
    """A student whose body is a language model.

    Args:
        loaded: the model; nothing of it is changed.
        config: what is learned of it, as for every body.
        dimension: D, of the model's own table.
        width: of the features.
        classes: C.

    Raises:
        TextddError: the model has fewer layers, or the embeddings are those of another space.
    """

    def __init__(self, loaded: LanguageModel, config: Tuned, dimension: int, width: int, classes: int) -> None:
        super().__init__(loaded, config, dimension, width, classes)
        self._original = (loaded.model,)  # no part of this module, which may learn one of its own
        dtype = next(loaded.model.parameters()).dtype
        self.precision = dtype if dtype.itemsize < 4 else None  # others may read in double precision just now

    @property
    def base(self) -> nn.Module:
        """The body without its output."""
        base: nn.Module = self.body.base_model  # type: ignore[assignment]
        return base

    def original(self, like: Tensor) -> Any:
        """The model as it was before anything was learned, where `like` is and in its precision, or in its own half."""
        return self._original[0].to(like.device, self.precision or like.dtype)

    def follow(self, device: torch.device, dtype: torch.dtype) -> None:
        """Take all to a device and, but for a body that keeps its half precision, into a precision."""
        self.to(device, dtype)
        if self.precision is not None:
            self.body.to(self.precision)

    @property
    def learned_scale(self) -> float:
        """The step size of what is learned below a head, as a multiple of a small network's."""
        return LAYERS if self.adapters is None else ADAPTERS

    @property
    def vocabulary(self) -> int:
        """V of the logits."""
        return int(self.body.get_output_embeddings().weight.shape[0])  # type: ignore[operator]

    @property
    def weights(self) -> int:
        """Numbers that every token is multiplied with."""
        named = self.body.named_parameters()
        return sum(p.numel() for name, p in named if "embed" not in name and "wte" not in name)

    def adapted(self, part: nn.Module, **given: Any) -> Any:
        """What the body, or the part of it below its own head, makes of what it is given, with adapters if any."""
        with self.hung():
            return part(**given)


def opened(path: str | None, dtype: str = "float32") -> LanguageModel:
    """The language model that is to learn, loaded once.

    Args:
        path: its folder, its id on the hub, or a GGUF file.
        dtype: of its weights.

    Raises:
        TextddError: none is named, it cannot be loaded, or attention in it cannot be told who sees whom.
    """
    if path is None:
        raise TextddError(WHICH)
    loaded = load_language_model(path, LEARNS, dtype)
    check_attention(loaded)
    return loaded


@lru_cache(maxsize=2)
@torch.no_grad()
def check_attention(loaded: LanguageModel) -> None:
    """Check that a model reads around gaps, and from embeddings, as it reads tokens: not all kinds of models can.

    Raises:
        TextddError: it cannot.
    """
    ids, there = torch.tensor([[1, 2, 3]]), torch.tensor([[True, False, True, True]])
    x = loaded.table[ids[:, [0, 0, 1, 2]]]
    seen, places = Tree.of([]).layout(there)
    given = {"attention_mask": as_added(seen, x.dtype), "position_ids": places, "use_cache": False}
    try:
        found = loaded.model(inputs_embeds=x, **given).logits
        wanted = loaded.model(input_ids=ids).logits
        near = 1e-3 if next(loaded.model.parameters()).dtype == torch.float32 else 0.1
        same = torch.allclose(found[:, -1], wanted[:, -1], rtol=near, atol=near)
    except (RuntimeError, TypeError, ValueError):
        same = False
    if not same:
        raise TextddError(
            f"Got {loaded.path}, a {type(loaded.model).__name__}, whose attention cannot be told which tokens to pass "
            "over. Take one of the kind of Llama, Qwen or GPT-2. Type for instance: "
            "model.path=HuggingFaceTB/SmolLM2-135M"
        )
