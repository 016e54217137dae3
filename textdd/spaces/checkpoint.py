"""A pretrained model of `transformers`, from a folder or by its id on the hub: loaded once, shared, never changed."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

import torch
from torch import nn

from textdd.errors import TextddError
from textdd.typed import expanded


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A pretrained model and its tokeniser.

    Attributes:
        path: what was asked for.
        model: the encoder, frozen, in evaluation mode; students take copies of what they learn.
        tokeniser: its tokeniser, as `transformers` wraps it.
        sha256: of all parameters.
    """

    path: str
    model: nn.Module
    tokeniser: Any
    sha256: str

    @property
    def config(self) -> Any:
        """The model's own configuration."""
        return self.model.config

    @property
    def table(self) -> torch.Tensor:
        """Its table of word vectors (V, D), float32."""
        weight: torch.Tensor = self.model.get_input_embeddings().weight.detach()  # type: ignore[operator]
        return weight.float()

    @property
    def longest(self) -> int:
        """Most tokens that it can read, those around a text among them."""
        config = self.config
        places = int(getattr(config, "max_position_embeddings", 512))
        # Models of RoBERTa's kind count positions from behind the padding token's number.
        offset = config.pad_token_id + 1 if config.model_type in ("roberta", "xlm-roberta", "camembert", "mpnet") else 0
        return min(places - offset, int(self.tokeniser.model_max_length))

    def layers(self) -> nn.ModuleList:
        """The layers of the encoder, the lowest first.

        Raises:
            TextddError: there is no list of as many layers as the configuration says.
        """
        count = getattr(self.config, "num_hidden_layers", getattr(self.config, "n_layers", None))
        for part in self.model.modules():
            if isinstance(part, nn.ModuleList) and len(part) == count:
                return part
        raise TextddError(
            f"The layers of {self.path} ({type(self.model).__name__}) were not found, so none can be tuned alone. "
            "Type: model.tuning=head"
        )


def load_checkpoint(path: str | None) -> Checkpoint:
    """Load a model, or hand on the one that was loaded before.

    Raises:
        TextddError: `transformers` is not installed, or there is no such model.
    """
    if find_spec("transformers") is None:
        raise TextddError("Pretrained students need transformers. Type: pip install 'textdd[transformers]'")
    if path is None:
        raise TextddError(
            "Which pretrained model? Give its folder, or its id on the hub. "
            "Type for instance: model.path=sentence-transformers/all-MiniLM-L6-v2"
        )
    return _loaded(str(expanded(path)) if expanded(path).is_dir() else path)


@lru_cache(maxsize=2)
def _loaded(path: str) -> Checkpoint:
    hush()
    from transformers import AutoModel, AutoTokenizer

    try:
        # Attention written out has a double backward; the fused kernels have none on a CPU.
        model = AutoModel.from_pretrained(path, attn_implementation="eager", dtype=torch.float32)
        tokeniser = AutoTokenizer.from_pretrained(path, use_fast=True)
    except (OSError, ValueError, KeyError) as error:
        check_gate(path, error)
        reason = str(error).strip().splitlines()[0]
        raise TextddError(
            f"Got model.path={path}, which cannot be loaded: {reason}. Allowed: the folder of an encoder that "
            "`transformers` can read (config.json, model.safetensors, tokenizer.json), or an id on the hub that this "
            "machine can reach. Type: model.path=/your/folder"
        ) from error
    if getattr(tokeniser, "backend_tokenizer", None) is None:
        raise TextddError(f"The tokeniser of {path} has no fast form (tokenizer.json), which reading in bulk needs.")
    return Checkpoint(path, model.eval().requires_grad_(False), tokeniser, fingerprint(model))


def check_gate(path: str, error: BaseException) -> None:
    """Check that what kept a model from being loaded was not its owners, who want to be asked.

    Args:
        path: its id on the hub.
        error: what `transformers` raised; the hub's own error is behind it.

    Raises:
        TextddError: it was.
    """
    from huggingface_hub.errors import GatedRepoError

    behind: BaseException | None = error
    while behind is not None and not isinstance(behind, GatedRepoError):
        behind = behind.__cause__ or behind.__context__
    if behind is not None:
        raise TextddError(
            f"Got the model {path}, which is gated: whoever reads it has to accept its conditions. Accept them at "
            f"https://huggingface.co/{path}, log in by typing `hf auth login`, and type the same command again; or "
            "take one that is open. Type for instance: model.path=HuggingFaceTB/SmolLM2-135M"
        ) from error


def hush() -> None:
    """Silence what `transformers` says while it loads, unless the user asked to hear it."""
    if not os.environ.get("TRANSFORMERS_VERBOSITY"):
        import transformers

        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()


def fingerprint(model: nn.Module) -> str:
    """A sha256 of all parameters, which are on the CPU; the same numbers in another precision have the same."""
    digest = hashlib.sha256()
    for name, parameter in model.named_parameters():
        digest.update(
            name.encode() + parameter.detach().float().contiguous().view(-1).view(torch.uint8).numpy().tobytes()
        )
    return digest.hexdigest()
