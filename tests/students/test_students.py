"""What every student must do, whichever it is: one table, so a new one cannot dodge it."""

from pathlib import Path

import pytest
import torch

from tests.tiny import tiny_bert, tiny_llama
from textdd.errors import TextddError
from textdd.students import STUDENTS, make_student
from textdd.students.causal_lm import CausalLM
from textdd.students.textcnn import TextCNNConfig
from textdd.training.student import FlatStudent, Student

D, L, C, N = 6, 7, 3, 5


OWN = {"target": str(Path(__file__).with_name("own_student.py")) + ":GatedMean", "options": {"units": 7}}
TABLE = [(name, {}) for name in STUDENTS if name not in ("pretrained", "causal_lm", "custom")]
TABLE += [("custom", OWN), ("transformer", {"layers": 1, "width": 8, "heads": 2, "positions": 3})]
TABLE += [("pretrained", {"tuning": tuning, "pooling": "cls"}) for tuning in ("full", "top:1")]
TABLE += [("pretrained", {"tuning": tuning}) for tuning in ("full", "head", "lora:2")]

WORDS = ["good", "very bad", "very good"]
TABLE += [("causal_lm", {"tuning": tuning, "answer": "head"}) for tuning in ("lora:2", "top:1", "head")]
TABLE += [("causal_lm", {"tuning": tuning, "words": WORDS}) for tuning in ("lora:2", "full", "head")]


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    pytest.importorskip("transformers")
    return tiny_llama(tmp_path_factory.mktemp("llama"), D)


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    pytest.importorskip("transformers")
    return str(tiny_bert(tmp_path_factory.mktemp("bert"), D))


@pytest.fixture(params=TABLE, ids=lambda row: " ".join([row[0], *(f"{k}={str(v)[-20:]}" for k, v in row[1].items())]))
def whole(request):
    """A student that reads embeddings, whatever of it is frozen."""
    name, given = request.param
    if name in ("pretrained", "causal_lm"):
        given = given | {"path": request.getfixturevalue({"pretrained": "bert", "causal_lm": "llama"}[name])}
    return make_student(STUDENTS[name][1](**given), D, C)


@pytest.fixture
def student(whole):
    """The same, where it reads texts as they are."""
    if whole.reads_once:
        pytest.skip("a frozen body reads texts once, and what is learned reads its vectors")
    return whole


@pytest.fixture
def texts():
    generator = torch.Generator().manual_seed(0)
    mask = torch.arange(L) < torch.tensor([[1], [2], [4], [6], [7]])
    return torch.randn(N, L, D, generator=generator), mask


def read(whole, theta, x, mask=None):
    """Logits of texts, through what lies below the learned part."""
    return whole(theta, *whole.below(x, mask))


def test_maps_embeddings_to_logits(student, texts):
    logits = student(student.fresh(0), *texts)
    assert logits.shape == (N, C)
    assert logits.isfinite().all()


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("own", [False, True])
def test_students_side_by_side_answer_as_each_alone(student, texts, own, masked):
    """The same texts or each its own; with first and second derivatives, which do not reach other students."""
    x, mask = texts[0].double(), texts[1] if masked else None
    if own:
        x = torch.stack([x, x.flip(0), 2 * x])
        mask = torch.stack([mask, mask.flip(0), mask.roll(1, 0)]) if masked else None
    x.requires_grad_()
    theta = torch.stack([student.fresh(seed, dtype=torch.float64) for seed in range(3)]).requires_grad_()

    def alone(k):
        return student(theta[k], x[k] if own else x, mask[k] if own and masked else mask)

    found = []
    for logits in (torch.stack([alone(k) for k in range(3)]), student(theta, x, mask)):
        weights = torch.arange(1, 4).view(3, 1, 1)  # so that a student taken for another is noticed
        first = torch.autograd.grad((weights * logits.tanh()).sum(), [x, theta], create_graph=True)
        second = torch.autograd.grad(sum(g.square().sum() for g in first), [x, theta])
        found.append([logits, *first, *second])
    for expected, got in zip(*found, strict=True):
        assert torch.allclose(got, expected, rtol=1e-10, atol=1e-10 * float(expected.detach().abs().max()))


def test_padding_changes_nothing(whole, texts):
    x, mask = texts
    theta = whole.fresh(0)
    longer = torch.cat([x, torch.full((N, 4, D), 9.0)], dim=1)
    longer_mask = torch.cat([mask, torch.zeros(N, 4, dtype=torch.bool)], dim=1)
    assert torch.allclose(read(whole, theta, longer, longer_mask), read(whole, theta, x, mask), atol=1e-6)
    garbage = torch.where(mask.unsqueeze(-1), x, torch.full_like(x, -5.0))
    assert torch.allclose(read(whole, theta, garbage, mask), read(whole, theta, x, mask), atol=1e-6)


def test_no_mask_means_every_position_is_a_token(whole, texts):
    x, _ = texts
    theta, every = whole.fresh(0), torch.ones(N, L, dtype=torch.bool)
    assert torch.allclose(read(whole, theta, x), read(whole, theta, x, every), atol=1e-6)


def test_texts_do_not_influence_each_other(student, texts):
    x, mask = texts
    theta = student.fresh(0)
    alone = torch.cat([student(theta, x[i : i + 1], mask[i : i + 1]) for i in range(N)])
    assert torch.allclose(alone, student(theta, x, mask), atol=1e-6)


def test_initialisation_belongs_to_its_seed(student):
    before = torch.random.get_rng_state()
    assert torch.equal(student.fresh(3), student.fresh(3))
    # A language model that answers with its own words has nothing that could be drawn.
    certain = getattr(student.module, "verbaliser", False) and student.module.adapters is None
    assert torch.equal(student.fresh(3), student.fresh(4)) == certain
    assert student.fresh(3).shape == (student.size,)
    assert torch.equal(torch.random.get_rng_state(), before)  # the global generator is left alone


def test_second_derivatives_are_those_of_finite_differences(whole, texts, monkeypatch):
    """How a training step's gradient changes with the texts and with the student, in random directions."""
    x, mask = texts[0].double(), texts[1]
    theta = whole.fresh(0, dtype=torch.float64)
    if isinstance(whole.module, CausalLM):  # Llamas have norms and softmax in 32 bits, however exact all else is
        monkeypatch.setattr(torch, "float32", torch.float64)
    generator = torch.Generator().manual_seed(1)

    def size_of_step(x, theta, graph=False):
        theta = theta if theta.requires_grad else theta.detach().requires_grad_()
        loss = read(whole, theta, x, mask).logsumexp(1).sum()
        (gradient,) = torch.autograd.grad(loss, theta, create_graph=graph)
        return gradient.square().sum()

    leaves = x.clone().requires_grad_(), theta.clone().requires_grad_()
    found = torch.autograd.grad(size_of_step(*leaves, graph=True), leaves)
    for i, gradient in enumerate(found):
        direction = torch.randn(gradient.shape, dtype=torch.float64, generator=generator)
        values = []
        for eps in (1e-6, -1e-6):
            moved = [leaf.detach() for leaf in leaves]
            moved[i] = moved[i] + eps * direction
            values.append(size_of_step(*moved).item())
        expected = (values[0] - values[1]) / 2e-6
        assert gradient.abs().max() > 0
        assert (gradient * direction).sum().item() == pytest.approx(expected, rel=2e-4, abs=1e-7)


def test_bfloat16_is_near(whole, texts):
    theta = whole.fresh(0)
    exact = read(whole, theta, *texts)
    with torch.autocast("cpu", torch.bfloat16):
        rough = read(whole, theta, *texts)
    assert rough.isfinite().all()
    assert (rough.float() - exact).abs().max() < 0.1 * (1 + exact.abs().max())


def test_work_grows_with_what_there_is_to_do(whole):
    work = whole.module.work()
    for weights in (work.differentiated, work.plain):
        assert 0 < weights.of(1, 8, 12) <= weights.of(1, 16, 24) < weights.of(3, 16, 24)
    assert work.plain.of(1, 8, 12) < work.differentiated.of(1, 8, 12)
    assert work.read.of(1, 8, 12) < work.learn.of(1, 8, 12)
    assert (work.below.of(1, 8, 12) > 0) == (whole.reads_once or bool(whole.module.keeps))


def test_a_transformer_s_heads_divide_its_width():
    with pytest.raises(TextddError, match=r"heads divide the width\. Type: model\.width=9"):
        STUDENTS["transformer"][1](width=10, heads=3).check()


def test_logits_are_the_head_of_the_features(student, texts):
    theta = student.fresh(6)
    assert torch.equal(student.head(theta, student.features(theta, *texts)), student(theta, *texts))
    features = student.module.features(*texts)  # of a body that reads in the precision of these texts by now
    assert torch.equal(student.module.head(features), student.module(*texts))


def test_textcnn_is_a_convolution(texts):
    """The fast form equals torch's convolution over the padded text."""
    x, _ = texts
    module = make_student(TextCNNConfig(filters=4), D, C).module
    expected = []
    for filters in module.filters:
        width = filters.weight.shape[1] // D
        weight = filters.weight.view(4, width, D).transpose(1, 2)
        padded = torch.nn.functional.pad(x, (0, 0, 0, width - 1)).transpose(1, 2)
        expected.append(torch.conv1d(padded, weight, filters.bias).relu().amax(2))
    assert torch.allclose(module.features(x), torch.cat(expected, 1), atol=1e-5)


def test_unknown_student_says_what_to_type():
    class Unknown:
        name = "textcn"

    with pytest.raises(TextddError, match="Type: model=textcnn"):
        make_student(Unknown(), D, C)


def test_a_student_with_buffers_is_refused():
    class Normed(Student):
        def __init__(self):
            super().__init__(D, C)
            self.norm = torch.nn.BatchNorm1d(D)

        def features(self, x, mask=None):
            return self.norm(x.mean(1))

    with pytest.raises(ValueError, match="has buffers"):
        FlatStudent(Normed())
