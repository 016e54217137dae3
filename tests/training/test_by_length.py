"""Texts of like length read together against one batch as long as its longest text (in float64)."""

import numpy as np
import pytest
import torch

from tests.training.test_hypergradient import NAMES, small_student
from textdd.training import by_length as module
from textdd.training.by_length import PARTS, by_length, read_as

N, L, D = 11, 7, 5


@pytest.fixture
def texts(monkeypatch):
    """N texts of 0 to L tokens, which count as long."""
    monkeypatch.setattr(module, "LONG", L - 1)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(N, L, D, dtype=torch.float64, generator=generator)
    lengths = torch.tensor([3, 7, 1, 2, 5, 7, 4, 0, 1, 6, 2])
    mask = torch.arange(L) < lengths[:, None]
    mask[1, 2:5] = False  # a gap, as between the segments of a pair
    return x, mask


@pytest.mark.parametrize("students", [1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_answers_and_derivatives_are_those_of_one_batch(name, students, texts, monkeypatch):
    student, (x, mask) = small_student(name), texts
    mask[7, 0] = True  # an empty text has no maximum
    theta = torch.stack([student.fresh(k, dtype=torch.float64) for k in range(students)]).squeeze(0).requires_grad_()

    def read():
        x_below, mask_below = student.below(x, mask)
        logits = student(theta, x_below, mask_below)
        (gradient,) = torch.autograd.grad(logits.square().sum(), theta)
        return logits.detach(), gradient

    parts = read()
    monkeypatch.setattr(module, "LONG", L)
    for found, wanted in zip(parts, read(), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-10, atol=1e-12)


def test_no_part_is_longer_than_its_longest_text(texts):
    seen = []

    def read(x, mask):
        seen.append((tuple(x.shape[:2]), int(mask.nonzero()[:, 1].max()) + 1))
        return (x * mask.unsqueeze(-1)).sum(1)

    x, mask = texts
    found = by_length(read, x, mask)
    assert torch.equal(found, (x * mask.unsqueeze(-1)).sum(1))
    assert seen == [((3, 1), 1), ((3, 3), 3), ((3, 6), 6), ((2, 7), 7)]


def test_short_batches_are_read_as_they_are(texts, monkeypatch):
    monkeypatch.setattr(module, "LONG", L)
    x, mask = texts
    seen = []
    by_length(lambda *own: seen.append((own[0] is x, own[1] is mask)), x, mask)
    assert seen == [(True, True)]


def test_tokens_are_counted_as_they_are_read(monkeypatch):
    monkeypatch.setattr(module, "LONG", 10)
    lengths = np.arange(1, 101)
    assert read_as(lengths, 100, PARTS) == pytest.approx((25 + 50 + 75 + 100) / 4)
    assert read_as(lengths, 100, PARTS - 1) == 100, "too few texts for parts"
    assert read_as(lengths, 10, PARTS) == 10, "no text is long"
