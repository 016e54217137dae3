"""Update alignment: what the gradient of adapters is, a minimum where it belongs, and the derivative."""

import pytest
import torch
from torch.nn import functional as F

from tests.distillers.test_distillers import options
from tests.tiny import tiny_llama
from textdd.distillers.gradient_matching import full_gradients
from textdd.distillers.update_alignment import misaligned
from textdd.outer.distil import make_distiller
from textdd.spaces.reading import Batch
from textdd.students import STUDENTS, make_student
from textdd.students.adapters import SCALE
from textdd.students.causal_lm import CausalLMConfig


@pytest.fixture
def adapted(tmp_path):
    """A language model with fresh adapters, in double precision, and what it reads."""
    pytest.importorskip("transformers", reason="needs transformers")
    config = CausalLMConfig(
        path=tiny_llama(tmp_path, 6), template="{text} word3", words=["word1", "word2"], tuning="lora:2"
    )
    student = make_student(config, 6, 2)
    generator = torch.Generator().manual_seed(0)
    return student, torch.randn(3, 5, 6, generator=generator).double(), torch.eye(2)[[0, 1, 1]].double()


def test_adapters_see_a_sketch_of_what_the_frozen_weights_would_like(adapted):
    """The gradient with respect to B is U Aᵀ, times the scale, with U that of the weights themselves; A has none."""
    student, x, y = adapted
    theta = student.fresh(1, dtype=torch.float64)
    found = full_gradients(student, theta, x, y)
    parameters = student.unflatten(theta)
    module = student.module.double()
    body, adapters = module.base, module.adapters
    with torch.no_grad():
        for name, value in parameters.items():
            module.get_parameter(name).copy_(value)
    weights = [body.get_parameter(f"{name}.weight").requires_grad_() for name in adapters.names]
    module.adapters = None  # B is zero: without adapters it reads as with them
    loss = student.task.inner_loss(module.head(module.read(x, None)), y)
    wanted = torch.autograd.grad(loss, weights)
    by_name = dict(zip((n for n, v in parameters.items() if v.dim() > 1), found, strict=True))
    for i, update in enumerate(wanted):
        expected = SCALE * update @ parameters[f"adapters.down.{i}"].t()
        torch.testing.assert_close(by_name[f"adapters.up.{i}"], expected, atol=1e-10, rtol=1e-6)
        assert not by_name[f"adapters.down.{i}"].any()


def test_equal_sets_are_aligned(problem):
    distiller = make_distiller(options("update_alignment"), problem)
    x, one_hot = distiller.synthetic.x.detach(), distiller.synthetic.one_hot
    batch = Batch(x.clone(), torch.ones(x.shape[:2], dtype=torch.bool), one_hot.argmax(1))
    assert distiller.objective(batch, step=0).item() == pytest.approx(0, abs=1e-4)
    assert distiller.objective(batch._replace(labels=batch.labels.roll(1)), step=0) > 0.1


@pytest.mark.parametrize("name", ["textcnn", "lstm"])
def test_its_derivative_is_that_of_finite_differences(name):
    student = make_student(STUDENTS[name][1](), 4, 3)
    generator = torch.Generator().manual_seed(2)
    x, ours = (torch.randn(n, 5, 4, generator=generator).double() for n in (8, 2))
    theta, labels = student.fresh(5, dtype=torch.float64), F.one_hot(torch.arange(8) % 3).double()
    real = [part.detach() for part in full_gradients(student, theta, x, labels)]

    def loss(ours, logits):
        parts = full_gradients(student, theta, ours, logits.softmax(1))
        return sum(misaligned(one, other) for one, other in zip(real, parts, strict=True))

    logits = torch.tensor([[0.0, 2.0, 0.0], [0.0, 0.0, 1.0]]).double().requires_grad_()
    assert torch.autograd.gradcheck(loss, (ours.requires_grad_(), logits), eps=1e-7, atol=1e-4, rtol=1e-3)


def test_it_aligns_the_updates_of_adapters(adapted):
    """Gradient descent on a set of two texts for a fixed batch lowers the angle for adapters that it has not seen."""
    student, x, y = adapted
    ours, asked = (
        torch.randn(2, 5, 6, generator=torch.Generator().manual_seed(3)).double().requires_grad_(),
        torch.eye(2),
    )
    optimiser = torch.optim.Adam([ours], lr=0.05)

    def loss(seed):
        theta = student.fresh(seed, dtype=torch.float64)
        pairs = zip(
            full_gradients(student, theta, x, y), full_gradients(student, theta, ours, asked.double()), strict=True
        )
        return torch.stack([misaligned(one, other) for one, other in pairs if bool(one.any())]).sum()

    before = float(loss(1000).detach())
    for step in range(80):
        optimiser.zero_grad()
        loss(step).backward()
        optimiser.step()
    assert float(loss(1000).detach()) < 0.6 * before
