"""Matching gradients through likelihoods: each part against its definition, and what it is for."""

import pytest
import torch
from torch.nn.functional import cosine_similarity, cross_entropy

from textdd.seeds import torch_generator
from textdd.students.adapters import Adapters
from textdd.tasks import OneClass, SeveralLabels
from textdd.writing import matching as module
from textdd.writing.matching import Line, Told, head_gradient, losses_of, match, matched
from textdd.writing.tuning import TuneConfig, loss_of

pytest.importorskip("transformers", reason="needs transformers")

LINES = [
    Line(f"all {name}:\n-", f" {text}")
    for name in ("red", "blue")
    for text in ("rose blood", "brick", "sea ink and sky", "sky rose")
]


def told(count, task, seed, classes=2):
    """Texts with features about a place of their class."""
    generator, strata = torch.Generator().manual_seed(seed), torch.arange(count) * classes // count
    features = torch.eye(6)[strata] + 0.7 * torch.randn(count, 6, generator=generator)
    return Told(features / features.norm(dim=1, keepdim=True), torch.eye(classes)[strata], strata)


def test_the_loss_of_a_line_is_that_of_its_own_tokens(base, adapters):
    found = losses_of(base, adapters, LINES)
    alone = [loss_of(base, adapters, f"{line.before}{line.line}\n", len(line.before)) for line in LINES]
    torch.testing.assert_close(found, torch.stack(alone), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("task", [OneClass(3), SeveralLabels(3)], ids=["one class", "several labels"])
def test_the_gradient_of_a_head_is_what_autograd_finds(task):
    generator = torch_generator(1)
    head, features = torch.randn(3, 5, generator=generator), torch.randn(4, 5, generator=generator)
    labels, weights = torch.eye(3)[[0, 2, 1, 0]], torch.rand(4, generator=generator)
    head.requires_grad_()
    logits = features @ head.t()
    if task.name == "one_class":
        loss = (weights * cross_entropy(logits, labels, reduction="none")).sum()
    else:
        each = torch.nn.functional.binary_cross_entropy_with_logits(logits, labels, reduction="none")
        loss = (weights.unsqueeze(1) * each).sum()
    (expected,) = torch.autograd.grad(loss, head)
    torch.testing.assert_close(head_gradient(head.detach(), features, labels, weights, task), expected)


def test_gradients_with_respect_to_adapters_are_differences(base, adapters):
    written, task = told(8, OneClass(2), 0), OneClass(2)
    head, wanted = torch.randn(2, 6, generator=torch_generator(2)), torch.randn(12, generator=torch_generator(3))

    def loss():
        likely = (-losses_of(base, adapters, LINES)).softmax(0)
        made = head_gradient(head, written.features, written.labels, likely, task)
        return 1 - cosine_similarity(made.flatten(), wanted, dim=0)

    loss().backward()
    for parameter in (adapters.down[0], adapters.up[-1]):
        direction, step, losses = torch.randn(parameter.shape, generator=torch_generator(1)), 1e-2, []
        for sign in (1, -1):
            parameter.data += sign * step * direction
            losses.append(float(loss().detach()))
            parameter.data -= sign * step * direction
        expected = float((parameter.grad * direction).sum())
        assert (losses[0] - losses[1]) / (2 * step) == pytest.approx(expected, rel=0.05, abs=1e-6)


def test_texts_that_teach_become_likelier(base):
    """Of each class, two texts lie where the real ones do, and two on the other side."""
    task, real = OneClass(2), told(200, OneClass(2), 4)
    places = torch.tensor([0, 0, 1, 1, 1, 1, 0, 0])
    strata = torch.tensor([0] * 4 + [1] * 4)
    written = Told(torch.eye(6)[places], torch.eye(2)[strata], strata)
    adapters = Adapters(base.model.base_model, 2, base.path)
    before = losses_of(base, adapters, LINES).detach()
    config = TuneConfig(matching=40, drafts_together=4, rank=2, step_size=0.03)
    losses = match(base, adapters, 0, LINES, written, real, task, config)
    gained = before - losses_of(base, adapters, LINES).detach()
    right = places == strata
    assert gained[right].mean() > gained[~right].mean() + 0.1
    assert sum(losses[-6:]) < sum(losses[:6])


def test_is_done_once_and_leaves_the_model_alone(base, tmp_path, monkeypatch):
    before = [parameter.clone() for parameter in base.model.parameters()]
    given = (LINES, told(8, OneClass(2), 0), told(40, OneClass(2), 1), OneClass(2), TuneConfig(matching=3, rank=2))
    first = matched(base, *given, tmp_path)
    assert all(torch.equal(one, other) for one, other in zip(before, base.model.parameters(), strict=True))
    with monkeypatch.context() as patched:
        patched.setattr(module, "match", None)
        again = matched(base, *given, tmp_path)
    assert first.sha256 == again.sha256 != base.sha256
    pairs = zip(first.model.parameters(), again.model.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)
