"""A persistent pool of students at mixed ages: each outer step takes one on by a few training steps."""

from __future__ import annotations

import torch
from torch import Tensor

from textdd.training import State


class Pool:
    """Students in the middle of their training, each with the seed of its initialisation and order (Zhou et al. 2022).

    Args:
        states: the students; their ages should differ, so that all stages of training are seen in turn.
        seeds: one per student.
    """

    def __init__(self, states: list[State], seeds: list[int]) -> None:
        self.states, self.seeds = states, seeds

    def __len__(self) -> int:
        return len(self.states)

    def put(self, i: int, state: State, seed: int) -> None:
        """Replace student i by `state`, cut off from the graph that made it."""
        self.states[i] = State(state.theta.detach(), tuple(slot.detach() for slot in state.slots), state.t)
        self.seeds[i] = seed

    def state_dict(self) -> dict[str, Tensor]:
        """The pool as tensors: vectors (pool, 1 + slots, P), ages (pool,) and seeds (pool,)."""
        vectors = torch.stack([torch.stack([state.theta, *state.slots]) for state in self.states])
        ages = torch.tensor([state.t for state in self.states])
        return {"vectors": vectors, "ages": ages, "seeds": torch.tensor(self.seeds)}

    @classmethod
    def from_state_dict(cls, state: dict[str, Tensor]) -> Pool:
        """Rebuild a stored pool."""
        states = [
            State(vectors[0], tuple(vectors[1:]), int(age))
            for vectors, age in zip(state["vectors"], state["ages"], strict=True)
        ]
        return cls(states, state["seeds"].tolist())
