"""The mini-batches that a set is taught in: a part of it, all of it, none left out."""

import pytest
import torch

from textdd.outer.config import DistillerConfig
from textdd.outer.start.start import recipe_of


@pytest.mark.parametrize(
    ("size", "classes", "expected"), [(120, 4, 8), (560, 14, 35), (12, 4, 4), (4, 4, 4), (54, 6, 6), (3, 3, 3)]
)
def test_mini_batches_divide_the_set(size, classes, expected):
    assert recipe_of(DistillerConfig(inner_steps=16, inner_batch=0), size, classes).batch == expected


@pytest.mark.parametrize(
    ("size", "classes", "expected"), [(120, 4, 11), (33, 4, 11), (12, 4, 4), (30, 6, 10), (4, 4, 4)]
)
def test_a_given_batch_size_is_used_where_the_set_has_three_batches(size, classes, expected):
    assert recipe_of(DistillerConfig(inner_batch=11), size, classes).batch == expected


@pytest.mark.parametrize(("order", "batch"), [("fixed", 13), ("shuffled", 11)])
def test_no_example_of_a_large_set_is_left_out(order, batch):
    recipe = recipe_of(DistillerConfig(inner_batch=11, inner_steps=24, order=order), 300, 4)
    assert recipe.batch == batch
    rows = torch.cat([recipe.schedule(300, seed).flatten() for seed in range(20)])
    assert rows.unique().numel() == 300


@pytest.mark.parametrize(("size", "classes"), [(120, 4), (33, 4), (4, 4)])
def test_the_whole_set_can_be_taught_in_every_step(size, classes):
    recipe = recipe_of(DistillerConfig(inner_batch=-1, inner_steps=3), size, classes)
    assert recipe.schedule(size, seed=0).tolist() == [list(range(size))] * 3
