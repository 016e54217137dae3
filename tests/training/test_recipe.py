"""Schedules: which examples each training step sees."""

import pytest
import torch

from textdd.training import Recipe


def test_fixed_order_goes_round_and_round():
    rows = Recipe(steps=4, batch=3, order="fixed").schedule(size=5, seed=0)
    assert rows.tolist() == [[0, 1, 2], [3, 4, 0], [1, 2, 3], [4, 0, 1]]


def test_shuffled_order_sees_every_example_once_per_epoch():
    rows = Recipe(steps=6, batch=4, order="shuffled").schedule(size=8, seed=1)
    first, second, third = rows.view(3, 8)
    assert sorted(first.tolist()) == sorted(second.tolist()) == sorted(third.tolist()) == list(range(8))
    assert first.tolist() != second.tolist()


def test_seed_decides_the_shuffle():
    recipe = Recipe(steps=5, batch=4)
    assert torch.equal(recipe.schedule(20, 7), recipe.schedule(20, 7))
    assert not torch.equal(recipe.schedule(20, 7), recipe.schedule(20, 8))


@pytest.mark.parametrize("size", [1, 3, 64])
def test_a_batch_is_never_larger_than_the_set(size):
    assert Recipe(steps=2, batch=64).schedule(size, 0).shape == (2, size)
