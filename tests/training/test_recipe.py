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


def test_step_sizes_are_constant_and_scaled_for_the_student_and_its_parts():
    recipe = Recipe(steps=3, step_size=0.02)
    assert recipe.step_sizes().tolist() == pytest.approx([0.02] * 3)
    assert recipe.for_parts((10.0,)).step_sizes().tolist() == pytest.approx([0.2] * 3)
    parts = recipe.for_parts((1.0, 0.5))
    assert parts.step_size == (0.02, 0.01)
    assert torch.equal(parts.step_sizes(), torch.tensor([[0.02, 0.01]] * 3))
    assert Recipe(steps=3, step_size=[0.02, 0.01]) == parts  # as it comes from a file


@pytest.mark.parametrize(("epochs", "batch"), [(1, 30), (3, 90), (16, 480)])
def test_a_set_is_divided_so_that_all_of_it_is_seen_as_often_as_asked(epochs, batch):
    recipe = Recipe(steps=16, order="fixed").sized(480, classes=4, epochs=epochs)
    assert recipe.batch == batch
    assert torch.equal(recipe.schedule(480, 0).flatten().bincount(), torch.full((480,), epochs))
