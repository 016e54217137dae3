"""The judge against its definition; the search: what it may swap, what it keeps, and that a kill changes nothing."""

import dataclasses

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from textdd.choosing.judging import TEMPERATURES, Judge, Texts
from textdd.choosing.labels import learned_labels
from textdd.choosing.ridge import kernel, unit, weights
from textdd.choosing.search import Search, State
from textdd.tasks import OneClass, SeveralLabels


def texts(count, seed, classes=3, several=False):
    """Texts whose first view tells the classes, and whose second is half noise."""
    generator = torch.Generator().manual_seed(seed)
    targets = torch.arange(count) % classes
    clean = 2 * F.one_hot(targets, 5) + torch.randn(count, 5, generator=generator)
    noisy = torch.cat([clean, torch.randn(count, 4, generator=generator)], 1)
    flags = F.one_hot(targets, classes).bool() | (torch.rand(count, classes, generator=generator) < 0.2)
    views = tuple(unit(view, view.mean(0)) for view in (clean, noisy))
    return Texts(views, flags if several else targets)


@pytest.fixture(params=[False, True], ids=["one class", "several labels"])
def several(request):
    return request.param


@pytest.fixture
def judge(several):
    return Judge(SeveralLabels(3) if several else OneClass(3), (0.1, 1.0))


def search(judge, several, **changes):
    options = {"seed": 0, "asked": 60, "looked_at": 40, "redraw": 4, "patience": 100} | changes
    strata = torch.arange(150) % 3
    return Search(judge, texts(150, 1, several=several), strata, texts(200, 2, several=several),
                  texts(90, 3, several=several), **options)  # fmt: skip


def test_the_loss_is_the_mean_of_the_students_at_their_best_temperatures(judge, several):
    chosen, asked = texts(9, 1, several=several), texts(40, 2, several=several)
    middle = 0.5 if several else 1 / 3
    y = (chosen.targets if several else F.one_hot(chosen.targets, 3)).double() - middle
    expected = []
    for view in range(2):
        ours, theirs = chosen.views[view], asked.views[view]
        for ridge in (0.1, 1.0):
            answers = (kernel(theirs, ours) @ weights(kernel(ours, ours), y, ridge)).float()
            expected.append(min(float(judge.task.loss(t * answers, asked.targets)) for t in TEMPERATURES))
    assert judge.fit(chosen, asked) == pytest.approx(np.mean(expected), rel=1e-5)
    assert judge.loss(chosen, asked) == pytest.approx(np.mean(expected), rel=1e-5)


def test_swaps_are_scored_as_if_they_had_been_made(judge, several):
    chosen, candidates, asked = (texts(n, seed, several=several) for n, seed in ((6, 1), (7, 2), (40, 3)))
    judge.fit(chosen, asked)
    scores = judge.swaps(chosen, candidates, 4, asked)
    for j in range(7):
        views = tuple(view.clone() for view in chosen.views)
        targets = chosen.targets.clone()
        targets[4] = candidates.targets[j]
        for view, other in zip(views, candidates.views, strict=True):
            view[4] = other[j]
        assert float(scores[j]) == pytest.approx(judge.loss(Texts(views, targets), asked), rel=1e-4)


def test_a_search_lowers_the_loss_and_keeps_the_classes(judge, several, tmp_path):
    seen = []
    found = search(judge, several)
    start = list(range(9))
    state = found.run(start, 60, tmp_path / "search.json", lambda step, metrics: seen.append((step, metrics)))
    assert state.swaps > 3
    assert len(set(state.best)) == 9
    assert [row % 3 for row in state.best] == [row % 3 for row in start]
    judge.fit(found.candidates.at(torch.tensor(start)), found.train)
    before = judge.loss(found.candidates.at(torch.tensor(start)), found.validation)
    judge.fit(found.candidates.at(torch.tensor(state.best)), found.train)
    assert judge.loss(found.candidates.at(torch.tensor(state.best)), found.validation) < before
    assert [step for step, _ in seen] == list(range(4, 64, 4))
    assert all(np.isfinite(list(metrics.values())).all() for _, metrics in seen)


class Killed(Exception):
    """Stands for a kill."""


def test_a_killed_search_goes_on_to_the_same_result(judge, several, tmp_path):
    whole = search(judge, several).run(list(range(9)), 30, tmp_path / "whole.json", lambda *_: None)

    def kill(step, metrics):
        if step == 16:
            raise Killed

    with pytest.raises(Killed):
        search(judge, several).run(list(range(9)), 30, tmp_path / "killed.json", kill)
    assert State.read(tmp_path / "killed.json").round == 12
    again = search(judge, several).run([0] * 9, 30, tmp_path / "killed.json", lambda *_: None)
    ignored = {"seconds": 0.0}
    assert dataclasses.replace(again, **ignored) == dataclasses.replace(whole, **ignored)


def test_a_search_that_gets_no_better_ends(judge, several, tmp_path):
    found = search(judge, several, patience=2, redraw=1)
    state = found.run(list(range(9)), 10_000, tmp_path / "search.json", lambda *_: None)
    assert state.round < 10_000
    again = search(judge, several, patience=2, redraw=1)
    assert again.run([0] * 9, 10_000, tmp_path / "search.json", lambda *_: None).best == state.best


def test_a_class_without_other_texts_keeps_them(judge, several, tmp_path):
    found = search(judge, several)
    found.candidates, found.strata = found.candidates.at(torch.arange(6)), found.strata[:6]
    found.__post_init__()
    assert found.run(list(range(6)), 8, tmp_path / "search.json", lambda *_: None).best == list(range(6))


def test_learned_labels_lower_the_loss(judge, several):
    """The loss is convex in the labels, so the hard ones they start from are no better."""
    chosen, asked = texts(9, 1, several=several), texts(200, 2, several=several)
    judge.fit(chosen, asked)
    y = learned_labels(judge, chosen, asked)
    assert y.shape == (9, 3)
    assert bool((y >= 0).all() and (y <= 1).all())
    if not several:
        assert torch.allclose(y.sum(1), torch.ones(9))

    def loss(labels):
        middle, found = 0.5 if several else 1 / 3, []
        temperatures = iter(judge.temperatures)
        for ours, theirs in zip(chosen.views, asked.views, strict=True):
            for ridge in judge.ridges:
                answers = kernel(theirs, ours) @ weights(kernel(ours, ours), labels.double() - middle, ridge)
                found.append(judge.task.loss(next(temperatures) * answers.float(), asked.targets))
        return float(torch.stack(found).mean())

    assert loss(y) < loss(judge.task.as_labels(chosen.targets)) - 1e-3
