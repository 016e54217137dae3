"""A causal language model of `transformers`: a folder, an id on the hub or a GGUF file; loaded once, never changed."""

from __future__ import annotations

from contextlib import redirect_stderr
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from textdd.errors import TextddError
from textdd.progress import say
from textdd.spaces.checkpoint import Checkpoint, check_gate, fingerprint, hush
from textdd.typed import expanded

INSTALL = "Type: pip install 'textdd[transformers]'"

ALLOWED = (
    "Allowed: the folder of a causal language model that `transformers` can read (config.json, model.safetensors, "
    "tokenizer.json), a GGUF file, or an id on the hub that this machine can reach. "
    "Type for instance: {option}=HuggingFaceTB/SmolLM2-135M"
)

WRITES, LEARNS = "distiller.language_model", "model.path"
"""Options that name language models: one that writes texts, and one that is trained as a student."""

WHILE_LOADING = (OSError, ValueError, KeyError, IndexError, RuntimeError)
"""What is raised of files that are absent, damaged, or of a kind that `transformers` does not know."""


@dataclass(frozen=True, eq=False)
class LanguageModel(Checkpoint):
    """A causal language model and its tokeniser; one that writes is on a GPU if there is one."""

    @property
    def name(self) -> str:
        """What messages call it: its id on the hub, or the last part of its path."""
        return Path(self.path).name if Path(self.path).exists() else self.path

    @property
    def device(self) -> torch.device:
        """Where it is."""
        return next(self.model.parameters()).device

    @property
    def context(self) -> int:
        """Most tokens that it reads and writes together."""
        config: Any = self.model.config
        return min(int(config.max_position_embeddings), int(self.tokeniser.model_max_length))

    @cached_property
    def ends_line(self) -> Tensor:
        """Which tokens end a line or a text (V,), bool; numbers that stand for no token count among them."""
        known = self.tokeniser.batch_decode([[number] for number in range(len(self.tokeniser))])
        ends = torch.ones(int(self.model.get_output_embeddings().weight.shape[0]), dtype=torch.bool)  # type: ignore[operator]
        ends[: len(known)] = torch.tensor(["\n" in piece for piece in known])
        ends[self.tokeniser.all_special_ids] = True
        return ends.to(self.device)

    def counts(self, texts: list[str]) -> list[int]:
        """Tokens of each text (n,)."""
        return [len(ids) for ids in self.tokeniser(texts, add_special_tokens=False)["input_ids"]]


def load_language_model(path: str, option: str = WRITES, dtype: str = "float32") -> LanguageModel:
    """Load a language model, or hand on the one that was loaded before.

    Weights are float32 on a CPU; those of a GGUF file are dequantised, which takes some seconds.

    Args:
        path: its folder, its id on the hub, or a GGUF file.
        option: which option names it. One that learns stays where it is, in float32, with attention written out, which
            has a double backward.
        dtype: of the weights of one that learns; with `bfloat16` it takes and gives float32 all the same.

    Raises:
        TextddError: a package is missing, there is no such model, or it is none that writes from left to right.
    """
    if find_spec("transformers") is None:
        raise TextddError(f"Language models need transformers. {INSTALL}")
    there = expanded(path)
    return _loaded(str(there) if there.exists() else path, option, dtype)


@lru_cache(maxsize=2)
def _loaded(path: str, option: str, dtype: str) -> LanguageModel:
    hush()
    from transformers import AutoModelForCausalLM, AutoTokenizer

    where, given, allowed = path, dict[str, Any](), ALLOWED.format(option=option)
    if path.endswith(".gguf"):
        if any(find_spec(package) is None for package in ("gguf", "accelerate")):
            raise TextddError(f"Got {path}; GGUF files need the packages gguf and accelerate. {INSTALL}")
        if not Path(path).is_file():
            raise TextddError(f"Got the language model {path}; there is no such file. {allowed}")
        where, given = str(Path(path).parent), {"gguf_file": Path(path).name}
        say(f"loading {Path(path).name}: its weights are dequantised")
    gpu = torch.cuda.is_available() and option == WRITES
    attention = {"attn_implementation": "eager"} if option == LEARNS else {}
    try:
        with redirect_stderr(StringIO()):  # the bar of this work is one that `hush` does not reach
            wanted = torch.bfloat16 if gpu else getattr(torch, dtype)
            model, told = AutoModelForCausalLM.from_pretrained(
                where, dtype=wanted, output_loading_info=True, **attention, **given
            )
            tokeniser = AutoTokenizer.from_pretrained(where, **given)
    except WHILE_LOADING as error:
        check_gate(path, error)
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise TextddError(f"Got the language model {path}, which cannot be loaded: {reason}. {allowed}") from error
    model = model.eval().requires_grad_(False)
    if option == LEARNS and dtype != "float32":
        single_outside(model)
    if told["missing_keys"] or not causal(model):
        raise TextddError(f"Got the language model {path}, which does not write ({type(model).__name__}). {allowed}")
    sha256 = fingerprint(model)  # of numbers that are still here
    return LanguageModel(path, model.to("cuda") if gpu else model, tokeniser, sha256)


def single_outside(model: nn.Module) -> None:
    """Let a model of half precision take embeddings of single precision, and give hidden states and logits of it."""

    def into(part: nn.Module, arguments: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        dtype = next(part.parameters()).dtype
        return tuple(cast(value, dtype) for value in arguments), {k: cast(value, dtype) for k, value in named.items()}

    def out(_: nn.Module, __: tuple[Any, ...], made: Any) -> Any:
        if isinstance(made, Tensor):
            return made.float()
        made.last_hidden_state = made.last_hidden_state.float()
        return made

    parts: list[Any] = [model.base_model, model.get_output_embeddings()]  # type: ignore[operator]
    for part in parts:
        part.register_forward_pre_hook(into, with_kwargs=True)
        part.register_forward_hook(out)


def cast(value: Any, dtype: torch.dtype) -> Any:
    """A tensor of floating-point numbers in another precision; of what is added to attention, nothing overflows."""
    if not isinstance(value, Tensor) or not value.is_floating_point():
        return value
    return value.clamp_min(torch.finfo(dtype).min).to(dtype)


@torch.no_grad()
def causal(model: nn.Module) -> bool:
    """Whether what a model says of the first token is the same whatever follows."""
    one, other = (model(input_ids=torch.tensor([[1, second]])).logits[0, 0] for second in (2, 3))
    return torch.allclose(one, other, rtol=1e-3, atol=1e-3)
