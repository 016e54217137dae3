"""From one space to another by the words that they share: an exact map is found again, and sets are carried by it."""

from dataclasses import replace

import pytest
import torch

from textdd.errors import TextddError
from textdd.sets import between
from textdd.sets.between import carried, linear_map, shared_words
from textdd.sets.training_set import TrainingSet
from textdd.spaces.frame import Frame


@pytest.fixture
def other(space):
    """The words of a space in another: turned and shifted, with a frame around texts."""
    generator = torch.Generator().manual_seed(0)
    weights, bias = torch.randn(16, 20, generator=generator), torch.randn(20, generator=generator)
    return replace(space, table=space.table @ weights + bias, frame=Frame((1,), (), (0,)), name="other"), weights, bias


def test_marks_are_no_words(space, other):
    ours, theirs = shared_words(space, other[0])
    assert torch.equal(ours, theirs)
    assert 100 < len(ours) <= len(space.table) - 2  # [PAD] and [UNK]
    assert not {0, 1} & set(ours.tolist())


def test_a_map_that_there_is_is_found(space, other, monkeypatch):
    target, weights, bias = other
    monkeypatch.setattr(between, "RIDGE", 1e-12)
    found = linear_map(space, target)
    assert torch.allclose(found[0], weights, atol=1e-3)
    assert torch.allclose(found[1], bias, atol=1e-3)


def test_of_maps_that_there_are_none_the_nearest_is_found(space, other):
    """No small change of it lowers the error."""
    generator = torch.Generator().manual_seed(1)
    target = replace(other[0], table=torch.randn(len(space.table), 5, generator=generator))
    (ours, theirs), (weights, bias) = shared_words(space, target), linear_map(space, target)

    def error(weights, bias):
        x, penalty = (
            space.table[ours],
            between.RIDGE * (space.table[ours] - space.table[ours].mean(0)).square().sum() / 16,
        )
        return (x @ weights + bias - target.table[theirs]).square().sum() + penalty * weights.square().sum()

    least = error(weights, bias)
    for _ in range(20):
        change = 0.01 * torch.randn(weights.shape, generator=generator), 0.01 * torch.randn(5, generator=generator)
        assert error(weights + change[0], bias + change[1]) > least


def test_a_set_is_carried_with_the_frame_of_where_it_comes_to(space, other):
    target, weights, bias = other
    x = space.table[torch.arange(2, 14).view(3, 4)]
    examples = TrainingSet(x, torch.eye(3), None, 77)
    there = carried(examples, space, target)
    assert there.x.shape == (3, 6, 20)
    assert torch.equal(there.x[:, 0], target.table[1].expand(3, -1))
    assert torch.equal(there.x[:, -1], target.table[0].expand(3, -1))
    assert torch.allclose(there.x[:, 1:-1], x @ weights + bias, atol=0.05)
    assert torch.equal(there.y, examples.y)
    back = carried(there, target, space)
    assert torch.allclose(back.x, x, atol=0.05)


def test_too_few_shared_words_are_told(space, other):
    narrow = replace(other[0], tokeniser=type("Few", (), {"get_vocab": lambda self: {"[PAD]": 0, "word": 1}})())
    with pytest.raises(TextddError, match=r"share 0 words; a linear map of 16 numbers .*dataset.vocabulary=160"):
        linear_map(space, narrow)
