"""What an outer step takes with language models of a billion parameters and more, before any of it is at hand.

    python experiments/scale.py [measure=true]

Models of Llama's kind are built on torch's meta device, where tensors have shapes and take no memory, and one outer
step of `meta_gradient` through adapters is taken there by textdd's own code: students learn from distilled embeddings,
real texts judge them, the gradient flows back. The bytes that are alive at the peak and the multiplications are counted
on the way; seconds on a GPU are the multiplications at UTILISATION of its speed in bfloat16. With `measure=true` the
smallest is taken on this machine's processor instead, in float32, and held against what is counted: resident memory,
and seconds at the speed of its own matrix products. Written beside this file: `scale/table.md`, `scale/measured.md`.
"""

import gc
import math
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry
from transformers import LlamaConfig, LlamaForCausalLM

from textdd.evaluation.cost import resident
from textdd.machine import machine
from textdd.outer.memory import Allocations
from textdd.progress import say
from textdd.record import write_bytes
from textdd.spaces.language_model import LanguageModel, single_outside
from textdd.students.answers import Tree, as_added
from textdd.students.language_body import LanguageBody
from textdd.training import Lesson, State, make_optimiser, recompute, unroll
from textdd.training.student import FlatStudent

HERE = Path(__file__).with_suffix("")


class Shape(NamedTuple):
    """A model of Llama's kind: width, inner width, layers, heads, heads of keys and values, and words that it knows.

    One table of words serves both ends, or there are two.
    """

    width: int
    inner: int
    layers: int
    heads: int
    key_heads: int
    words: int
    tied: bool = True


SHAPES = {  # as their makers publish them
    "SmolLM2-135M": Shape(576, 1536, 30, 9, 3, 49_152),
    "SmolLM2-360M": Shape(960, 2560, 32, 15, 5, 49_152),
    "Llama-3.2-1B": Shape(2048, 8192, 16, 32, 8, 128_256),
    "Qwen2.5-7B": Shape(3584, 18_944, 28, 28, 4, 152_064, tied=False),
    "Qwen2.5-32B": Shape(5120, 27_648, 64, 40, 8, 152_064, tied=False),
}
MEASURED = "SmolLM2-135M"
GPUS = {  # memory in GB, and dense bfloat16 multiplications and additions a second, by their data sheets
    "RTX 4090": (24, 165e12),
    "A100": (80, 312e12),
    "H100": (80, 989e12),
    "H200": (141, 989e12),
}
UTILISATION = 0.35
"""Of a GPU's speed on its data sheet, which large matrix products with adapters and derivatives may reach: assumed."""

SPARE = 1.2
"""Memory that has to be free, as a multiple of what is counted."""

CLASSES, EXAMPLES, TOKENS, STEPS, BATCH, REAL, RANK = 4, 20, 64, 8, 8, 16, 8
"""C, distilled texts, their tokens with those of the prompt, T, mini-batch, real texts, rank of the adapters."""


class Classifier(LanguageBody):
    """A head on the last token of a body with adapters."""

    def read(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """The last hidden state (N, H) of texts (N, L, D)."""
        mask = x.new_ones(x.shape[:2], dtype=torch.bool) if mask is None else mask
        seen, places = Tree.of([]).layout(mask)
        given = {"inputs_embeds": x, "attention_mask": as_added(seen, x.dtype), "position_ids": places}
        return self.adapted(self.base, **given, use_cache=False).last_hidden_state[:, -1]


def built(shape: Shape, device: str, dtype: torch.dtype) -> FlatStudent:
    """A student with random weights."""
    config = LlamaConfig(
        hidden_size=shape.width, intermediate_size=shape.inner, num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads, num_key_value_heads=shape.key_heads, vocab_size=shape.words,
        tie_word_embeddings=shape.tied, attn_implementation="eager",
    )  # fmt: skip
    with torch.device(device):
        model = LlamaForCausalLM(config).to(dtype).eval().requires_grad_(False)
        if dtype != torch.float32:
            single_outside(model)
        loaded = LanguageModel("a random one", model, None, "")
        return FlatStudent(Classifier(loaded, f"lora:{RANK}", shape.width, shape.width, CLASSES))


def outer_step(student: FlatStudent, width: int, device: str, engine: str, steps: int = STEPS) -> None:
    """Loss and gradient of one outer step through so many inner ones."""
    made = partial(torch.zeros, device=device)
    x = torch.randn(EXAMPLES, TOKENS, width, device=device).requires_grad_()
    y = made(EXAMPLES, CLASSES).requires_grad_()
    sizes = (made(steps) + 1e-3).requires_grad_()
    rows = torch.arange(steps * BATCH, device=device).remainder(EXAMPLES).view(steps, BATCH)
    theta, adam = made(student.size) + 1e-3, make_optimiser("adam")
    lesson = Lesson(x, y.softmax(1), sizes, rows)
    state = State.fresh(theta, adam)
    train = unroll if engine == "unroll" else recompute
    (state,) = train(student, adam, state, lesson, [steps])
    texts = torch.randn(REAL, TOKENS, width, device=device)
    labels = torch.zeros(REAL, dtype=torch.int64, device=device)
    loss = student.task.loss(student(state.theta, texts), labels)
    torch.autograd.grad(loss, [x, y, sizes], allow_unused=True)


class Operations(TorchDispatchMode):
    """Counts multiplications and additions of matrix products, those of derivatives of derivatives among them."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Do the operation and count it."""
        del types
        result = func(*args, **(kwargs or {}))
        if (formula := flop_registry.get(func._overloadpacket)) is not None:
            self.total += formula(*args, **(kwargs or {}), out_val=result)
        return result


def counted(shape: Shape, dtype: torch.dtype, engine: str) -> tuple[float, float, float, int]:
    """Bytes of the weights, further bytes at the peak, operations of an outer step, and P.

    A training of one step and one of two are counted; every further one adds the same.
    """
    student = built(shape, "meta", dtype)
    weights = sum(p.numel() * p.element_size() for p in student.module.parameters())
    found = []
    for steps in (1, 2):
        with Operations() as operations, Allocations() as allocated:
            outer_step(student, shape.width, "meta", engine, steps)
        found.append((allocated.peak, operations.total))
    peak, total = (one + (STEPS - 1) * (two - one) for one, two in zip(*found, strict=True))
    return weights, peak, total, student.size


class Watch:
    """The most memory that this process had resident inside of the block, beyond what it had before."""

    def __enter__(self) -> "Watch":
        gc.collect()
        self.before, self.peak, self.over = resident(), 0.0, False
        self.thread = threading.Thread(target=self.look, daemon=True)
        self.thread.start()
        return self

    def look(self) -> None:
        """Look again and again."""
        while not self.over:
            self.peak = max(self.peak, resident() - self.before)
            time.sleep(0.01)

    def __exit__(self, *_: object) -> None:
        self.over = True
        self.thread.join()


def speed(width: int, inner: int) -> float:
    """Multiplications and additions a second of the products that such a model is made of, on this processor."""
    a, b = torch.randn(BATCH * TOKENS, width), torch.randn(width, inner)
    best = math.inf
    for _ in range(20):
        start = time.perf_counter()
        nn.functional.linear(a, b.t())
        best = min(best, time.perf_counter() - start)
    return 2 * BATCH * TOKENS * width * inner / best


def measured(shape: Shape, engine: str) -> tuple[float, float]:
    """Bytes resident at the peak of an outer step beyond the weights, and its seconds."""
    student = built(shape, "cpu", torch.float32)
    start = time.perf_counter()
    with Watch() as watch:
        outer_step(student, shape.width, "cpu", engine)
    return watch.peak, time.perf_counter() - start


def table(rows: list[list[str]]) -> str:
    """A Markdown table, the first row its head."""
    head = [" | ".join(row).join(("| ", " |")) for row in rows]
    return "\n".join([head[0], "| --- |" + " ---: |" * (len(rows[0]) - 1), *head[1:]])


def where(needed: float, operations: float) -> list[str]:
    """Seconds of an outer step on every GPU, or how many of them the memory takes."""
    cells = []
    for memory, quick in GPUS.values():
        cards = math.ceil(SPARE * needed / (memory * 1e9))
        cells.append(f"{operations / (UTILISATION * quick):.2g} s" if cards == 1 else f"{cards} cards")
    return cells


def measuring() -> str:
    """What one model takes on this processor, the lesser of its peaks first: freed memory stays resident."""
    rows = [["", "besides the weights: counted", "resident", "seconds: counted", "measured"]]
    for engine in ("recompute", "unroll"):
        shape = SHAPES[MEASURED]
        _, besides, operations, _ = counted(shape, torch.float32, engine)
        expected = operations / speed(shape.width, shape.inner)
        held, seconds = measured(shape, engine)
        cells = [f"{besides / 1e9:.2f} GB", f"{held / 1e9:.2f} GB", f"{expected:.1f}", f"{seconds:.1f}"]
        rows.append([f"{MEASURED}, {engine}", *cells])
    here = machine()
    return f"{table(rows)}\n\n{here['processor']}, {torch.get_num_threads()} threads of {here['cores']} cores\n"


def counting() -> str:
    """What all models take on GPUs."""
    rows = [["model", "engine", "parameters", "P", "weights", "besides", "10^12 operations", *GPUS]]
    for name, shape in SHAPES.items():
        for engine in ("unroll", "recompute"):
            weights, besides, operations, learned = counted(shape, torch.bfloat16, engine)
            cells = [f"{weights / 2e9:.2f} 10^9", f"{learned / 1e6:.1f} 10^6", f"{weights / 1e9:.1f} GB"]
            cells += [f"{besides / 1e9:.1f} GB", f"{operations / 1e12:.1f}", *where(weights + besides, operations)]
            rows.append([name, engine, *cells])
            say(f"counted: {name}, {engine}")
    return f"{table(rows)}\n"


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    name, found = ("measured", measuring) if "measure=true" in sys.argv[1:] else ("table", counting)
    write_bytes(HERE / f"{name}.md", found().encode())
