"""Pairs whose mean gradient is that of many others: greedily, then by exchanges that have to prove themselves.

A set of M pairs with gradients g is to have |G - mean of g|^2 as small as can be, where G is the mean over many other
pairs: then a step on the set is a step on these (Mirzasoleiman et al. 2020, *CRAIG*; Killamsetty et al. 2021,
*GRAD-MATCH*). All of the set weigh alike, as in training, so the greedy choice is herding among gradients (Welling
2009) and not orthogonal matching pursuit with its weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from textdd.choosing.response_gradients import Gradients


class Matching:
    """The search for such pairs.

    Args:
        gradients: of the n candidates.
        targets: mean gradients (H, H): the first is that of all other pairs and decides; those behind it are of parts
            of them, and each of these has to agree to an exchange.
    """

    def __init__(self, gradients: Gradients, targets: Sequence[Tensor]) -> None:
        self.gradients, self.squares = gradients, gradients.squares()
        self.along = [gradients.along(target) for target in targets]
        self._rows: dict[int, Tensor] = {}

    def beside(self, pair: int) -> Tensor:
        """Inner products (n,) with one candidate, found once."""
        if pair not in self._rows:
            self._rows[pair] = self.gradients.beside(pair)
        return self._rows[pair]

    def gains(self, others: Sequence[int], size: int, target: int = 0) -> Tensor:
        """What each candidate (n,) is worth beside others in a set of `size`: half of what it takes off the distance.

        Distances are those of sums: |size G - sum of g|^2.
        """
        within = torch.stack([self.beside(pair) for pair in others]).sum(0) if others else 0.0
        return size * self.along[target] - within - self.squares / 2

    def greedy(self, size: int, told: Callable[[int], None]) -> list[int]:
        """Pick `size` distinct candidates, each the one that brings the mean of all picks nearest to the first target.

        Args:
            size: M.
            told: is told how many are picked.
        """
        chosen: list[int] = []
        while len(chosen) < size:
            gains = self.gains(chosen, len(chosen) + 1)
            gains[chosen] = -torch.inf
            chosen.append(int(gains.argmax()))
            told(len(chosen))
        return chosen

    def exchanged(self, chosen: Sequence[int], rounds: int, told: Callable[[int], None]) -> tuple[list[int], int]:
        """Exchange one pair after the other as long as the set comes nearer to all targets.

        Args:
            chosen: the picks (M,).
            rounds: exchanges that are tried at most; it ends before where M in a row fail.
            told: is told how many were tried.

        Returns:
            The picks, and how many were exchanged.
        """
        picks, made, idle = list(chosen), 0, 0
        for number in range(rounds):
            if idle == len(picks):
                break
            place = number % len(picks)
            others = picks[:place] + picks[place + 1 :]
            gains = [self.gains(others, len(picks), target) for target in range(len(self.along))]
            first = gains[0].clone()
            first[others] = -torch.inf
            best = int(first.argmax())
            if all(bool(own[best] > own[picks[place]]) for own in gains):
                picks[place], made, idle = best, made + 1, 0
            else:
                idle += 1
            told(number + 1)
        return picks, made

    def distance(self, chosen: Sequence[int], length: float) -> float:
        """|G - mean of g|^2 as a share of |G|^2, for the first target, whose squared length |G|^2 is given."""
        size, places = len(chosen), list(chosen)
        within = sum(float(self.beside(pair)[places].sum()) for pair in chosen)
        along = float(self.along[0][places].sum())
        return 1 - 2 * along / size / length + within / size**2 / length
