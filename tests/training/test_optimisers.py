"""The functional optimisers walk exactly where torch.optim walks."""

import pytest
import torch

from textdd.errors import TextddError
from textdd.training import OPTIMISERS, make_optimiser

THEIRS = {
    "sgd": lambda p, lr: torch.optim.SGD([p], lr),
    "momentum": lambda p, lr: torch.optim.SGD([p], lr, momentum=0.9),
    "adam": lambda p, lr: torch.optim.Adam([p], lr),
    "smooth_adam": lambda p, lr: torch.optim.Adam([p], lr, eps=1e-3),
}


@pytest.mark.parametrize("name", OPTIMISERS)
def test_equals_torch(name):
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(50, dtype=torch.float64, generator=generator)
    theirs = torch.nn.Parameter(start.clone())
    reference, ours = THEIRS[name](theirs, 0.05), make_optimiser(name)
    theta, slots = start, ours.start(start)
    for t in range(30):
        gradient = torch.randn(50, dtype=torch.float64, generator=generator)
        gradient[:5] = 0  # units that never fire
        theirs.grad = gradient.clone()
        reference.step()
        theta, slots = ours.update(theta, gradient, slots, torch.tensor(0.05, dtype=torch.float64), t)
        assert torch.allclose(theta, theirs.detach(), rtol=1e-12, atol=1e-14)


def test_unknown_name_says_what_to_type():
    with pytest.raises(TextddError, match=r"'adamm'.*adam, .*Type: distiller.inner_optimiser=adam"):
        make_optimiser("adamm")
