"""Texts as targets: which tokens are taught, and the loss, against transformers and by hand."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from textdd.tasks import Generation
from textdd.tasks.generation import IGNORED, predicted

N, L, V = 3, 6, 11
TASK = Generation(1)


@pytest.fixture
def logits():
    return torch.randn(N, L, V, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.fixture
def y():
    """Responses of three, one and two tokens."""
    wanted = torch.full((N, L), IGNORED)
    wanted[0, 2:5], wanted[1, 3], wanted[2, 4:] = torch.tensor([1, 2, 3]), 4, torch.tensor([5, 6])
    return wanted


def test_tokens_of_responses_alone_are_wanted():
    ids, second = torch.arange(6).view(2, 3), torch.tensor([[False, True, True], [False, False, True]])
    assert TASK.wanted(torch.zeros(2), ids, second).tolist() == [[IGNORED, 1, 2], [IGNORED, IGNORED, 5]]


def test_the_loss_is_the_mean_over_all_response_tokens(logits, y):
    places = [(0, 2), (0, 3), (0, 4), (1, 3), (2, 4), (2, 5)]
    by_hand = -sum(logits[row, place - 1].log_softmax(0)[y[row, place]] for row, place in places) / len(places)
    assert TASK.loss(logits, y).item() == pytest.approx(by_hand.item())
    shifted = F.cross_entropy(logits[:, :-1].flatten(0, 1), y[:, 1:].flatten(), ignore_index=IGNORED)  # transformers'
    assert TASK.loss(logits, y).item() == pytest.approx(shifted.item())


def test_the_inner_loss_of_several_students_is_the_sum_of_theirs(logits, y):
    several, own = torch.stack([logits, logits.flip(0)]), torch.stack([y, y.roll(1, 0)])
    assert TASK.inner_loss(several, y).item() == pytest.approx(sum(TASK.loss(one, y) for one in several).item())
    expected = TASK.loss(several[0], own[0]) + TASK.loss(several[1], own[1])
    assert TASK.inner_loss(several, own).item() == pytest.approx(expected.item())
    assert TASK.inner_loss(logits.bfloat16(), y).dtype == torch.float32


def test_the_first_token_of_a_response_is_predicted_by_the_last_of_its_prompt(y):
    places = torch.arange(L).expand(N, L).unsqueeze(-1)
    found = predicted(places, y)
    assert found.states.flatten().tolist() == [1, 2, 3, 2, 3, 4]
    assert found.tokens.tolist() == [1, 2, 3, 4, 5, 6]
    assert found.owners.tolist() == [0, 0, 0, 1, 2, 2]


def test_perplexity_is_the_exponential_of_the_loss(logits, y):
    scores = TASK.scores(logits, y)
    assert tuple(scores) == TASK.measures[:2]
    assert scores["perplexity"] == pytest.approx(math.exp(scores["response_loss"]))


def test_a_pair_has_no_label():
    targets = torch.zeros(4, dtype=torch.int64)
    assert TASK.as_labels(targets).tolist() == [[0]] * 4
    assert TASK.label_bytes(np.zeros(4)) == 0
    assert not TASK.higher_is_better
    with pytest.raises(TypeError, match="no set of them is learned"):
        TASK.check_metric()
