"""Pairs chosen by gradients: closed forms against automatic differentiation, and the search against brute force."""

import itertools

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from tests.students.test_writer import problem_of
from tests.tiny import tiny_llama
from textdd.choosing.matching import Matching
from textdd.choosing.pairs import check_meaning, drawn_from
from textdd.choosing.response_gradients import Gradients, gradients_of, warm_writer
from textdd.distillers import BilevelSelectionConfig
from textdd.errors import TextddError
from textdd.selectors import SELECTORS
from textdd.selectors.less import most_alike

pytest.importorskip("transformers", reason="needs transformers")


@pytest.fixture(scope="module")
def problem(tmp_path_factory):
    llama = tiny_llama(tmp_path_factory.mktemp("llama"), 8)
    return problem_of(tmp_path_factory.mktemp("corpus"), llama, "model.tuning=lora:2")


ROWS = np.array([30, 2, 17, 4, 55])


@pytest.fixture(scope="module")
def theta(problem):
    return problem.student.fresh(0)


@pytest.fixture(scope="module")
def gradients(problem, theta):
    return gradients_of(theta, problem.train, ROWS, problem.reader(), "reading")


@pytest.fixture(scope="module")
def explicit(problem, theta):
    """The gradients (n, H, H) of the loss of each pair with respect to a map of the last hidden state."""
    found, student = [], problem.student
    for row in ROWS:
        batch = problem.reader()(problem.train.batch(np.array([row])))
        predicted = student.predicted(theta, batch.x, batch.mask, batch.labels)
        turn = torch.eye(predicted.states.shape[1], requires_grad=True)
        states = predicted.states.detach() @ turn.t()
        loss = F.cross_entropy(student.module.head(states), predicted.tokens)
        found.append(torch.autograd.grad(loss, turn)[0])
    return torch.stack(found)


def test_factors_are_those_of_the_gradient_of_a_map_of_the_last_state(gradients, explicit):
    torch.testing.assert_close(gradients.mean(), explicit.mean(0), atol=1e-5, rtol=1e-4)


def test_inner_products_need_no_gradient(gradients, explicit):
    flat = explicit.flatten(1)
    torch.testing.assert_close(gradients.squares(), flat.square().sum(1), atol=1e-4, rtol=1e-3)
    direction = torch.randn(explicit.shape[1:], generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(gradients.along(direction), flat @ direction.flatten(), atol=1e-4, rtol=1e-3)
    for pair in range(len(ROWS)):
        torch.testing.assert_close(gradients.beside(pair), flat @ flat[pair], atol=1e-4, rtol=1e-3)


def test_few_logits_at_a_time_are_the_same(problem, theta, gradients, monkeypatch):
    monkeypatch.setattr("textdd.choosing.response_gradients.MOST_LOGITS", 1)
    again = gradients_of(theta, problem.train, ROWS, problem.reader(), "reading")
    torch.testing.assert_close(again.errors, gradients.errors)


def made_of(vectors):
    """Gradients of one token each: of pair i the outer product of a unit and its vector."""
    errors = torch.zeros(len(vectors), vectors.shape[1])
    errors[:, 0] = 1.0
    return Gradients(errors, vectors, torch.arange(len(vectors)), len(vectors))


@pytest.fixture(scope="module")
def search():
    vectors = torch.randn(9, 4, generator=torch.Generator().manual_seed(3))
    wanted = torch.zeros(4, 4)
    wanted[0] = torch.randn(60, 4, generator=torch.Generator().manual_seed(4)).mean(0) + 0.3
    return vectors, wanted, Matching(made_of(vectors), [wanted, wanted])


def missed(vectors, wanted, chosen):
    return float((vectors[list(chosen)].mean(0) - wanted[0]).square().sum() / wanted.square().sum())


def test_the_distance_is_that_of_the_means(search):
    vectors, wanted, matching = search
    assert matching.distance([1, 4, 6], float(wanted.square().sum())) == pytest.approx(
        missed(vectors, wanted, [1, 4, 6]), rel=1e-4
    )


def test_each_greedy_pick_is_the_best_there_is(search):
    vectors, wanted, matching = search
    told: list[int] = []
    chosen = matching.greedy(4, told.append)
    assert told == [1, 2, 3, 4]
    for size in range(1, 5):
        before = chosen[: size - 1]
        best = min(set(range(9)) - set(before), key=lambda pair: missed(vectors, wanted, [*before, pair]))
        assert chosen[size - 1] == best


def test_exchanges_end_where_none_helps(search):
    vectors, wanted, matching = search
    picks, made = matching.exchanged([0, 1, 2], 1000, lambda _: None)
    assert made > 0
    assert len(set(picks)) == 3
    reached = missed(vectors, wanted, picks)
    assert reached < missed(vectors, wanted, [0, 1, 2])
    for place, other in itertools.product(range(3), set(range(9)) - set(picks)):
        changed = [*picks[:place], other, *picks[place + 1 :]]
        assert missed(vectors, wanted, changed) >= reached - 1e-6


def test_an_exchange_needs_the_consent_of_every_part(search):
    vectors, wanted, _ = search
    matching = Matching(made_of(vectors), [wanted, wanted, -wanted])
    picks, _ = matching.exchanged([0, 1, 2], 1000, lambda _: None)
    for before, after in zip([0, 1, 2], picks, strict=True):
        if before != after:  # it came nearer to the one without leaving the other, which points the other way
            assert vectors[after].norm() < vectors[before].norm()


def test_less_picks_the_greatest_cosines(search):
    vectors, wanted, _ = search
    cosines = F.cosine_similarity(vectors, wanted[:1])
    assert most_alike(made_of(vectors), wanted, 3).tolist() == cosines.topk(3).indices.tolist()


@pytest.mark.parametrize("name", SELECTORS)
def test_selectors_pick_distinct_pairs(name, problem):
    rows = SELECTORS[name](problem.train, problem.reader(), 4, 1)
    assert len(set(rows.tolist())) == 4
    assert np.array_equal(rows, SELECTORS[name](problem.train, problem.reader(), 4, 1))


def test_a_writer_is_warmed_up_by_training(problem):
    """All of them from the same start, and no two of them alike."""
    one, again, other = (warm_writer(problem.train, problem.reader(), seed) for seed in (0, 0, 1))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_candidates_and_others_are_apart(problem):
    drawn = drawn_from(BilevelSelectionConfig(looked_at=40, asked=30), problem)
    assert (len(drawn.candidates), *map(len, drawn.asked)) == (40, 15, 15)
    assert len({*drawn.candidates.tolist(), *drawn.asked[0].tolist(), *drawn.asked[1].tolist()}) == 70


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        ({"labels": "soft"}, "distiller.labels=hard"),
        ({"form": "joined"}, "distiller.form=whole"),
        ({"warm_start": "set.jsonl"}, "distiller.warm_start=null"),
        ({"encoders": ["folder"]}, r"distiller.encoders=\[\]"),
        ({"rerank": 3}, "distiller.rerank=-1"),
    ],
)
def test_options_that_say_nothing_of_pairs_are_refused(options, remedy):
    with pytest.raises(TextddError, match=f"Type: {remedy}"):
        check_meaning(BilevelSelectionConfig(**options))
