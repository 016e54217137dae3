"""The outer loss in micro-batches is the loss, and its gradient the gradient."""

import pytest
import torch

from tests.distillers.test_distillers import options, prepared
from textdd.outer.plan import choose
from textdd.spaces.reading import Batch


@pytest.mark.parametrize("changes", [{}, {"students": 2, "losses": 2, "engine": "recompute"}], ids=["one", "several"])
def test_the_gradient_is_that_of_the_whole_batch(problem, changes):
    found = []
    for micro_batch in (0, 5):
        distiller = prepared(options("meta_gradient", targets="labels", micro_batch=micro_batch, **changes), problem)
        distiller.double()
        batch = problem.reader(dtype=torch.float64)(problem.train.batch(torch.arange(32).numpy()))
        loss = distiller.objective(batch, 0)
        found.append([loss, *torch.autograd.grad(loss, list(distiller.synthetic.parameters()))])
    for got, expected in zip(*found, strict=True):
        assert torch.allclose(got, expected, rtol=1e-9, atol=1e-12)


def test_the_plan_knows_that_it_takes_less(problem):
    peaks = []
    for micro_batch in (0, 4):
        distiller = prepared(options("meta_gradient", micro_batch=micro_batch, targets="labels"), problem)
        batch = problem.reader()(problem.train.batch(torch.arange(128).numpy()))
        larger = Batch(*(part.repeat(8, *[1] * (part.dim() - 1)) for part in batch))
        peaks.append(choose([distiller], larger, 1e12, alone=True)[1])
    assert peaks[1] < peaks[0] / 2
