"""What every selector must do, whichever it is: one table; and each method against its own definition."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch

from textdd import selection
from textdd.corpora.corpus import Split
from textdd.selection import candidates
from textdd.selectors import SELECTORS
from textdd.selectors.herding import herd
from textdd.selectors.k_center import farthest_first
from textdd.selectors.k_means import nearest_to_centres
from textdd.selectors.less import agreement, gradients
from textdd.spaces.reading import Reading
from textdd.tasks import OneClass, SeveralLabels

PICKS = {"herding": herd, "k_center": farthest_first, "k_means": nearest_to_centres}


def part(reading, rows):
    """Some texts of a split, perhaps some of them more than once."""
    split = Split(reading.split.store, reading.rows[rows])
    return Reading(split, reading.store, reading.space)


def first_of_each_class(reading, counts):
    """The first texts of each class, as many as `counts` says."""
    rows = [np.flatnonzero(reading.labels == c)[:count] for c, count in enumerate(counts)]
    return part(reading, np.concatenate(rows))


@pytest.fixture
def features():
    """Few texts of few numbers, so that all subsets can be tried."""
    return torch.randn(9, 3, generator=torch.Generator().manual_seed(4), dtype=torch.float64)


@pytest.mark.parametrize("selector", SELECTORS)
class TestEverySelector:
    @pytest.mark.parametrize("per_class", [1, 4, 30])
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_distinct_texts_of_every_class_in_turn(self, selector, per_class, dtype, problem):
        classes = problem.classes
        rows = SELECTORS[selector](problem.train, problem.reader(dtype=dtype), per_class, 0)
        assert rows.shape == (per_class * classes,)
        assert len(set(rows)) == per_class * classes
        assert problem.train.labels[rows].tolist() == [m % classes for m in range(per_class * classes)]

    def test_one_seed_gives_one_set(self, selector, problem, reader, monkeypatch):
        monkeypatch.setattr(selection, "CANDIDATES", 40)
        select = SELECTORS[selector]
        first, again, other = (select(problem.train, reader, 4, seed) for seed in (0, 0, 1))
        assert (first == again).all()
        assert (first != other).any()

    @pytest.mark.parametrize("per_class", [1, 3])
    def test_a_class_with_just_enough_texts_is_taken_whole(self, selector, per_class, problem, reader):
        split = first_of_each_class(problem.train, [per_class, per_class + 5, per_class])
        rows = SELECTORS[selector](split, reader, per_class, 0)
        for c in (0, 2):
            assert sorted(rows[c::3]) == np.flatnonzero(split.labels == c).tolist()

    def test_equal_texts_are_picked_once_each(self, selector, problem, reader):
        few = first_of_each_class(problem.train, [2, 2, 2])
        split = part(few, np.repeat(np.arange(6), 3))
        rows = SELECTORS[selector](split, reader, 5, 0)
        assert len(set(rows)) == 15
        assert split.labels[rows].tolist() == [0, 1, 2] * 5


@pytest.mark.parametrize("selector", SELECTORS)
def test_texts_of_several_labels_are_picked_by_their_rarest(selector, several_labels):
    train, classes = several_labels.train, several_labels.classes
    rows = SELECTORS[selector](train, several_labels.reader(), 4, 0)
    assert len(set(rows)) == 4 * classes
    assert train.split.strata[rows].tolist() == [m % classes for m in range(4 * classes)]
    assert train.labels[rows, [m % classes for m in range(4 * classes)]].all()


@pytest.mark.parametrize("selector", SELECTORS)
def test_pairs_are_picked_by_class(selector, pairs):
    rows = SELECTORS[selector](pairs.train, pairs.reader(), 4, 0)
    assert len(set(rows)) == 8
    assert pairs.train.labels[rows].tolist() == [0, 1] * 4


@pytest.mark.parametrize("kind", [OneClass, SeveralLabels])
def test_agreement_of_gradients_is_that_of_the_gradients_written_out(kind):
    generator, task = torch.Generator().manual_seed(0), kind(3)
    h = torch.randn(7, 4, generator=generator, dtype=torch.float64)
    y = task.hardened(torch.rand(7, 3, generator=generator, dtype=torch.float64))
    head = torch.randn(3, 4, generator=generator, dtype=torch.float64)
    ours, theirs = (gradients(task, head, h[part], y[part]) for part in (slice(0, 5), slice(5, 7)))
    found = agreement(*ours, *theirs)

    def written_out(i):
        leaf = head.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(task.inner_loss(h[i : i + 1] @ leaf.t(), y[i : i + 1]), leaf)
        return gradient.flatten()

    target = (written_out(5) + written_out(6)) / 2
    wanted = torch.stack([torch.cosine_similarity(written_out(i), target, dim=0) for i in range(5)])
    torch.testing.assert_close(found, wanted)


def test_gradients_agree_most_where_words_of_the_class_are(problem, reader):
    """What is picked is told apart by its class better than what is drawn."""
    chosen = SELECTORS["less"](problem.train, reader, 5, 0)
    features, labels = problem.train.features(chosen, reader), torch.from_numpy(problem.train.labels[chosen])
    rest = problem.train.features(np.arange(300), reader)
    centres = torch.stack([features[labels == c].mean(0) for c in range(3)])
    nearest = torch.cdist(rest, centres).argmin(1)
    assert (nearest.numpy() == problem.train.labels[:300]).mean() > 0.6


@pytest.mark.parametrize("selector", PICKS)
def test_no_other_class_matters(selector, problem, reader):
    """What is picked of the first class stays when there are fewer texts of the others."""
    splits = [first_of_each_class(problem.train, counts) for counts in ([50, 50, 50], [50, 20, 30])]
    first, second = (SELECTORS[selector](split, reader, 3, 0)[::3] for split in splits)
    assert (first == second).all()


def test_features_are_means_of_the_words_that_are_read(problem, space, reader):
    rows = np.array([5, 0, 17])
    reading = Reading(problem.train.split, problem.train.store, dataclasses.replace(space, length=7))
    found = reading.features(rows, reader)
    ids, mask, *_ = reading.batch(rows)
    for i in range(3):
        by_hand = np.mean([space.table[word].double().numpy() for word in ids[i][mask[i]]], axis=0)
        assert found[i].numpy() == pytest.approx(by_hand, abs=1e-6)


def test_candidates_bound_the_memory(problem, monkeypatch):
    monkeypatch.setattr(selection, "CANDIDATES", 20)
    of_class = set(np.flatnonzero(problem.train.labels == 1))
    drawn = candidates(problem.train, 1, 2, seed=0)
    assert len(drawn) == 20
    assert set(drawn) < of_class
    assert (np.diff(drawn) > 0).all()
    assert len(candidates(problem.train, 1, 4, seed=0)) == 40  # ten times as many as are picked
    assert set(candidates(problem.train, 1, 10**6, seed=0)) == of_class


def test_herding_brings_the_mean_of_all_picks_nearest_to_the_mean(features):
    """The definition, step by step."""
    chosen = herd(features, 5, 0)
    for t in range(5):
        distances = {
            i: (features[[*chosen[:t], i]].mean(0) - features.mean(0)).norm().item()
            for i in set(range(9)) - set(chosen[:t])
        }
        assert min(distances, key=distances.get) == chosen[t]


def test_k_center_takes_the_farthest_each_time(features):
    """The definition, step by step."""
    chosen = farthest_first(features, 5, 0)
    assert chosen[0] == (features - features.mean(0)).norm(dim=1).argmin()
    for t in range(1, 5):
        nearest = [min((features[i] - features[j]).norm().item() for j in chosen[:t]) for i in range(9)]
        assert max(range(9), key=nearest.__getitem__) == chosen[t]


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_k_center_is_within_twice_the_best_radius(count, features):
    def radius(rows):
        return torch.cdist(features, features[list(rows)]).min(1).values.max().item()

    best = min(radius(subset) for subset in itertools.combinations(range(9), count))
    assert radius(farthest_first(features, count, 0)) <= 2 * best + 1e-12


@pytest.mark.parametrize("seed", range(3))
def test_k_means_finds_the_best_division(seed):
    """Of all ways to divide eight texts, three of them apart: the nearest to the means of the best one."""
    noise = torch.randn(8, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    features = noise + torch.tensor([[0.0, 0.0]] * 5 + [[20.0, 0.0]] * 3)

    def nearest_and_cost(group):
        mean = features[group].mean(0)
        distances = (features[group] - mean).square().sum(1)
        return group[int(distances.argmin())], distances.sum().item()

    divisions = []
    for inside in itertools.product([False, True], repeat=8):
        groups = [[i for i in range(8) if inside[i] is side] for side in (False, True)]
        if all(groups):
            found = [nearest_and_cost(group) for group in groups]
            divisions.append((sum(cost for _, cost in found), {row for row, _ in found}))
    _, expected = min(divisions, key=lambda division: division[0])
    assert set(nearest_to_centres(features, 2, seed)) == expected


def test_k_means_gives_each_centre_its_own_text():
    """Two of three centres coincide: they get different texts."""
    features = torch.tensor([[0.0], [0.0], [0.0], [9.0]], dtype=torch.float64)
    chosen = nearest_to_centres(features, 3, 0)
    assert len(set(chosen)) == 3
    assert 3 in chosen


@pytest.mark.parametrize("name", PICKS)
def test_picks_do_not_depend_on_where_the_texts_lie(name, features):
    """Only differences between texts count."""
    assert PICKS[name](features, 4, 0) == PICKS[name](features + 3.0, 4, 0)
