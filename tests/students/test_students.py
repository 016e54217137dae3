"""What every student must do, whichever it is: one table, so a new one cannot dodge it."""

import pytest
import torch

from textdd.errors import TextddError
from textdd.students import STUDENTS, make_student
from textdd.students.textcnn import TextCNNConfig
from textdd.training.student import FlatStudent, Student

D, L, C, N = 6, 7, 3, 5


@pytest.fixture(params=STUDENTS)
def student(request):
    return make_student(STUDENTS[request.param][1](), D, C)


@pytest.fixture
def texts():
    generator = torch.Generator().manual_seed(0)
    mask = torch.arange(L) < torch.tensor([[1], [2], [4], [6], [7]])
    return torch.randn(N, L, D, generator=generator), mask


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


def test_padding_changes_nothing(student, texts):
    x, mask = texts
    theta = student.fresh(0)
    longer = torch.cat([x, torch.full((N, 4, D), 9.0)], dim=1)
    longer_mask = torch.cat([mask, torch.zeros(N, 4, dtype=torch.bool)], dim=1)
    assert torch.allclose(student(theta, longer, longer_mask), student(theta, x, mask), atol=1e-6)
    garbage = torch.where(mask.unsqueeze(-1), x, torch.full_like(x, -5.0))
    assert torch.allclose(student(theta, garbage, mask), student(theta, x, mask), atol=1e-6)


def test_no_mask_means_every_position_is_a_token(student, texts):
    x, _ = texts
    theta = student.fresh(0)
    assert torch.allclose(student(theta, x), student(theta, x, torch.ones(N, L, dtype=torch.bool)), atol=1e-6)


def test_texts_do_not_influence_each_other(student, texts):
    x, mask = texts
    theta = student.fresh(0)
    alone = torch.cat([student(theta, x[i : i + 1], mask[i : i + 1]) for i in range(N)])
    assert torch.allclose(alone, student(theta, x, mask), atol=1e-6)


def test_initialisation_belongs_to_its_seed(student):
    before = torch.random.get_rng_state()
    assert torch.equal(student.fresh(3), student.fresh(3))
    assert not torch.equal(student.fresh(3), student.fresh(4))
    assert student.fresh(3).shape == (student.size,)
    assert torch.equal(torch.random.get_rng_state(), before)  # the global generator is left alone


def test_has_second_derivatives(student, texts):
    x, mask = texts
    x = x.double().requires_grad_()
    theta = student.fresh(0, dtype=torch.float64).requires_grad_()
    loss = student(theta, x, mask).logsumexp(1).sum()
    (gradient,) = torch.autograd.grad(loss, theta, create_graph=True)
    by_x, by_theta = torch.autograd.grad(gradient.square().sum(), [x, theta])
    assert by_x[mask].abs().max() > 0
    assert by_theta.abs().max() > 0


def test_logits_are_the_head_of_the_features(student, texts):
    features = student.module.features(*texts)
    assert torch.equal(student.module.head(features), student.module(*texts))
    theta = student.fresh(6)
    assert torch.equal(student.head(theta, student.features(theta, *texts)), student(theta, *texts))


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
