"""How likely a language model finds texts: any causal one of `transformers`, or a GGUF file; none is loaded unasked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from textdd.errors import TextddError
from textdd.progress import track
from textdd.spaces.language_model import load_language_model
from textdd.typed import expanded

LONGEST = 1024
"""Tokens that are read of a text; less if that is all that the model can."""


def check_language_model(path: str) -> None:
    """Check that a language model can be asked for, without loading it.

    Raises:
        TextddError: `transformers` is not installed, or a GGUF file is named that is not there.
    """
    if find_spec("transformers") is None:
        raise TextddError(
            "Got quality.language_model, which needs transformers. Type: pip install 'textdd[transformers]'"
        )
    if path.endswith(".gguf"):
        if not expanded(path).is_file():
            raise TextddError(f"Got quality.language_model={path}: there is no such file.")
        if find_spec("gguf") is None:
            raise TextddError("A GGUF file needs two packages more. Type: pip install gguf accelerate")


def perplexity(path: str, texts: Sequence[str]) -> float:
    """The perplexity of texts together: the exponential of the mean surprise over all their tokens.

    A text begins behind the model's own sign of a beginning; a model without one is not asked for the first token.

    Args:
        path: a folder, an id on the hub or a GGUF file.
        texts: M of them.

    Raises:
        TextddError: the model cannot be loaded, or no text has as many tokens as it takes.
    """
    loaded = load_language_model(path)
    model, tokeniser, most = loaded.model, loaded.tokeniser, min(LONGEST, loaded.context)
    begin = [] if tokeniser.bos_token_id is None else [tokeniser.bos_token_id]
    surprise, count = 0.0, 0
    for text in track(texts, f"perplexity under {Path(path).name}"):
        ids = [*begin, *tokeniser(text, add_special_tokens=False)["input_ids"][: most - len(begin)]]
        if len(ids) > 1:
            surprise, count = surprise + surprise_of(model, ids), count + len(ids) - 1
    if not count:
        raise TextddError(f"{path}: none of the texts has two tokens, so there is nothing to predict.")
    return math.exp(surprise / count)


@torch.no_grad()
def surprise_of(model: Any, ids: list[int]) -> float:
    """The negative logarithm of the probability of all tokens but the first, each behind those before it."""
    row = torch.tensor([ids], device=next(model.parameters()).device)
    logits = model(input_ids=row).logits[0, :-1].double()
    return float(torch.nn.functional.cross_entropy(logits, row[0, 1:], reduction="sum"))
