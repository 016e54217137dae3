"""Gradients with checkpoints are those without, and less is kept for them, but where a gradient is differentiated."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from tests.distillers.test_distillers import options
from tests.tiny import tiny_bert, tiny_gpt, tiny_llama
from textdd.cli import compose_config
from textdd.config import register, to_run
from textdd.distillers.gradient_matching import full_gradients
from textdd.errors import TextddError
from textdd.outer.distil import make_distiller
from textdd.outer.plan import peak_of
from textdd.prepare import prepare
from textdd.spaces.checkpoint import Checkpoint
from textdd.students import make_student
from textdd.students.body import place_of
from textdd.students.causal_lm import CausalLMConfig
from textdd.students.checkpointed import checkpointed
from textdd.students.pretrained import PretrainedConfig
from textdd.tasks import Generation
from textdd.training import Lesson, State, make_optimiser, recompute, unroll
from textdd.training.training import step
from textdd.training.twice import differentiated_twice, is_differentiated_twice

pytest.importorskip("transformers", reason="needs transformers")

N, L, C = 6, 12, 3


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    sizes = {"num_hidden_layers": 4, "intermediate_size": 32, "num_attention_heads": 2, "head_dim": 8}
    return tiny_llama(tmp_path_factory.mktemp("llama"), 16, **sizes)


@pytest.fixture(scope="module")
def gpt(tmp_path_factory):
    return str(tiny_gpt(tmp_path_factory.mktemp("gpt"), 1.0))


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    return str(tiny_bert(tmp_path_factory.mktemp("bert"), 16))


def of_llama(path, **options):
    given = {"answer": "head", "template": "Text: {text}\nLabel:", **options}
    return CausalLMConfig(path=path, **given)


ASKED = [
    ("llama", of_llama, {"tuning": "head"}),
    ("llama", of_llama, {"tuning": "lora:2"}),
    ("llama", of_llama, {"tuning": "top:2"}),
    ("llama", of_llama, {"tuning": "full"}),
    ("llama", of_llama, {"tuning": "lora:2", "dtype": "bfloat16"}),
    ("llama", of_llama, {"tuning": "lora:2", "answer": "verbaliser", "words": ["good", "very bad", "fair"]}),
    ("gpt", of_llama, {"tuning": "lora:2", "template": "word1 {text} word2"}),
    ("bert", lambda path, **options: PretrainedConfig(path=path, **options), {"tuning": "head"}),
    ("bert", lambda path, **options: PretrainedConfig(path=path, **options), {"tuning": "lora:2"}),
    ("bert", lambda path, **options: PretrainedConfig(path=path, **options), {"tuning": "top:1"}),
    ("bert", lambda path, **options: PretrainedConfig(path=path, **options), {"tuning": "full"}),
]


@pytest.fixture(params=ASKED, ids=lambda asked: " ".join([asked[0], *map(str, asked[2].values())]))
def both(request):
    """The same student without and with checkpoints, its parameters away from the start, texts and labels."""
    kind, config, options = request.param
    path = request.getfixturevalue(kind)
    dimension = make_dimension(path)
    students = [
        make_student(config(path, checkpointing=checkpointing, **options), dimension, C)
        for checkpointing in (False, True)
    ]
    generator = torch.Generator().manual_seed(0)
    theta = students[0].fresh(0) + 0.05 * torch.randn(students[0].size, generator=generator)
    x = torch.randn(N, L, dimension, generator=generator)
    mask = torch.arange(L) < torch.arange(N).remainder(4).add(L - 4).unsqueeze(1)
    return students, theta, x, torch.eye(C)[torch.arange(N) % C], mask


def make_dimension(path):
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(path)
    return getattr(config, "hidden_size", None) or config.n_embd


class Kept:
    """Counts the bytes of what is kept for a backward pass."""

    def __init__(self):
        self.bytes = 0
        self.hooks = torch.autograd.graph.saved_tensors_hooks(self.pack, lambda tensor: tensor)

    def pack(self, tensor):
        self.bytes += tensor.nbytes
        return tensor


def loss_of(student, theta, x, y, mask):
    read, seen = student.below(x, mask)
    return student.inner_loss(theta, read, y, seen)


def first_order(student, theta, x, y, mask):
    """Gradients for texts and parameters, and the bytes kept for them."""
    x, theta, kept = x.clone().requires_grad_(), theta.clone().requires_grad_(), Kept()
    with kept.hooks:
        loss = loss_of(student, theta, x, y, mask)
    return torch.autograd.grad(loss, (x, theta)), kept.bytes


def test_gradients_of_the_first_order_are_the_same_for_less(both):
    students, *given = both
    (expected, before), (got, after) = (first_order(student, *given) for student in students)
    for one, other in zip(got, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)
    assert after < 0.5 * before


def test_what_another_student_reads_meanwhile_does_not_matter(both):
    """Students share a body, and parameters are in it no longer when a gradient makes activations again."""
    students, theta, x, y, mask = both
    expected, _ = first_order(students[0], theta, x, y, mask)
    other_theta = students[1].fresh(7)
    leaves = x.clone().requires_grad_(), theta.clone().requires_grad_()
    loss = loss_of(students[1], leaves[1], leaves[0], y, mask)
    loss_of(students[1], other_theta, x, y, mask)
    for one, other in zip(torch.autograd.grad(loss, leaves), expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_nothing_is_left_in_the_body(both):
    students, theta, x, y, mask = both
    parts = list(students[1].module.modules())
    hooks = [len(part._forward_hooks) for part in parts]
    loss_of(students[1], theta, x, y, mask)
    assert [len(part._forward_hooks) for part in parts] == hooks
    assert not any("forward" in part.__dict__ for part in parts)


def test_trainings_are_differentiated_as_without(both):
    """By both engines, to the bit."""
    students, theta, x, y, mask = both
    optimiser, found = make_optimiser("adam"), []
    for engine in (unroll, recompute):
        for student in students:
            leaf = x.clone().requires_grad_()
            read, seen = student.below(leaf, mask)
            rows = torch.arange(N).view(2, N // 2)
            lesson = Lesson(read, y, torch.full((2,), 0.01), rows, seen)
            (state,) = engine(student, optimiser, State.fresh(theta.clone(), optimiser), lesson, [2])
            judged = loss_of(student, state.theta, x.flip(0), y.flip(0), mask.flip(0))
            found.append(torch.autograd.grad(judged, leaf)[0])
    for one, other in (found[:2], found[2:]):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def kept_by_a_step(student, theta, x, y, mask, differentiable):
    """Bytes that a step keeps, of texts that are learned where it is differentiated."""
    optimiser, kept = make_optimiser("sgd"), Kept()
    read, seen = student.below(x.clone().requires_grad_(differentiable), mask)
    lesson = Lesson(read, y, torch.full((1,), 0.1), torch.arange(N).view(1, N), seen)
    state = State.fresh(theta.clone().requires_grad_(), optimiser)
    with kept.hooks:
        step(student, optimiser, state, lesson.portion(0), differentiable=differentiable)
    return kept.bytes


def test_steps_have_checkpoints_but_in_layers_that_learn_where_they_are_differentiated(both):
    students, *given = both
    if students[0].reads_once:  # the body is no part of a step
        return
    plain, spared = ([kept_by_a_step(student, *given, d) for d in (True, False)] for student in students)
    module = students[1].module
    frozen = len(module.body.get_submodule(module.place)) - module.depth
    below = module.adapters is None and frozen and getattr(module, "lower", None) is None
    assert (spared[0] < plain[0]) if below else (spared[0] == plain[0])
    assert spared[1] < 0.7 * plain[1]


def test_gradients_of_gradients_of_all_layers_are_the_same(both):
    students, theta, x, y, mask = both
    found = []
    for student in students:
        leaf = x.clone().requires_grad_()
        read, seen = student.below(leaf, mask)
        total = sum(part.square().sum() for part in full_gradients(student, theta, read, y, seen))
        found.append(torch.autograd.grad(total, leaf)[0])
    torch.testing.assert_close(found[1], found[0], rtol=0, atol=0)


@pytest.mark.parametrize("tuning", ["lora:2", "full"])
def test_checkpoints_have_a_double_backward_that_saves_nothing(llama, tuning):
    """Why steps that are differentiated have none: what was made again is kept for the second derivative."""
    student = make_student(of_llama(llama, tuning=tuning), 16, C)
    module, theta = student.module, student.fresh(0)
    layers = module.body.get_submodule(place_of(module._original[0].base_model.layers, module._original[0]))
    x, y = torch.randn(N, L, 16, generator=torch.Generator().manual_seed(1)), torch.eye(C)[torch.arange(N) % C]

    def of_second_order():
        leaves, kept = (x.clone().requires_grad_(), theta.clone().requires_grad_()), Kept()
        with kept.hooks:
            loss = student.inner_loss(leaves[1], leaves[0], y)
            (gradient,) = torch.autograd.grad(loss, leaves[1], create_graph=True)
        return torch.autograd.grad(gradient.square().sum(), leaves), kept.bytes

    expected, before = of_second_order()
    module.hung = lambda: checkpointed(list(layers), module.adapters, module.base)
    got, after = of_second_order()
    for one, other in zip(got, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-7)
    assert after > 0.7 * before


def test_attention_is_given_by_checkpoints_too(bert):
    students = [
        make_student(PretrainedConfig(path=bert, tuning="full", checkpointing=checkpointing), 16, C)
        for checkpointing in (False, True)
    ]
    x, found = torch.randn(N, L, 16, generator=torch.Generator().manual_seed(1)), []
    for student in students:
        theta = student.fresh(0).requires_grad_()
        logits, attention = student.attended(theta, x)
        loss = logits.square().sum() + attention.square().sum()
        found.append((attention, torch.autograd.grad(loss, theta)[0]))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_a_model_that_writes(llama):
    config = {"answer": "response", "tuning": "lora:2", "template": "{text}:{response}"}
    found = []
    for checkpointing in (False, True):
        student = make_student(of_llama(llama, checkpointing=checkpointing, **config), 16, Generation(1))
        theta = student.fresh(0).requires_grad_()
        x = torch.randn(N, L, 16, generator=torch.Generator().manual_seed(1))
        kept = Kept()
        with kept.hooks:
            states = student.features(theta, x, torch.ones(N, L, dtype=torch.bool))
        found.append((torch.autograd.grad(states.square().sum(), theta)[0], kept.bytes))
    torch.testing.assert_close(found[0][0], found[1][0], rtol=0, atol=0)
    assert found[1][1] < 0.5 * found[0][1]


def test_the_plan_takes_note(llama, tmp_path):
    """It counts what is held, so that the real texts that judge trained adapters need less."""
    texts = [f"word{i % 7} word{8 + i % 2} word{i % 5}" for i in range(80)]
    pd.DataFrame({"text": texts, "label": [("good", "bad")[i % 2] for i in range(80)]}).to_csv(tmp_path / "texts.csv")
    found = []
    for checkpointing in ("false", "true"):
        line = ["dataset=local", f"dataset.path={tmp_path}/texts.csv", f"cache_dir={tmp_path}/cache", "per_class=1"]
        line += ["model=causal_lm", f"model.path={llama}", "model.answer=head", "model.tuning=lora:2", "logger=none"]
        register()
        problem = prepare(to_run(compose_config("config", [*line, f"model.checkpointing={checkpointing}"])))
        config = options("meta_gradient", outer_batch=60, inner_steps=2, inner_batch=-1, plain_share=0.0)
        distiller = make_distiller(config, problem)
        batch = problem.reader()(problem.train.batch(np.arange(60)))
        (training,) = distiller.trainings()
        found.append(peak_of(distiller, training, batch, replace(config, engine="recompute"), 1))
    assert found[1] < 0.6 * found[0]


def test_a_model_without_a_list_of_layers_is_refused(llama, monkeypatch):
    def none(_):
        raise TextddError("none")

    monkeypatch.setattr(Checkpoint, "layers", none)
    with pytest.raises(TextddError, match=r"Got model.checkpointing=true; the layers .* Type: model.checkpointing=fal"):
        make_student(of_llama(llama, tuning="head", checkpointing=True), 16, C)


def test_what_is_said_holds_for_the_block():
    with differentiated_twice():
        assert is_differentiated_twice()
        with differentiated_twice(False):
            assert not is_differentiated_twice()
    assert not is_differentiated_twice()
