"""A persistent pool of students at mixed ages: each outer step takes one on by a few training steps.

The pool is FRePo's (Zhou et al. 2022); it stands in for the inner loop of gradient matching as well (Zhao et al. 2021).
A distiller that looks at students of all ages keeps one, and its checkpoints carry it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from textdd.training import Lesson, State

Advance = Callable[[State, Lesson, Sequence[int]], list[State]]
"""What takes a student to several numbers of steps: an engine with its student and optimiser."""


class Pool:
    """Students in the middle of their training, each with the seed of its initialisation and order.

    Args:
        states: the students; their ages should differ, so that all stages of training are seen in turn.
        seeds: one per student.
    """

    def __init__(self, states: list[State], seeds: list[int]) -> None:
        self.states, self.seeds = states, seeds

    def __len__(self) -> int:
        return len(self.states)

    @classmethod
    def filled(
        cls,
        size: int,
        oldest: int,
        draw_seed: Callable[[int], int],
        fresh: Callable[[int], State],
        lesson: Callable[[int], Lesson],
        train: Advance,
    ) -> Pool:
        """Train students to evenly spread ages.

        Args:
            size: how many.
            oldest: training steps that none reaches.
            draw_seed: the seed of student i.
            fresh: a student before its first step, from its seed.
            lesson: what it is taught, from its seed.
            train: what trains it.
        """
        states, seeds = [], []
        for i in range(size):
            seed = draw_seed(i)
            states += train(fresh(seed), lesson(seed), [i * oldest // size])
            seeds.append(seed)
        return cls(states, seeds)

    def advance(
        self,
        turn: int,
        steps: Sequence[int],
        seed: int,
        oldest: int,
        fresh: Callable[[int], State],
        lesson: Callable[[int], Lesson],
        train: Advance,
    ) -> list[State]:
        """Train the student whose turn it is by a few steps on the set as it is now.

        Args:
            turn: counts the students taken so far.
            steps: after how many further training steps it is looked at, ascending, the last for as many as it takes; a
                student that would grow too old is first replaced by a fresh one.
            seed: of that fresh one.
            oldest: training steps that none exceeds.
            fresh: a student before its first step, from its seed.
            lesson: what it is taught, from its seed.
            train: what trains; with a differentiable engine the later states are functions of the set.

        Returns:
            The student before these steps and after each number of them.
        """
        i = turn % len(self)
        before = self.states[i]
        if before.t + steps[-1] > oldest:
            before = fresh(seed)
        else:
            seed = self.seeds[i]
        after = train(before, lesson(seed), [before.t + number for number in steps])
        self.put(i, after[-1], seed)
        return [before, *after]

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
