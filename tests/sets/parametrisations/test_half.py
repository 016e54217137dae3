"""Half precision: what is kept is smaller only where nothing is lost."""

import torch
from torch import nn

from textdd.sets.parametrisations import Free
from textdd.sets.parametrisations.half import narrowed, round_to_half, widened


def test_rounding_is_to_eleven_binary_digits_and_in_place():
    texts = Free(torch.tensor([[[1 / 3, -1000.3, 1e-9, 1e6]]]))
    parameter = texts.x
    round_to_half(texts)
    assert texts.x is parameter
    assert texts.x.dtype == torch.float32
    third = 1365 / 4096  # 1 / 3 = 0.0101...b, of which eleven digits from the first one on are kept
    assert torch.equal(texts.x, torch.tensor([[[third, -1000.5, 0.0, 1e6]]]))  # 1e6 is beyond the range, and stays


def test_only_what_16_bits_hold_is_narrowed():
    exact, inexact = torch.tensor([0.5, -3.0]), torch.tensor([0.5, 0.1])
    assert narrowed(exact).dtype == torch.float16
    assert torch.equal(widened(narrowed(exact)), exact)
    assert narrowed(inexact) is inexact
    for other in (exact.double(), torch.tensor([1, 2])):
        assert narrowed(other) is widened(other) is other


def test_a_rounded_module_is_kept_in_half_the_room():
    texts = Free(torch.randn(4, 6, 5, generator=torch.Generator().manual_seed(0)))
    before, x = texts.stored_bytes(), texts().detach().clone()
    round_to_half(texts)
    assert texts.stored_bytes() == before / 2
    assert (texts() - x).abs().max() <= x.abs().max() * 2**-11
    assert isinstance(texts.x, nn.Parameter)
    again = Free.from_stored(texts.stored(), None)
    assert again.x.dtype == torch.float32
    assert torch.equal(again(), texts())
