"""Every figure of the trust report, beside ones counted by hand, closed forms and what a loop finds."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch.nn import functional as F

from textdd.quality.against import Likeness
from textdd.quality.grams import Index, flat_words
from textdd.quality.variety import columns, normalised
from textdd.tasks import TASKS
from textdd.trust.attack import area, attacked, found_at
from textdd.trust.matches import Matches, excess
from textdd.trust.membership import each_loss
from textdd.trust.nearest import NearestOfEach


def words_of(texts):
    return columns([(text,) for text in texts])


LONG = "w1 w2 w3 w4 w5 w6 w7 w8 w9 w10"  # six sequences of five
REAL = [
    ("W1 w2  w3 w4 w5 w6 w7 w8 w9 w10", False),  # the same text, with all its sequences
    (f"{LONG} w11", False),  # a near copy
    ("x w1 w2 w3 w4 w5", False),  # one sequence
    ("a w6 w7 w8 w9 w10", True),  # another one, held out
    ("w1 w2 w3 w4", False),  # too short for any
    ("red green blue", True),  # the other text of the set
]


@pytest.mark.parametrize(
    ("rare", "expected"),
    [
        (10, {"training": 3, "heldout": 1}),
        (3, {"training": 3, "heldout": 1}),
        (2, {"training": 2, "heldout": 0}),  # w1 to w5 and w6 to w10 stand in three texts
        (1, {"training": 0, "heldout": 0}),
    ],
)
@pytest.mark.parametrize("block", [1, 4, 6])
def test_matches_are_those_counted_by_hand(rare, expected, block):
    ours = words_of([LONG, "red green blue"])
    matches = Matches(Index(flat_words(ours)), normalised(ours), rare)
    for start in range(0, len(REAL), block):
        texts, heldout = zip(*REAL[start : start + block], strict=True)
        real = words_of(texts)
        matches.look_at(flat_words(real), normalised(real), np.array(heldout))
    found = matches.found()
    counts = {name: {side: of[side] for side in ("training", "heldout")} for name, of in found.items()}
    assert counts == {
        "copies": {"training": 1, "heldout": 1},
        "near": {"training": 2, "heldout": 1},
        "rare": expected,
        "texts_of_the_set": {"training": 1, "heldout": 1},  # the long one, and the short one
    }


def test_texts_too_short_for_sequences_match_in_none():
    ours = words_of(["red green blue"])
    matches = Matches(Index(flat_words(ours)), normalised(ours), 10)
    real = words_of(["red green blue", "one two three four five six"])
    matches.look_at(flat_words(real), normalised(real), np.array([False, True]))
    found = matches.found()
    assert (found["near"]["training"], found["rare"]["training"], found["rare"]["p"]) == (1, 0, 1.0)


def test_excess_is_beyond_the_rate_of_heldout_texts():
    found = excess(np.array([30, 2]), np.array([900, 100]))
    assert (found["expected"], found["excess"]) == (18, 12)
    assert found["p"] == pytest.approx(stats.binom.sf(29, 32, 0.9))
    assert excess(np.array([0, 0]), np.array([9, 1]))["p"] == 1


def test_excess_is_none_where_nothing_was_given_away():
    """Under chance alone, p is below 0.05 in no more than that share of cases."""
    generator = np.random.default_rng(0)
    low = 0
    for _ in range(400):
        training = generator.binomial(60, 0.8)
        low += excess(np.array([training, 60 - training]), np.array([800, 200]))["p"] <= 0.05
    assert low <= 30


@pytest.fixture(scope="module")
def near():
    """Forty training texts and four held-out ones, of which the set copies eight training texts."""
    generator = np.random.default_rng(1)
    texts = [" ".join(f"w{i}" for i in generator.integers(60, size=8)) for _ in range(44)]
    heldout = np.isin(np.arange(44), [3, 14, 25, 36])
    ours = [texts[i] for i in np.flatnonzero(~heldout)[:8]]
    return texts, heldout, ours


@pytest.mark.parametrize("block", [1, 7, 44])
def test_nearest_is_what_a_loop_finds(near, block):
    texts, heldout, ours = near
    index = Index(flat_words(words_of(ours)))
    nearest = NearestOfEach(index, 40, 4, seed=0)
    for start in range(0, len(texts), block):
        nearest.look_at(flat_words(words_of(texts[start : start + block])), heldout[start : start + block])
    found = nearest.found()
    likeness = Likeness(index)(flat_words(words_of(texts)))
    assert found["training"] == pytest.approx(likeness[~heldout].max(0).mean()) == pytest.approx(1.0)
    assert found["heldout"] == pytest.approx(likeness[heldout].max(0).mean())
    dealt = nearest._dealt
    assert sorted(np.bincount(dealt)) == [4] * 10
    groups = np.array([likeness[~heldout][dealt == group].max(0) for group in range(10)])
    assert found["as_many"] == pytest.approx(groups.mean())
    assert found["p"] == pytest.approx((1 + (groups.mean(1) <= found["heldout"]).sum()) / 11)
    assert np.allclose(found["each"], np.stack([likeness[~heldout].max(0), likeness[heldout].max(0)], 1), atol=1e-6)


def test_what_is_left_over_is_in_no_group_but_counts_as_training(near):
    texts, heldout, ours = near
    index = Index(flat_words(words_of(ours)))
    kept = ~heldout | (np.arange(44) < 30)  # three are held out: thirteen groups, and one text is left over
    nearest = NearestOfEach(index, 40, 3, seed=0)
    nearest.look_at(flat_words(words_of([texts[i] for i in np.flatnonzero(kept)])), heldout[kept])
    found = nearest.found()
    assert (found["groups"], found["training"]) == (13, pytest.approx(1.0))
    assert (nearest._dealt == 14).sum() == 1


def test_area_is_that_of_all_pairs():
    generator = np.random.default_rng(2)
    members, others = generator.integers(5, size=(3, 20)) / 4, generator.integers(6, size=(3, 30)) / 4
    pairs = (members[:, :, None] < others[:, None]) + (members[:, :, None] == others[:, None]) / 2
    assert area(members, others) == pytest.approx(pairs.mean())
    assert area(others, others) == pytest.approx(0.5)
    assert area(np.zeros((1, 4)), np.ones((1, 9))) == 1


def test_found_at_takes_no_more_others_than_it_may():
    others = np.arange(200.0)[None]
    members = np.array([[-1.0, 0.0, 1.5, 2.0, 50.0]])
    assert found_at(members, others) == 3 / 5  # less than the third: two of 200 are taken as well
    assert found_at(members, np.arange(50.0)[None]) == 1 / 5  # of 50, none may be
    assert found_at(np.zeros((1, 5)), np.zeros((1, 100))) == 0  # ties find nobody


def test_area_has_the_closed_form_of_two_normals():
    generator = np.random.default_rng(3)
    members, others = generator.normal(0, 1, (4, 4000)), generator.normal(0.5, 1, (4, 4000))
    found = attacked(members, others, 200, 0.95, generator)
    low, high = found["area"]["interval"]
    assert found["area"]["value"] == pytest.approx(stats.norm.cdf(0.5 / np.sqrt(2)), abs=0.01)
    assert low < found["area"]["value"] < high < low + 0.03
    assert found["found"]["value"] == pytest.approx(stats.norm.cdf(stats.norm.ppf(0.01) + 0.5), abs=0.01)


def test_interval_holds_guessing_in_most_cases():
    """Of intervals for 0.8 of all cases, about so many hold what is true."""
    generator, held = np.random.default_rng(4), 0
    for _ in range(60):
        found = attacked(generator.normal(size=(1, 80)), generator.normal(size=(1, 80)), 200, 0.8, generator)
        held += found["area"]["interval"][0] <= 0.5 <= found["area"]["interval"][1]
    assert 38 <= held <= 57


@pytest.mark.parametrize("task", sorted(TASKS.keys() - {"generation"}))
def test_loss_of_each_text_is_the_tasks_own(task):
    task, logits = TASKS[task](4), torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    classes = torch.tensor([0, 3, 1, 1, 2, 0])
    targets = classes if task.name == "one_class" else F.one_hot(classes, 4).bool()
    found = each_loss(task, logits, targets)
    assert found.mean() == pytest.approx(float(task.loss(logits, targets)), rel=1e-5)
    alone = task.loss(logits[2:3], targets[2:3])
    assert found[2] == pytest.approx(float(alone))
