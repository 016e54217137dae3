"""The language model that is to learn: opened once, and checked."""

from __future__ import annotations

from functools import lru_cache

import torch

from textdd.errors import TextddError
from textdd.spaces.language_model import LEARNS, LanguageModel, load_language_model
from textdd.students.answers import Tree, as_added

WHICH = (
    "Which language model? Give its folder, its id on the hub, or a GGUF file. "
    "Type for instance: model.path=HuggingFaceTB/SmolLM2-135M"
)


def opened(path: str | None) -> LanguageModel:
    """The language model that is to learn, loaded once.

    Raises:
        TextddError: none is named, it cannot be loaded, or attention in it cannot be told who sees whom.
    """
    if path is None:
        raise TextddError(WHICH)
    loaded = load_language_model(path, LEARNS)
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
        same = torch.allclose(found[:, -1], wanted[:, -1], rtol=1e-3, atol=1e-3)
    except (RuntimeError, TypeError, ValueError):
        same = False
    if not same:
        raise TextddError(
            f"Got {loaded.path}, a {type(loaded.model).__name__}, whose attention cannot be told which tokens to pass "
            "over. Take one of the kind of Llama, Qwen or GPT-2. Type for instance: "
            "model.path=HuggingFaceTB/SmolLM2-135M"
        )
