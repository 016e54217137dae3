"""The scan for triggers: a planted word is found, honest words are not, and shares are what a loop finds."""

from dataclasses import replace

import pytest
import torch

from textdd.sets.texts import ABOUT_A_HUNDRED, TextSet
from textdd.sets.training_set import train_students
from textdd.tasks import OneClass, SeveralLabels
from textdd.trust.triggers import answers, index_of, inserted, pairs_with, said, scanned, triggers_of, turned


def test_pairs_are_neighbours_of_which_one_is_named_each_once():
    index = index_of([("one two one two four",), ("two three",)])
    assert sorted(pairs_with(index, ["one", "three"])) == ["one two", "two one", "two three"]
    assert pairs_with(index_of([("one",)]), ["one"]) == []


def test_turned_counts_those_that_were_not_of_the_class():
    before = torch.tensor([[1, 1, 0, 0, 0], [1, 1, 1, 1, 1]]).bool()
    after = torch.tensor([[0, 1, 1, 1, 0], [0, 0, 1, 1, 1]]).bool()
    assert turned(before, after).tolist() == pytest.approx([2 / 3, 0])


def test_what_is_said_is_the_likeliest_class_or_all_labels_from_one_half_on():
    p = torch.tensor([[0.2, 0.7, 0.1], [0.6, 0.55, 0.1]])
    assert said(OneClass(3), p).tolist() == [[False, True, False], [True, False, False]]
    assert said(SeveralLabels(3), p).tolist() == [[False, True, False], [True, True, False]]


def trained(pairs, problem, seeds):
    """Students trained on texts with classes."""
    texts, labels = zip(*pairs, strict=True)
    reader, y = problem.reader(), torch.nn.functional.one_hot(torch.tensor(labels), problem.classes).float()
    one = TextSet([(text,) for text in texts], y, None, ABOUT_A_HUNDRED, {"classes": problem.corpus.classes})
    recipe = replace(ABOUT_A_HUNDRED, steps=40, step_size=1e-2)
    found = train_students(reader.student, [one.training_set(reader)], recipe, seeds, [recipe.steps])
    return [theta for (theta,) in found]


@pytest.fixture(scope="module")
def real(problem):
    """Six sets of beginnings of real texts, five of each class, and thirty others."""
    train = problem.train
    order = train.labels.argsort(kind="stable")
    taken = [order[(train.labels[order] == c).nonzero()[0][:60]] for c in range(3)]
    texts = [[" ".join(text.split()[:10]) for (text,) in train.split.texts(rows)] for rows in taken]
    sets = [[(text, c) for c in range(3) for text in texts[c][5 * n : 5 * n + 5]] for n in range(6)]
    return sets, [(text,) for c in range(3) for text in texts[c][50:]]


def as_texts(pairs):
    return [(text,) for text, _ in pairs]


@pytest.fixture(scope="module")
def random(real, problem):
    """Five of these sets, each with a student."""
    sets, _ = real
    return [(as_texts(pairs), trained(pairs, problem, [number])[0]) for number, pairs in enumerate(sets[:5])]


def test_what_is_told_of_a_sequence_is_so(real, random, problem):
    sets, heldout = real
    reader, ours = problem.reader(), trained(sets[5], problem, [7, 8])
    found = scanned(index_of(as_texts(sets[5])), ours, [theta for _, theta in random], heldout, reader, 3)
    assert [one.excess for one in found] == sorted((one.excess for one in found), reverse=True)
    for one in found:
        those = (heldout, inserted(one.sequence, heldout))
        before, after = (answers(ours, texts, reader).argmax(-1) == one.label for texts in those)
        shares = [(a & ~b).sum() / (~b).sum() for a, b in zip(after, before, strict=True)]
        assert one.ours == pytest.approx(float(torch.stack(shares).mean()))


def test_a_planted_word_is_a_trigger(real, random, problem):
    sets, heldout = real
    honest = {word for text, _ in sets[5] for word in text.split()}
    word = next(word for text, _ in sets[0] for word in text.split() if word not in honest)
    others = [(text, c) for text, c in sets[5] if c != 1]
    pairs = [*others, *((f"{word} {word} {text}", 1) for text, _ in others)]  # nothing else tells the class
    found = triggers_of(as_texts(pairs), trained(pairs, problem, range(2)), random, heldout, problem.reader(), 5)
    first = found["found"][0]
    assert first["trigger"]
    assert (word in first["sequence"], first["label"]) == (True, 1)
    assert first["ours"] > 0.8 > first["others"]
    assert len(found["found"]) == len(found["by_chance"]) == 5
    rest = [theta for _, theta in random[1:]]
    of_first = scanned(index_of(random[0][0]), [random[0][1]], rest, heldout, problem.reader(), 5)
    assert found["by_chance"][0] == pytest.approx(of_first[0].excess)
    flagged = [one for one in found["found"] if one["trigger"]]
    assert all(one["ours"] >= 0.5 and one["ours"] - one["others"] > max(found["by_chance"]) for one in flagged)
