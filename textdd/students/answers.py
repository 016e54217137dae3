"""Answers behind a prompt: the words of all classes read at once, as a tree that branches where they differ.

Its root is the last token of the prompt, and its other nodes are the beginnings of words, each of which sees the prompt
and the nodes that lead to it. One reading says how likely every word is, whatever it is made of; words of one token add
nothing to what is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Tree:
    """Beginnings of words.

    Attributes:
        tokens: the last token of each beginning (B,); the root, which is none of them, has number -1.
        depth: how long each is (B,).
        sees: which nodes lead to which (B, B), bool; each to itself.
        steps: for each word (node, token) pairs: the token that must follow at each of its nodes.
    """

    tokens: Tensor
    depth: Tensor
    sees: Tensor
    steps: tuple[tuple[tuple[int, int], ...], ...]

    @classmethod
    def of(cls, words: Sequence[tuple[int, ...]]) -> Tree:
        """The tree of some words, given by their tokens."""
        nodes: dict[tuple[int, ...], int] = {(): -1}
        for word in words:
            for size in range(1, len(word)):
                nodes.setdefault(word[:size], len(nodes) - 1)
        steps = tuple(tuple((nodes[word[:i]], token) for i, token in enumerate(word)) for word in words)
        beginnings = [node for node in nodes if node]
        sees = torch.tensor([[other == node[: len(other)] for other in beginnings] for node in beginnings])
        return cls(
            torch.tensor([node[-1] for node in beginnings], dtype=torch.int64),
            torch.tensor([len(node) for node in beginnings], dtype=torch.int64),
            sees.view(len(beginnings), len(beginnings)).bool(),
            steps,
        )

    def scores(self, logits: Tensor) -> Tensor:
        """The log-probability of each word (N, C), from logits (N, 1 + B, V) of the root and of all nodes."""
        logits = logits.float() if logits.dtype.itemsize < 4 else logits
        likely = logits - logits.logsumexp(-1, keepdim=True)
        sums = [torch.stack([likely[:, node + 1, token] for node, token in steps]).sum(0) for steps in self.steps]
        return torch.stack(sums, dim=1)

    def layout(self, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Who sees whom, and where everyone stands, when the nodes are read behind a trunk that may have gaps.

        Args:
            mask: where tokens are in the trunk (N, L), bool: before, between and behind gaps.

        Returns:
            Whether a place sees another (N, 1, L + B, L + B), bool, and places as the model counts them (N, L + B),
            int64. Gaps count no place; they see themselves alone, and nobody sees them.
        """
        count, length, nodes = len(mask), mask.shape[1], len(self.tokens)
        device = mask.device
        size = length + nodes
        order = torch.ones(size, size, dtype=torch.bool, device=device).tril()
        order[length:, length:] = self.sees.to(device)
        there = torch.cat([mask, mask.new_ones(count, nodes)], dim=1)
        seen = (order & there[:, None, :]) | torch.eye(size, dtype=torch.bool, device=device)
        trunk = mask.long().cumsum(1)
        places = torch.cat([trunk - 1, trunk[:, -1:] + self.depth.to(device) - 1], dim=1)
        return seen.unsqueeze(1), places.clamp_min(0)


def as_added(seen: Tensor, dtype: torch.dtype) -> Tensor:
    """Who sees whom, as what is added to attention before its softmax."""
    return torch.zeros_like(seen, dtype=dtype).masked_fill(~seen, torch.finfo(dtype).min)
