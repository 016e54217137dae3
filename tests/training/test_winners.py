"""Strongest responses and their derivatives, against an ordinary convolution and maximum (in float64)."""

import pytest
import torch
from torch.nn import functional as F

from textdd.training.winners import recalling, remembering, strongest

N, L, D, WIDTHS, COUNTS = 5, 7, 4, (2, 3, 5), (3, 2, 4)


def problem():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(N, L, D, dtype=torch.float64, generator=generator)
    mask = torch.arange(L) < torch.tensor([7, 4, 2, 1, 6]).unsqueeze(1)
    shapes = [(count, width * D) for width, count in zip(WIDTHS, COUNTS, strict=True)]
    weights = [torch.randn(*shape, dtype=torch.float64, generator=generator) for shape in shapes]
    return x, weights, mask


def dense(x, weights, mask):
    """The same by convolutions."""
    found = []
    for width, weight in zip(WIDTHS, weights, strict=True):
        kernel = weight.view(len(weight), width, D).transpose(1, 2)
        responses = F.conv1d(F.pad(x, (0, 0, 0, width - 1)).transpose(1, 2), kernel)  # (N, filters, L)
        if mask is not None:
            responses = responses.masked_fill(~mask.unsqueeze(1), -torch.inf)
        found.append(responses.amax(2))
    return torch.cat(found, 1)


@pytest.mark.parametrize("masked", [False, True])
def test_values_and_derivatives_are_those_of_a_convolution(masked):
    x, weights, mask = problem()
    mask = mask if masked else None
    with torch.no_grad():
        assert torch.allclose(strongest(x, weights, mask), dense(x, weights, mask), rtol=1e-12)
    leaves = [tensor.requires_grad_() for tensor in (x, *weights)]
    found = {}
    for function in (strongest, dense):
        first = torch.autograd.grad(function(x, weights, mask).exp().sum(), leaves, create_graph=True)
        second = torch.autograd.grad(sum(g.sin().sum() for g in first), leaves, create_graph=True)
        third = torch.autograd.grad(sum(g.square().sum() for g in second), leaves)
        found[function] = [*first, *second, *third]
    for got, expected in zip(*found.values(), strict=True):
        assert torch.allclose(got, expected, rtol=1e-10, atol=1e-10 * float(expected.detach().abs().max()))


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_filters_of_several_students_meet_the_texts_of_their_student(own, masked):
    x, weights, mask = problem()
    x = torch.stack([x, x.flip(0)]) if own else x
    mask = (torch.stack([mask, mask.flip(0)]) if own else mask) if masked else None
    leaves = [x.requires_grad_(), *(torch.stack([weight, weight.flip(1)]).requires_grad_() for weight in weights)]

    def one_by_one(x, weights, mask):
        texts = [(x[k], None if mask is None else mask[k]) if own else (x, mask) for k in range(2)]
        found = [strongest(texts[k][0], [weight[k] for weight in weights], texts[k][1]) for k in range(2)]
        return torch.stack(found)

    with torch.no_grad():
        assert torch.allclose(strongest(x, leaves[1:], mask), one_by_one(x, leaves[1:], mask), rtol=1e-12)
    found = {}
    for function in (strongest, one_by_one):
        responses = function(x, leaves[1:], mask)
        first = torch.autograd.grad(responses.tanh().sum(), leaves, create_graph=True)
        second = torch.autograd.grad(sum(g.tanh().sum() for g in first), leaves, create_graph=True)
        third = torch.autograd.grad(sum(g.square().sum() for g in second), leaves)
        found[function] = [responses, *first, *second, *third]
    for got, expected in zip(*found.values(), strict=True):
        assert torch.allclose(got, expected, rtol=1e-10, atol=1e-10 * float(expected.detach().abs().max()))


def test_a_second_pass_takes_the_winners_of_the_first():
    x, weights, mask = problem()
    x.requires_grad_()
    with remembering() as tape:
        first = strongest(x, weights, mask)
    with recalling(tape):
        assert torch.equal(strongest(x.flip(1), weights, mask), first)
    assert not torch.equal(strongest(x.flip(1), weights, mask), first)
