"""Several sets taught as one: rows behind one another, labels over all classes, padding that nobody reads."""

import pytest
import torch

from textdd.errors import TextddError
from textdd.sets.texts import ABOUT_A_HUNDRED
from textdd.sets.together import all_classes, balanced, over, together
from textdd.sets.training_set import TrainingSet, train_students


def examples(count, length, classes, seed, mask=None):
    generator = torch.Generator().manual_seed(seed)
    y = torch.eye(classes)[torch.arange(count) % classes]
    return TrainingSet(torch.randn(count, length, 16, generator=generator), y, mask, 100)


def test_classes_come_once_in_their_order():
    assert all_classes([["b", "a"], ["a", "c"], ["c", "b"]]) == ["b", "a", "c"]


def test_labels_keep_their_classes_and_have_none_of_the_others():
    one = over(examples(4, 3, 2, 0), ["x", "z"], ["z", "y", "x"])
    assert one.y.tolist() == [[0, 0, 1], [1, 0, 0], [0, 0, 1], [1, 0, 0]]
    with pytest.raises(TextddError, match=r"class 'x'; the classes are y, z"):
        over(examples(4, 3, 2, 0), ["x", "z"], ["y", "z"])


def test_sets_of_one_length_need_no_mask():
    parts = [examples(2, 3, 2, 0), examples(3, 3, 2, 1)]
    both = together(parts)
    assert both.mask is None
    assert torch.equal(both.x, torch.cat([one.x for one in parts]))
    assert (both.bytes, both.read) == (200, False)


def test_a_student_reads_every_example_as_it_would_alone(student):
    mask = torch.tensor([[True, True, False], [True, True, True]])
    parts = [examples(2, 5, 3, 0), examples(2, 3, 3, 1, mask), examples(1, 2, 3, 2)]
    both, theta = together(parts), student.fresh(0)
    alone = torch.cat([student(theta, one.x, one.mask) for one in parts])
    assert torch.allclose(student(theta, both.x, both.mask), alone, atol=1e-5)


def test_classes_with_fewer_examples_are_repeated():
    one = examples(5, 2, 3, 0)
    y = torch.eye(3)[[0, 0, 0, 2, 2]]
    even = balanced(TrainingSet(one.x, y, torch.ones(5, 2, dtype=torch.bool), 7))
    assert even.y.sum(0).tolist() == [3, 0, 3]
    assert torch.equal(even.x[:3], one.x[:3])
    assert torch.equal(even.x[3:], one.x[[3, 4, 3]])
    assert even.mask.shape == (6, 2)


def test_what_was_read_is_not_read_again(student):
    class Reading:
        """Counts how often it reads."""

        times = 0

        def below(self, x, mask):
            self.times += 1
            return x * 2, mask

    reading, one = Reading(), examples(2, 3, 2, 0)
    once = one.as_read(reading)
    assert torch.equal(once.x, one.x * 2)
    assert once.as_read(reading) is once
    assert together([once, once]).read
    assert reading.times == 1


def test_taught_together_a_student_knows_the_classes_of_both(student, reader, problem):
    """Two parties, of which each has two of three classes."""
    train = problem.train
    rows = [(train.labels == c).nonzero()[0][:30] for c in range(3)]
    batches = {c: reader.embed(train.tokens(rows[c])) for c in range(3)}

    def party(first, second):
        parts = [
            TrainingSet(batches[c].x, torch.eye(2)[[i] * 30], batches[c].mask, 0) for i, c in enumerate((first, second))
        ]
        names = [problem.corpus.classes[c] for c in (first, second)]
        return over(together(parts), names, problem.corpus.classes)

    both = together([party(0, 1), party(1, 2)])
    ((theta,),) = train_students(student, [both], ABOUT_A_HUNDRED, [0], [100])
    batch = reader(problem.test.tokens(torch.arange(len(problem.test)).numpy()))
    answers = student(theta, batch.x, batch.mask).argmax(1)
    for c in range(3):
        assert (answers[batch.labels == c] == c).float().mean() > 0.5
