"""The tensors of an artefact: what kinds there may be, looked at before one of them is made."""

from __future__ import annotations

import math

import torch
from safetensors import SafetensorError, deserialize
from torch import Tensor

NUMBERS = {"F16": torch.float16, "F32": torch.float32, "F64": torch.float64}
WORDS = {"I16": torch.int16, "I32": torch.int32, "I64": torch.int64}
"""The types of safetensors that are read, of numbers and of the numbers of words."""

KINDS: dict[str, tuple[dict[str, torch.dtype], tuple[int, ...]]] = {
    "y": (NUMBERS, (2,)),
    "step_sizes": (NUMBERS, (1, 2)),
    "x": (NUMBERS, (3,)),
    "attention": ({"F16": torch.float16}, (5,)),
    "left": (NUMBERS, (3,)),
    "right": (NUMBERS, (3,)),
    "coefficients": (NUMBERS, (3,)),
    "basis": (NUMBERS, (2,)),
    "candidates": (WORDS, (3,)),
    "logits": (NUMBERS, (3,)),
    "text": ({"U8": torch.uint8}, (1,)),
    "vectors": ({"F32": torch.float32}, (2,)),
    "second": ({"F32": torch.float32}, (1,)),
    "other_step_sizes": (NUMBERS, (2,)),
}
"""Name -> types and numbers of dimensions that it may have."""


def tensors_of(content: bytes) -> dict[str, Tensor]:
    """Read the content of a safetensors file.

    Raises:
        ValueError: it is none, or a tensor is of no kind that a set has, empty, or holds numbers that are not finite.
    """
    try:
        stored = dict(deserialize(content))
    except SafetensorError as error:
        raise ValueError("its header is damaged, or does not fit its content") from error
    found = {}
    for name, part in stored.items():
        if name not in KINDS:
            raise ValueError(f"it holds {name[:60]!r}; allowed are {', '.join(KINDS)}")
        types, dimensions = KINDS[name]
        dtype, shape = part["dtype"], part["shape"]
        if dtype not in types:
            raise ValueError(f"{name} is of the type {dtype}; allowed are {', '.join(types)}")
        if len(shape) not in dimensions or not math.prod(shape):
            allowed = " or ".join(map(str, dimensions))
            raise ValueError(f"{name} has the shape {shape}; it has {allowed} dimensions, none of them empty")
        found[name] = torch.frombuffer(part["data"], dtype=types[dtype]).reshape(shape)
        if not found[name].isfinite().all():
            raise ValueError(f"{name} holds numbers that are not finite")
    return found


def part_of(tensors: dict[str, Tensor], name: str) -> Tensor:
    """A tensor that must be there.

    Raises:
        ValueError: it is not.
    """
    if name not in tensors:
        raise ValueError(f"there is no tensor {name}")
    return tensors[name]
