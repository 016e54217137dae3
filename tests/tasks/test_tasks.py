"""Kinds of targets against torch, scikit-learn, torchmetrics and brute force."""

import itertools

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score, f1_score
from torch.nn import functional as F
from torchmetrics.classification import MulticlassAccuracy, MulticlassF1Score

from textdd.tasks import TASKS, OneClass, SeveralLabels
from textdd.tasks.several_labels import GRID, BestMicroF1, best_thresholds, counts

N, C = 40, 3


@pytest.fixture
def logits():
    return torch.randn(N, C, generator=torch.Generator().manual_seed(0)) * 2


@pytest.fixture
def targets(logits):
    """Labels that the logits know something of, the second a rare one."""
    noise = torch.randn(N, C, generator=torch.Generator().manual_seed(1))
    return logits + 2 * noise > torch.tensor([0.5, 3.5, 1.0])


@pytest.fixture(params=[name for name in TASKS if name != "generation"])
def task(request):
    return TASKS[request.param](C)


def of(task, targets):
    """The same targets as a task has them."""
    return targets.float().argmax(1) if task.name == "one_class" else targets


class TestEveryTask:
    def test_targets_labels_and_members_say_the_same(self, task, targets):
        targets = of(task, targets)
        y = task.as_labels(targets)
        assert y.shape == (N, C)
        assert y.dtype == torch.int64
        assert torch.equal(task.members(targets), y.bool())
        assert torch.equal(task.hardened(y.float()), y.float())

    def test_shades_are_hardened_to_what_they_lean_to(self, task):
        y = torch.tensor([[0.2, 0.7, 0.1], [0.6, 0.3, 0.1]])
        assert task.hardened(y).tolist() == [[0, 1, 0], [1, 0, 0]]

    def test_the_loss_is_one_of_targets_or_of_labels(self, task, logits, targets):
        targets = of(task, targets)
        hard = task.loss(logits, targets)
        assert hard.item() == pytest.approx(task.loss(logits, task.as_labels(targets).float()).item(), rel=1e-6)

    def test_the_inner_loss_of_several_students_is_the_sum_of_theirs(self, task, logits):
        several = torch.stack([logits, logits.flip(0)])
        y = torch.rand(N, C, generator=torch.Generator().manual_seed(2))
        y = y / y.sum(1, keepdim=True)
        alone = [task.inner_loss(one, y) for one in several]
        assert alone[0].item() == pytest.approx(task.loss(logits, y).item(), rel=1e-6)
        assert task.inner_loss(several, y).item() == pytest.approx(sum(alone).item(), rel=1e-6)
        own = torch.stack([y, y.roll(1, 0)])  # each student may have labels of its own
        expected = alone[0] + task.inner_loss(several[1], own[1])
        assert task.inner_loss(several, own).item() == pytest.approx(expected.item(), rel=1e-6)
        in_half = task.inner_loss(logits.bfloat16(), y)
        assert in_half.dtype == torch.float32
        assert in_half.item() == pytest.approx(alone[0].item(), rel=1e-2)

    def test_labels_start_with_the_confidence_asked_for(self, task, targets):
        y = task.as_labels(of(task, targets)).float()
        started = task.probabilities(task.start_logits(y, 0.8))
        assert torch.allclose(started[y > 0], torch.tensor(0.8))
        assert torch.allclose(started[y == 0], torch.tensor(0.1 if task.name == "one_class" else 0.2))

    def test_logits_of_labels_give_them_back(self, task, logits):
        y = task.probabilities(logits)
        assert torch.allclose(task.probabilities(task.logits_of(y)), y, atol=1e-6)

    def test_scores_are_the_measures_that_are_named(self, task, logits, targets):
        targets = of(task, targets)
        assert tuple(task.scores(logits, targets, task.rule_from(logits, targets))) == task.measures

    def test_the_headline_while_learning_is_that_of_the_scores(self, task, logits, targets):
        targets, metric = of(task, targets), task.check_metric()
        metric.update(logits, targets)
        headline = task.scores(logits, targets, task.rule_from(logits, targets))[task.measures[0]]
        assert metric.compute().item() == pytest.approx(headline, rel=1e-6)


def test_one_class_is_scored_as_by_torchmetrics(logits, targets):
    task, classes = OneClass(C), targets.float().argmax(1)
    found = task.scores(logits, classes)
    accuracy, f1 = MulticlassAccuracy(C, average="micro"), MulticlassF1Score(C, average="macro")
    assert found == {"accuracy": accuracy(logits, classes).item(), "macro_f1": f1(logits, classes).item()}
    assert found["macro_f1"] == pytest.approx(f1_score(classes, logits.argmax(1), average="macro"), rel=1e-6)
    assert task.rule_from(logits, classes) is None
    assert torch.equal(task.probabilities(logits), logits.softmax(1))


class TestSeveralLabels:
    task = SeveralLabels(C)

    def test_the_loss_is_torchs_of_every_label(self, logits, targets):
        expected = F.binary_cross_entropy(logits.sigmoid(), targets.float())
        assert self.task.loss(logits, targets).item() == pytest.approx(expected.item(), rel=1e-5)
        assert self.task.inner_loss(logits, targets.float()).item() == pytest.approx(expected.item(), rel=1e-5)

    def test_is_scored_as_by_scikit_learn(self, logits, targets):
        rule = torch.tensor([0.5, 0.2, 0.7])
        found, given = self.task.scores(logits, targets, rule), (logits.sigmoid() >= rule).numpy()
        assert found["micro_f1"] == pytest.approx(f1_score(targets, given, average="micro"), rel=1e-6)
        assert found["macro_f1"] == pytest.approx(f1_score(targets, given, average="macro"), rel=1e-6)
        mean = average_precision_score(targets.numpy(), logits.numpy(), average="macro")
        assert found["mean_average_precision"] == pytest.approx(mean, rel=1e-5)

    def test_a_label_that_no_text_has_is_no_mistake_of_precision(self, logits, targets):
        targets[:, 1] = False
        found = self.task.scores(logits, targets, torch.full((C,), 0.5))
        kept = [average_precision_score(targets[:, c].numpy(), logits[:, c].numpy()) for c in (0, 2)]
        assert found["mean_average_precision"] == pytest.approx(np.mean(kept), rel=1e-5)
        nothing = self.task.scores(logits, torch.zeros_like(targets), torch.full((C,), 2.0))
        assert set(nothing.values()) == {0.0}  # numbers, whatever the texts are

    def test_thresholds_are_the_best_of_the_grid(self, logits, targets):
        """Every threshold of every label is tried by itself; of equally good ones the highest is taken."""
        rule, probabilities = self.task.rule_from(logits, targets), logits.sigmoid()
        for c in range(C):
            tried = {}
            for i in range(GRID):
                given = (probabilities[:, c] >= i / GRID).numpy()
                tried[i / GRID] = f1_score(targets[:, c], given, zero_division=0)
            best = max(tried.values())
            assert tried[min(tried, key=lambda at: abs(at - rule[c].item()))] == pytest.approx(best, rel=1e-6)
            assert rule[c].item() == pytest.approx(max(at for at, f1 in tried.items() if f1 > best - 1e-9), abs=1e-6)

    def test_no_choice_of_one_threshold_a_label_has_a_better_macro_f1(self, logits, targets):
        found = self.task.scores(logits, targets, self.task.rule_from(logits, targets))["macro_f1"]
        rules = itertools.product([i / GRID for i in range(0, GRID, 7)], repeat=C)
        assert all(self.task.scores(logits, targets, torch.tensor(rule))["macro_f1"] <= found + 1e-6 for rule in rules)

    def test_counts_are_those_of_counting(self, logits, targets):
        both, given, there = counts(logits.sigmoid(), targets).split([GRID, GRID, 1], dim=1)
        for i in range(GRID):
            named = (logits.sigmoid() * GRID).floor() >= i
            assert torch.equal(given[:, i], named.sum(0).float())
            assert torch.equal(both[:, i], (named & targets).sum(0).float())
        assert torch.equal(there[:, 0], targets.sum(0).float())

    def test_certain_answers_have_their_place_on_the_grid(self):
        certain, right = torch.tensor([[1.0], [0.0], [1.0]]), torch.tensor([[True], [False], [True]])
        assert best_thresholds(counts(certain, right)).item() == pytest.approx(1 - 1 / GRID)

    def test_best_micro_f1_over_batches_is_that_over_the_whole(self, logits, targets):
        whole, parts = BestMicroF1(C), BestMicroF1(C)
        whole.update(logits, targets)
        for rows in torch.arange(N).split(7):
            parts.update(logits[rows], targets[rows])
        assert parts.compute() == whole.compute() > 0
        expected = self.task.scores(logits, targets, self.task.rule_from(logits, targets))["micro_f1"]
        assert whole.compute().item() == pytest.approx(expected, rel=1e-6)
