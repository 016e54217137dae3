"""What every parametrisation must do, whichever it is, and the formula of each."""

import pytest
import torch
from torch.nn import functional as F

from textdd.errors import TextddError
from textdd.outer.start.initialise import initial_texts
from textdd.sets.parametrisations import OF_WORDS, PARAMETRISATIONS, Source, name_of
from textdd.sets.parametrisations.factors import factors
from textdd.sets.parametrisations.mixture import CONFIDENCE, Mixture, neighbours
from textdd.sets.parametrisations.real import Real
from textdd.spaces.tokeniser import PAD
from textdd.training import Lesson, Recipe, State, make_optimiser, unroll

RANK, LENGTH, PER_CLASS = 3, 7, 2


def source_of(problem, start="real", length=LENGTH):
    found = initial_texts(start, problem.train, problem.reader(), PER_CLASS, length, 0)
    return Source(found.x, found.ids, problem.space.table)


@pytest.fixture
def source(problem):
    return source_of(problem)


@pytest.fixture(params=PARAMETRISATIONS)
def texts(request, source):
    return PARAMETRISATIONS[request.param].start(source, RANK)


def spoilt(texts):
    """The same after its numbers have gone astray, so that no test leans on the start."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in texts.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=generator)
    return texts


def test_texts_have_the_shape_of_the_start(texts, source):
    assert texts().shape == source.x.shape
    assert name_of(texts) in PARAMETRISATIONS


def test_texts_are_rebuilt_from_what_is_stored(texts, source):
    if isinstance(texts, Real):
        pytest.skip("a finished set of real texts is a set of texts (tests/sets/test_texts.py)")
    spoilt(texts)
    stored = {name: tensor.clone() for name, tensor in texts.stored().items()}
    again = type(texts).from_stored({**stored, "y": torch.zeros(1)}, source.vectors)
    assert torch.equal(again(), texts())
    assert again.stored_bytes() == sum(tensor.nbytes for tensor in stored.values())
    assert stored.keys() == again.stored().keys()


def test_the_first_texts_are_the_first_texts(texts):
    spoilt(texts)
    first = texts.first(4)
    assert torch.equal(first(), texts()[:4])
    assert isinstance(texts, Real) or first.stored_bytes() < texts.stored_bytes()
    assert texts.words() is None or torch.equal(first.words(), texts.words()[:4])


@pytest.mark.parametrize("kind", [name for name in PARAMETRISATIONS if name != "real"])  # which learns nothing
def test_gradients_are_those_of_finite_differences(kind, source, student):
    """Through the texts and the whole training of a student on them, in double precision."""
    texts = PARAMETRISATIONS[kind].start(source, RANK)
    texts = spoilt(texts).double()
    optimiser = make_optimiser("sgd")
    lesson_rows = Recipe("sgd", 2, 3, "fixed").schedule(6, 0)
    target = torch.randn(2, LENGTH, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(1))

    def loss():
        lesson = Lesson(texts(), torch.eye(3).double().repeat(2, 1), torch.tensor([0.5, 0.5]).double(), lesson_rows)
        state = State.fresh(student.fresh(0, dtype=torch.float64), optimiser)
        theta = unroll(student, optimiser, state, lesson, [2])[0].theta
        return F.cross_entropy(student(theta, target), torch.tensor([0, 2]))

    loss().backward()
    for parameter in texts.parameters():
        direction = torch.randn(parameter.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
        values, eps = [], 1e-5
        for sign in (1, -1):
            with torch.no_grad():
                parameter += sign * eps * direction
            values.append(loss().item())
            with torch.no_grad():
                parameter -= sign * eps * direction
        expected = (values[0] - values[1]) / (2 * eps)
        assert abs(expected) > 1e-7
        assert (parameter.grad * direction).sum().item() == pytest.approx(expected, rel=1e-5)


class TestFactors:
    matrix = torch.randn(5, 8, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    @pytest.mark.parametrize("rank", [1, 3, 6])
    def test_nearest_of_their_rank(self, rank):
        """The error is what the discarded singular values hold (Eckart & Young 1936): no product comes nearer."""
        left, right = factors(self.matrix, rank)
        error = (left @ right - self.matrix).square().sum((1, 2))
        discarded = torch.linalg.svdvals(self.matrix)[:, rank:].square().sum(1)
        assert torch.allclose(error, discarded, atol=1e-12)

    def test_directions_never_vanish(self):
        _, right = factors(torch.zeros(2, 8, 6), 3)
        assert torch.allclose(right @ right.mT, torch.eye(3) * 6 / 3, atol=1e-6)

    def test_a_rank_that_cannot_be_says_what_can(self):
        with pytest.raises(TextddError, match=r"Got distiller\.rank=7; 8 x 6 .* 1 to 6\. Type: distiller\.rank=6"):
            factors(self.matrix, 7)


def test_low_rank_and_basis_start_as_near_as_their_rank_allows(source):
    values = torch.linalg.svdvals(source.x)[:, RANK:]
    low_rank = PARAMETRISATIONS["low_rank"].start(source, RANK)
    assert (low_rank() - source.x).square().sum().item() == pytest.approx(values.square().sum().item(), rel=1e-4)
    values = torch.linalg.svdvals(source.x.flatten(0, 1))[RANK:]
    basis = PARAMETRISATIONS["basis"].start(source, RANK)
    assert (basis() - source.x).square().sum().item() == pytest.approx(values.square().sum().item(), rel=1e-4)
    assert basis.stored_bytes() == 4 * (6 * LENGTH * RANK + RANK * 16)
    assert low_rank.stored_bytes() == 4 * 6 * RANK * (LENGTH + 16)


class TestMixture:
    def test_is_the_convex_combination_of_its_words(self, source):
        texts = spoilt(Mixture.start(source, 4))
        shares = texts.logits.softmax(-1)
        assert torch.allclose(shares.sum(-1), torch.ones(6, LENGTH))
        expected = (shares.unsqueeze(-1) * source.vectors[texts.candidates]).sum(2)
        assert torch.allclose(texts(), expected, atol=1e-6)

    def test_stays_in_the_convex_hull_whatever_its_logits(self, source):
        """In every direction a point of a hull reaches no further than the furthest of its corners."""
        texts = Mixture.start(source, 4)
        with torch.no_grad():
            texts.logits.copy_(100 * torch.randn(texts.logits.shape, generator=torch.Generator().manual_seed(0)))
        directions = torch.randn(50, 16, generator=torch.Generator().manual_seed(1))
        reach = texts() @ directions.t()  # (M, L, 50)
        corners = source.vectors[texts.candidates] @ directions.t()  # (M, L, R, 50)
        assert (reach <= corners.amax(2) + 1e-4).all()
        assert (reach >= corners.amin(2) - 1e-4).all()

    def test_starts_at_the_initial_words(self, source):
        texts = Mixture.start(source, 4)
        assert torch.equal(texts.words(), source.ids)
        assert texts.logits.softmax(-1)[..., 0].unique().tolist() == pytest.approx([CONFIDENCE])

    def test_stores_half_as_much_for_a_word_number_as_for_a_logit(self, source):
        texts = Mixture.start(source, 4)
        assert {name: t.dtype for name, t in texts.stored().items()} == {
            "candidates": torch.int16,
            "logits": torch.float32,
        }
        assert texts.stored_bytes() == (2 + 4) * 6 * LENGTH * 4
        many = Mixture(torch.full((1, 1, 2), 40_000), torch.zeros(1, 1, 2), torch.zeros(40_001, 3))
        assert many.stored()["candidates"].flatten().tolist() == [40_000] * 2

    def test_neighbours_are_the_most_alike(self, space):
        table = space.table
        found = neighbours(torch.tensor([5, PAD, 9]), table, 4)
        for word, row in ((5, found[0]), (9, found[2])):
            alike = F.cosine_similarity(table[word], table[1:], dim=1)
            expected = (alike.topk(4).indices + 1).tolist()
            assert row.tolist() == expected
            assert row[0] == word
        assert found[1].tolist() == [0, 1, 2, 3]

    @pytest.mark.parametrize("rank", [1, 10**6])
    def test_a_rank_that_cannot_be_says_what_can(self, source, rank):
        with pytest.raises(TextddError, match=r"a mixture is of 2 to \d+ candidate words\. Type: distiller\.rank=8"):
            Mixture.start(source, rank)

    @pytest.mark.parametrize("word", [-1, 10_000])
    def test_a_word_that_there_is_not_is_refused(self, source, word):
        stored = {"candidates": torch.full((1, 1, 2), word), "logits": torch.zeros(1, 1, 2)}
        with pytest.raises(ValueError, match=f"word {word}"):
            Mixture.from_stored(stored, source.vectors)
        with pytest.raises(ValueError, match="there are no word vectors"):
            Mixture.from_stored(stored, None)


class TestReal:
    def test_is_the_initial_texts_and_learns_nothing(self, source):
        texts = Real.start(source, RANK)
        assert torch.equal(texts(), source.x)
        assert not list(texts.parameters())

    def test_is_as_long_as_its_longest_text_and_masks_the_rest(self, problem):
        source = source_of(problem, length=60)
        texts = Real.start(source, RANK)
        longest = int((source.ids != PAD).sum(1).max())
        assert longest < 60
        assert torch.equal(texts.ids, source.ids[:, :longest])
        assert torch.equal(texts.mask, texts.ids != PAD)
        shortest = int(texts.mask.sum(1).argmin())
        assert texts.first(shortest + 1).mask.any(0).all()


def test_noise_has_no_words(problem):
    source = source_of(problem, "noise")
    assert source.ids is None
    for kind in OF_WORDS:
        with pytest.raises(TextddError, match=r"Type: distiller\.start=real"):
            PARAMETRISATIONS[kind].start(source, RANK)
    assert set(OF_WORDS) == {name for name, kind in PARAMETRISATIONS.items() if kind in (Mixture, Real)}
