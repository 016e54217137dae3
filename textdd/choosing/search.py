"""The search: from a start on, one text after another gives its place to one with which students do better.

A swap has to prove itself twice, on texts that it was found with and on others, and both are drawn anew again and
again: of thousands of candidates the best one on any fixed texts is one that fits their noise. What is kept at the end
is the choice that did best on validation.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from textdd.choosing.judging import Judge, Texts
from textdd.progress import Bar
from textdd.record import write_json
from textdd.seeds import torch_generator

SCREEN, FEW = 256, 16
"""Texts on which all candidates of a round are looked at, and how many of them go on to all texts of the round."""


@dataclass
class State:
    """Where a search stands.

    Attributes:
        round: the next round.
        picks: rows of the candidates (M,), one for each place.
        best: the picks that did best on validation so far.
        best_loss: their loss there; infinite before the first look.
        score: their headline measure there.
        swaps: how many swaps were made.
        idle: looks at validation since the best.
        seconds: spent in sittings before this one.
    """

    round: int
    picks: list[int]
    best: list[int]
    best_loss: float | None = None
    score: float = 0.0
    swaps: int = 0
    idle: int = 0
    seconds: float = 0.0

    @staticmethod
    def read(path: Path) -> State:
        """The state that a search has written."""
        return State(**json.loads(path.read_text()))


@dataclass
class Search:
    """Swaps texts of a choice for candidates.

    Attributes:
        judge: the students that it is for.
        candidates: what there is to choose from.
        strata: the class of each candidate (n,), of several labels the one that it is counted by.
        train: texts that the students are asked about.
        validation: texts that decide which choice is kept.
        seed: draws texts and candidates.
        asked: texts of a round, drawn twice.
        looked_at: candidates of a round.
        redraw: rounds between two looks at validation; then new texts are drawn as well.
        patience: looks without a better choice after which the search ends.
    """

    judge: Judge
    candidates: Texts
    strata: Tensor
    train: Texts
    validation: Texts
    seed: int
    asked: int
    looked_at: int
    redraw: int
    patience: int

    def __post_init__(self) -> None:
        self.members = [torch.nonzero(self.strata == label).squeeze(1) for label in range(self.judge.task.classes)]

    def run(self, start: list[int], rounds: int, path: Path, log: Callable[[int, dict[str, float]], None]) -> State:
        """Search, or go on where a killed search stood, to the same result.

        Args:
            start: the first picks (M,).
            rounds: how many rounds at most.
            path: where the state is kept.
            log: is told of every look at validation: the round, and what was seen.
        """
        state, begun = State.read(path) if path.exists() else State(0, start, start), time.perf_counter()
        before = state.seconds
        bar = Bar("choosing texts", rounds, state.round)
        try:
            while state.round < rounds and state.idle <= self.patience:
                first, second = self.texts_of(state.round)
                chosen = torch.tensor(state.picks)
                seen = {"outer/loss": self.judge.fit(self.candidates.at(chosen), first)}
                self.look(state)
                for number in range(state.round, min(state.round + self.redraw, rounds)):
                    self.swap(state, number, first, second)
                    bar.update(number + 1, f"{state.swaps} swaps, validation {state.score:.4f}")
                state.round = min(state.round + self.redraw, rounds)
                log(state.round, {**seen, f"validation/{self.judge.task.measures[0]}": state.score})
                write_json(path, {**vars(state), "seconds": before + time.perf_counter() - begun})
            self.judge.fit(self.candidates.at(torch.tensor(state.picks)), self.texts_of(state.round)[0])
            self.look(state)
        finally:
            bar.close()
        return state

    def texts_of(self, number: int) -> tuple[Texts, Texts]:
        """The texts that swaps are found with, and those that they are tried on, from a round on."""
        generator = torch_generator(self.seed, "asked", number)
        rows = torch.randperm(len(self.train), generator=generator)
        half = min(self.asked, len(rows) // 2)
        return self.train.at(rows[:half]), self.train.at(rows[half : 2 * half])

    def look(self, state: State) -> None:
        """Keep the picks if none did better on validation."""
        chosen = self.candidates.at(torch.tensor(state.picks))
        loss = self.judge.loss(chosen, self.validation)
        if state.best_loss is None or loss < state.best_loss:
            state.best, state.best_loss, state.idle = list(state.picks), loss, 0
            state.score = self.judge.score(chosen, self.validation)
        else:
            state.idle += 1

    def swap(self, state: State, number: int, first: Texts, second: Texts) -> None:
        """One round: look for a better text for one place."""
        place, chosen = self.place(len(state.picks), number), torch.tensor(state.picks)
        found = self.best_swaps(chosen, place, number, first, 1)
        if not len(found):
            return
        pair, picks = self.candidates.at(torch.stack([chosen[place], found[0]])), self.candidates.at(chosen)
        if all(bool(self.judge.swaps(picks, pair, place, texts).argmin() == 1) for texts in (first, second)):
            state.picks[place] = int(found[0])
            state.swaps += 1

    def best_swaps(self, chosen: Tensor, place: int, number: int, asked: Texts, count: int) -> Tensor:
        """The candidates that would do best in one place, the best first; fewer than `count` where there are no more.

        Args:
            chosen: the picks (M,).
            place: which of them is to be replaced.
            number: of the round, which decides the candidates that are looked at.
            asked: texts that the students are asked about.
            count: how many.
        """
        members = self.members[place % len(self.members)]
        order = torch.randperm(len(members), generator=torch_generator(self.seed, "round", number))
        drawn, picks = members[order[: self.looked_at]], self.candidates.at(chosen)
        drawn = drawn[~torch.isin(drawn, chosen)]
        some = asked.at(torch.arange(min(SCREEN, len(asked))))
        for size, texts in ((FEW, some), (count, asked)):
            if len(drawn):
                losses = self.judge.swaps(picks, self.candidates.at(drawn), place, texts)
                drawn = drawn[losses.topk(min(size, len(drawn)), largest=False).indices]
        return drawn

    def place(self, places: int, number: int) -> int:
        """Which text a round is about: all of them in turn, in an order that is drawn for every turn."""
        turn, position = divmod(number, places)
        return int(torch.randperm(places, generator=torch_generator(self.seed, "turn", turn))[position])
