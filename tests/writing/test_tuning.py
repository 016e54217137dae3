"""Tuning a writer: what is learned, from which tokens, by the right gradient, and once."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from textdd.distillers.generate import GenerateConfig
from textdd.errors import TextddError
from textdd.seeds import torch_generator
from textdd.students.adapters import Adapters
from textdd.writing import tuning as module
from textdd.writing.tuning import TuneConfig, learn, loss_of, tuned

pytest.importorskip("transformers", reason="needs transformers")

PROMPTS = [("red red\n\n- rose blood\n- brick\n-", 9), ("blue blue\n\n- sea ink\n- sky\n-", 11)] * 20


def test_the_loss_is_that_of_the_texts_tokens_alone(base):
    words, header = PROMPTS[0]
    ids = base.tokeniser(words, return_tensors="pt")["input_ids"]
    before = base.tokeniser(words[:header], return_tensors="pt")["input_ids"].shape[1]
    logits = base.model(input_ids=ids).logits[0]
    expected = cross_entropy(logits[before - 1 : -1], ids[0, before:])
    untrained = Adapters(base.model.base_model, 2, base.path)  # B = 0: the body reads as it did
    assert torch.allclose(loss_of(base, untrained, words, header), expected, atol=1e-6)


def test_gradients_are_differences(base, adapters):
    words, header = PROMPTS[1]
    loss_of(base, adapters, words, header).backward()
    for parameter in (adapters.down[0], adapters.up[-1]):
        direction, step = torch.randn(parameter.shape, generator=torch_generator(1)), 1e-2
        losses = []
        for sign in (1, -1):
            parameter.data += sign * step * direction
            losses.append(float(loss_of(base, adapters, words, header).detach()))
            parameter.data -= sign * step * direction
        assert (losses[0] - losses[1]) / (2 * step) == pytest.approx(
            float((parameter.grad * direction).sum()), rel=0.02
        )


def test_learns_and_leaves_the_model_alone(base, tmp_path):
    before = [parameter.clone() for parameter in base.model.parameters()]
    config = TuneConfig(steps=len(PROMPTS), rank=2, step_size=0.03)
    adapters = Adapters(base.model.base_model, 2, base.path)
    losses = learn(base, adapters, 0, PROMPTS, config)
    assert sum(losses[-4:]) < 0.9 * sum(losses[:4])
    made = tuned(base, PROMPTS, config, tmp_path)
    words, header = PROMPTS[0]
    told = loss_of(made, Adapters(made.model.base_model, 2, made.path), words, header)
    assert float(told.detach()) < float(
        loss_of(base, Adapters(base.model.base_model, 2, base.path), words, header).detach()
    )
    assert all(torch.equal(one, other) for one, other in zip(before, base.model.parameters(), strict=True))
    assert made.sha256 != base.sha256


def test_is_done_once(base, tmp_path, monkeypatch):
    config = TuneConfig(steps=4, rank=2)
    first = tuned(base, PROMPTS[:4], config, tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(module, "learn", None)
        again = tuned(base, PROMPTS[:4], config, tmp_path)
    assert again.sha256 == first.sha256
    assert all(torch.equal(a, b) for a, b in zip(first.model.parameters(), again.model.parameters(), strict=True))
    assert tuned(base, PROMPTS[:3], config, tmp_path).sha256 != first.sha256


@pytest.mark.parametrize(
    ("options", "why"), [({"endpoint": "http://localhost:1/v1"}, "server"), ({"examples": 0}, "without")]
)
def test_what_cannot_be_tuned_is_told(options, why):
    if "endpoint" not in options:
        options["language_model"] = "somewhere"
    for name in ("steps", "matching"):
        with pytest.raises(TextddError, match=rf"{why}.*Type: distiller\.tune\.{name}=0"):
            GenerateConfig(**options, tune=TuneConfig(**{name: 3})).check()
