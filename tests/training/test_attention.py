"""Attention labels in a training step: the divergence, its hypergradient, and who is not asked."""

from functools import partial

import pytest
import torch
from torch.nn import functional as F

from tests.tiny import tiny_bert
from textdd.students import make_student
from textdd.students.fasttext import FastTextConfig
from textdd.students.pretrained import PretrainedConfig
from textdd.training import ENGINES, Lesson, Recipe, State, make_optimiser, recompute, train
from textdd.training.attention import divergence, shares, started
from textdd.training.side_by_side import train_all
from textdd.training.training import as_read

D, L, C, M, T = 5, 4, 3, 6, 2
MASK = torch.arange(L) < torch.tensor([[4], [2], [3], [1], [4], [2]])


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    pytest.importorskip("transformers", reason="needs transformers")
    return str(tiny_bert(tmp_path_factory.mktemp("bert"), D))


def lesson_of(student, *, rows, layers, masked, order="fixed", batch=4):
    """Leaves (x, label logits, step sizes, attention logits, theta_0), and what makes a lesson of them."""
    generator = torch.Generator().manual_seed(3)

    def drawn(*shape):
        return torch.randn(*shape, dtype=torch.float64, generator=generator)

    sizes = 0.05 + 0.05 * drawn(T, 2).abs()
    leaves = [drawn(M, L, D), drawn(M, C), sizes, drawn(M, layers, 1, rows, L), student.fresh(1, dtype=torch.float64)]
    leaves = [leaf.requires_grad_() for leaf in leaves]
    mask, places = MASK if masked else None, Recipe("adam", T, batch, order).schedule(M, seed=5)

    def lesson():
        x, y, steps, attention, _ = leaves
        return as_read(student, Lesson(x, y.softmax(1), steps, places, mask, shares(attention, mask, 10.0)))

    return leaves, lesson


def outer(student, leaves, lesson, optimiser, engine):
    real = torch.randn(8, L, D, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    start = State.fresh(leaves[-1], make_optimiser(optimiser))
    states = engine(student, make_optimiser(optimiser), start, lesson(), [1, T])
    return sum(F.cross_entropy(student(state.theta, real), torch.arange(8) % C) for state in states)


SLOW = [("top:1", 1, 1, False, "sgd"), ("full", 1, 1, True, "adam")]
CASES = [("full", L, 2, True, "sgd"), ("lora:2", L, 1, True, "sgd")]
CASES += [pytest.param(*case, marks=pytest.mark.slow) for case in SLOW]


@pytest.mark.parametrize(("tuning", "rows", "layers", "masked", "optimiser"), CASES)
def test_the_hypergradient_is_that_of_finite_differences_in_every_engine(bert, tuning, rows, layers, masked, optimiser):
    student = make_student(PretrainedConfig(path=bert, tuning=tuning), D, C)
    leaves, lesson = lesson_of(student, rows=rows, layers=layers, masked=masked, order="shuffled")
    loss = partial(outer, student, leaves, lesson, optimiser)
    found = torch.autograd.grad(loss(ENGINES["unroll"]), leaves)
    for engine in (ENGINES["recompute"], partial(recompute, keep_every=2)):
        for got, expected in zip(torch.autograd.grad(loss(engine), leaves), found, strict=True):
            assert expected.abs().max() > 0
            assert torch.allclose(got, expected, rtol=1e-9, atol=1e-12)
    if optimiser == "adam":  # of parameters whose gradient is next to nothing, a difference quotient means nothing
        return
    generator = torch.Generator().manual_seed(0)
    for leaf, gradient in zip(leaves, found, strict=True):
        direction, values = torch.randn(leaf.shape, dtype=leaf.dtype, generator=generator), []
        for sign in (1e-6, -1e-6):
            with torch.no_grad():
                leaf.add_(sign * direction)
            values.append(loss(ENGINES["unroll"]).item())
            with torch.no_grad():
                leaf.sub_(sign * direction)
        quotient = (values[0] - values[1]) / 2e-6
        assert (gradient * direction).sum().item() == pytest.approx(quotient, rel=2e-4, abs=1e-8)


def test_students_side_by_side_are_taught_as_each_alone(bert):
    """In one order and in an order of each one's own."""
    optimiser, student, trained = "adam", make_student(PretrainedConfig(path=bert, tuning="full"), D, C), []
    leaves, lesson = lesson_of(student, rows=1, layers=1, masked=True)
    for order in ("fixed", "shuffled"):
        lessons = [lesson(), lesson()]
        rows = [Recipe("adam", T, 4, order).schedule(M, seed) for seed in (0, 1)]
        lessons = [Lesson(one.x, one.y, one.step_sizes, own, one.mask, one.attention)
                   for one, own in zip([lessons[0]] * 2, rows, strict=True)]  # fmt: skip
        starts = [State.fresh(student.fresh(seed, dtype=torch.float64), make_optimiser(optimiser)) for seed in (0, 1)]
        for choice in ("never", "always"):
            states = train_all(train, student, make_optimiser(optimiser), starts, lessons, [T], choice)
            trained.append([state.theta for (state,) in states])
        for found, expected in zip(*trained[-2:], strict=True):
            assert torch.allclose(found, expected, rtol=1e-9, atol=1e-12)
    assert leaves[-1].grad is None


@pytest.mark.parametrize("rows", [1, L])
def test_the_divergence_is_kullback_and_leibler_s_but_for_what_no_student_changes(bert, rows):
    """Against the models of `transformers`, one text and one row after the other; masked tokens do not exist."""
    from transformers import AutoModel

    student = make_student(PretrainedConfig(path=bert, tuning="full"), D, C)
    generator = torch.Generator().manual_seed(2)
    x, logits = torch.randn(M, L, D, generator=generator), torch.randn(M, 2, 1, rows, L, generator=generator)
    found = student.inner_loss(student.fresh(0), x, torch.eye(C).repeat(2, 1), MASK, shares(logits, MASK, 7.0))
    plain = student.inner_loss(student.fresh(0), x, torch.eye(C).repeat(2, 1), MASK)
    model, total, entropies = AutoModel.from_pretrained(bert, attn_implementation="eager").eval(), 0.0, 0.0
    for n in range(M):
        length = int(MASK[n].sum())
        seen = model(inputs_embeds=x[n : n + 1, :length], output_attentions=True).attentions
        own = [
            F.kl_div(seen[layer][0, 0, row].log(), logits[n, layer, 0, row, :length].softmax(0), reduction="sum")
            for layer in range(2)
            for row in range(min(rows, length))
        ]
        entropy = [
            torch.distributions.Categorical(logits=logits[n, layer, 0, row, :length]).entropy()
            for layer in range(2)
            for row in range(min(rows, length))
        ]
        total, entropies = total + torch.stack(own).mean() / M, entropies + torch.stack(entropy).mean() / M
    torch.testing.assert_close(found - plain, 7 * (total + entropies), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rows", ["cls", "all"])
@pytest.mark.parametrize("layers", ["last", "all"])
def test_labels_that_start_as_the_students_own_attention_teach_nothing_of_it(bert, rows, layers):
    student = make_student(PretrainedConfig(path=bert, tuning="full"), D, C)
    x = torch.randn(M, L, D, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    theta = student.fresh(0, dtype=torch.float64).requires_grad_()
    _, attention = student.attended(theta, x, MASK)
    logits = started(attention.detach(), rows, layers)
    assert logits.shape == (M, {"last": 1, "all": 2}[layers], 1, {"cls": 1, "all": L}[rows], L)
    (gradient,) = torch.autograd.grad(divergence(shares(logits, MASK, 1.0), attention), theta)
    assert gradient.abs().max() < 1e-6


@pytest.mark.parametrize("engine", ENGINES)
def test_labels_of_no_weight_change_nothing_to_the_bit(bert, engine):
    student = make_student(PretrainedConfig(path=bert, tuning="full"), D, C)
    leaves, lesson = lesson_of(student, rows=1, layers=1, masked=True)
    one = lesson()
    nothing = Lesson(one.x, one.y, one.step_sizes, one.rows, one.mask, 0 * one.attention)
    without = Lesson(one.x, one.y, one.step_sizes, one.rows, one.mask)
    found = []
    for given in (nothing, without):
        value = outer(student, leaves, lambda given=given: given, "sgd", ENGINES[engine])
        found.append([value, *torch.autograd.grad(value, [leaves[0], leaves[2], leaves[4]], retain_graph=True)])
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_a_student_without_attention_says_so():
    student = make_student(FastTextConfig(), D, C)
    assert student.module.attends is None
    with pytest.raises(TypeError, match="FastText has no attention that is learned"):
        student.attended(student.fresh(0), torch.zeros(1, L, D))
