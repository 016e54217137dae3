"""The student in closed form, and the rank-one updates, against training it anew."""

import pytest
import torch

from textdd.choosing.ridge import answers_if_swapped, kernel, unit, weights


@pytest.fixture
def features():
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randn(30, 6, generator=generator)
    return unit(drawn, drawn.mean(0))


def test_unit_features_have_length_one(features):
    assert torch.allclose(features.norm(dim=1), torch.ones(30))
    assert unit(torch.ones(2, 3), torch.ones(3)).tolist() == [[0.0] * 3] * 2  # the middle itself has no direction


def test_answers_are_those_of_ridge_regression_on_features_with_a_constant_one(features):
    """(K + λ I)⁻¹ in the kernel is (ΦᵀΦ + λ I)⁻¹ in the features."""
    chosen, asked = features[:8], features[8:]
    targets = torch.randn(8, 2, generator=torch.Generator().manual_seed(1)).double()
    with_bias = torch.cat([chosen, torch.ones(8, 1)], 1).double()
    primal = torch.linalg.solve(with_bias.T @ with_bias + 0.3 * torch.eye(7), with_bias.T @ targets)
    expected = torch.cat([asked, torch.ones(22, 1)], 1).double() @ primal
    found = kernel(asked, chosen) @ weights(kernel(chosen, chosen), targets, 0.3)
    assert torch.allclose(found, expected)


@pytest.mark.parametrize("ridge", [1e-3, 0.1, 3.0])
@pytest.mark.parametrize("size", [1, 2, 9])
def test_a_swap_answers_as_the_student_that_is_trained_on_the_swapped_set(size, ridge, features):
    chosen, candidates, asked = features[:size], features[10:15], features[15:]
    generator = torch.Generator().manual_seed(2)
    targets, wanted = (torch.randn(n, 3, generator=generator).double() for n in (size, 5))
    own = candidates.double().square().sum(1) + 1
    for place in range(size):
        found = answers_if_swapped(
            kernel(asked, chosen), kernel(asked, candidates), kernel(chosen, chosen), kernel(candidates, chosen), own,
            targets, wanted, place, ridge,
        )  # fmt: skip
        for j in range(5):
            swapped, labels = chosen.clone(), targets.clone()
            swapped[place], labels[place] = candidates[j], wanted[j]
            anew = kernel(asked, swapped) @ weights(kernel(swapped, swapped), labels, ridge)
            assert torch.allclose(found[:, j], anew, atol=1e-9)
