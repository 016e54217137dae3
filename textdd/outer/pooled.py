"""Distillers that look at students of all ages: they keep a pool of them, and take one further in every outer step.

The pool is FRePo's (Zhou et al. 2022); it stands in for the inner loop of gradient matching as well (Zhao et al. 2021).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from textdd.allowed import at_least
from textdd.outer.distiller import Distiller, DistillerConfig
from textdd.outer.pool import Pool
from textdd.training import State, train
from textdd.training.training import Engine


@dataclass
class PooledConfig(DistillerConfig):
    """Options of distillers that keep a pool.

    Attributes:
        pool: students in the pool; every outer step takes the next one.
        oldest: training steps after which a student of the pool makes room for a fresh one, at most T; 0 takes T.
    """

    pool: int = 6
    oldest: int = 0

    def check(self) -> None:
        """As for every distiller, and the values that only this kind has."""
        super().check()
        at_least("distiller.pool", self.pool, 1, 6)
        at_least("distiller.oldest", self.oldest, 0, 0)


class PooledDistiller(Distiller):
    """A distiller with a pool of students, which its checkpoints carry.

    Args:
        config: the method's options.
        student: the student to distil for.
        synthetic: the set at its start.
        seed: the run's seed.
    """

    config: PooledConfig
    pool: Pool | None = None

    @property
    def oldest(self) -> int:
        """Training steps after which a student of the pool is replaced."""
        longest = self.config.inner_steps
        return min(self.config.oldest or longest, longest)

    def advance(self, turn: int, steps: Sequence[int], seed: int, engine: Engine = train) -> list[State]:
        """Train the student whose turn it is by a few steps on the set as it is now.

        Args:
            turn: counts the students taken so far.
            steps: after how many further training steps it is looked at, ascending, the last for as many as it takes; a
                student that would grow too old is first replaced by a fresh one.
            seed: of that fresh one.
            engine: what trains; with a differentiable one the later states are functions of the set.

        Returns:
            The student before these steps and after each number of them.
        """
        if self.pool is None:
            self.pool = self.fill_pool()
        i = turn % len(self.pool)
        before = self.pool.states[i]
        if before.t + steps[-1] > self.oldest:
            before = self.fresh_student(seed)
        else:
            seed = self.pool.seeds[i]
        marks = [before.t + number for number in steps]
        after = engine(self.student, self.optimiser, before, self.lesson(seed), marks)
        self.pool.put(i, after[-1], seed)
        return [before, *after]

    def fill_pool(self) -> Pool:
        """Train the pool's students to evenly spread ages."""
        states, seeds = [], []
        for i in range(self.config.pool):
            seed = self.draw_seed("pool", i)
            age = i * self.oldest // self.config.pool
            start, lesson = self.fresh_student(seed), self.lesson(seed)
            states += train(self.student, self.optimiser, start, lesson, [age])
            seeds.append(seed)
        return Pool(states, seeds)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Store the pools of all processes: each has its own."""
        super().on_save_checkpoint(checkpoint)
        if self.pool is not None:
            checkpoint["pools"] = {name: self.of_all_processes(t) for name, t in self.pool.state_dict().items()}

    def of_all_processes(self, tensor: Tensor) -> Tensor:
        """Stack the processes' tensors, by rank."""
        tensors = [torch.empty_like(tensor) for _ in range(self.trainer.world_size)]
        if len(tensors) == 1:
            return tensor.unsqueeze(0)
        torch.distributed.all_gather(tensors, tensor)
        return torch.stack(tensors)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take up this process's pool."""
        super().on_load_checkpoint(checkpoint)
        if "pools" in checkpoint:
            mine = {name: stacked[self.global_rank].to(self.device) for name, stacked in checkpoint["pools"].items()}
            self.pool = Pool.from_state_dict(mine)
