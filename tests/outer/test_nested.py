"""Nested sets: which sizes are drawn, what a student of a beginning is taught, what is refused."""

import dataclasses
from collections import Counter

import pytest
import torch

from tests.distillers.test_distillers import options
from textdd.checks import check_method
from textdd.distillers import DISTILLERS
from textdd.errors import TextddError
from textdd.outer.distil import make_distiller
from textdd.outer.nested import check_nested, draw_size
from textdd.outer.start.start import recipe_of


@pytest.mark.parametrize("sizes", [[], [1], [1, 3, 9]])
def test_right_sizes_pass(sizes):
    check_nested(sizes, 10)
    check_nested(sizes, None)


@pytest.mark.parametrize(
    ("sizes", "remedy"), [([3, 1], "1,3"), ([0, 2], "2"), ([2, 2], "2"), ([1, 10], "1"), ([-1], ""), ([11], "")]
)
def test_wrong_sizes_say_what_to_type(sizes, remedy):
    with pytest.raises(TextddError, match=rf"from 1 below 10, .* Type: distiller\.nested=\[{remedy}\]$"):
        check_nested(sizes, 10)


def test_a_set_below_its_nested_sizes_is_refused(problem):
    with pytest.raises(TextddError, match="from 1 below 2"):
        make_distiller(options("meta_gradient", nested=[2]), problem)


def test_methods_that_cannot_refuse(monkeypatch):
    class Other:
        nests = False

    monkeypatch.setitem(DISTILLERS, "other", (Other, None))
    check_method(options("meta_gradient", nested=[1]))
    with pytest.raises(TextddError, match=r"distiller=other, which makes no nested sets; these do: meta_gradient, "):
        check_method(dataclasses.replace(options("meta_gradient", nested=[1]), name="other"))


def test_every_size_is_drawn_as_often():
    drawn = Counter(draw_size([1, 3], 10, seed) for seed in range(3000))
    assert set(drawn) == {1, 3, 10}
    assert all(900 < count < 1100 for count in drawn.values())
    assert [draw_size([1, 3], 10, 7) for _ in range(3)] == [draw_size([1, 3], 10, 7)] * 3


@pytest.mark.parametrize("changes", [{}, {"order": "shuffled"}, {"inner_batch": 4}])
def test_a_beginning_is_taught_by_the_recipe_for_its_size(problem, changes):
    config = options("meta_gradient", nested=[1, 4], **changes)
    distiller = make_distiller(config, dataclasses.replace(problem, per_class=10))
    seen = set()
    for draw in range(20):
        lesson = distiller.lesson(draw)
        size = draw_size([1, 4], 10, draw) * 3
        assert torch.equal(lesson.rows, recipe_of(distiller.config, size, 3).schedule(size, draw))
        assert lesson.rows.max() < size
        assert torch.equal(lesson.step_sizes, distiller.synthetic.step_sizes())
        seen.add(size)
    assert seen == {3, 12, 30}


def test_rows_behind_a_beginning_get_no_gradient(problem, student):
    distiller = make_distiller(options("meta_gradient", nested=[1]), dataclasses.replace(problem, per_class=4))
    draw = next(seed for seed in range(100) if draw_size([1], 4, seed) == 1)
    lesson = distiller.lesson(draw)
    state = distiller.engine(student, distiller.optimiser, distiller.fresh_student(0), lesson, [4])[0]
    (gradient,) = torch.autograd.grad(state.theta.square().sum(), distiller.synthetic.x)
    assert gradient[:3].abs().amax((1, 2)).min() > 0
    assert not gradient[3:].any()


def test_sizes_differ_between_steps_though_the_student_is_one(problem, monkeypatch):
    config = options("meta_gradient", nested=[1], fresh_students=False)
    distiller = make_distiller(config, problem)
    monkeypatch.setattr(type(distiller), "global_rank", 0, raising=False)
    sizes = []
    whole = distiller.synthetic.lesson
    monkeypatch.setattr(distiller.synthetic, "lesson", lambda seed, size, *rest: sizes.append(size) or whole(seed))
    for step in range(12):
        distiller.trained_students(step, [0])
    assert set(sizes) == {3, 6}


def test_a_beginning_has_all_pieces_of_its_texts(problem, student):
    config = options("meta_gradient", nested=[1], pieces=3)
    distiller = make_distiller(config, dataclasses.replace(problem, per_class=4))
    draw = next(seed for seed in range(100) if draw_size([1], 4, seed) == 1)
    lesson = distiller.lesson(draw)
    assert lesson.rows.max() == 3 * 3 - 1
    state = distiller.engine(student, distiller.optimiser, distiller.fresh_student(0), lesson, [4])[0]
    (gradient,) = torch.autograd.grad(state.theta.square().sum(), distiller.synthetic.texts.x)
    assert gradient[:3].abs().amax(2).min() > 0  # every token of the first text of every class
    assert not gradient[3:].any()
