"""What follows from the number of classes: nothing up to sixteen, and never what was given."""

import pytest

from tests.distillers.test_distillers import options
from textdd.outer.distil import make_distiller
from textdd.outer.start import many_classes
from textdd.outer.start.many_classes import MANY, grown_to

OPEN = {"inner_steps": 0, "outer_batch": 0}


def left_open(config):
    return config.start, config.inner_optimiser, config.inner_steps, config.outer_batch


@pytest.mark.parametrize(
    ("classes", "steps", "texts"), [(2, 24, 128), (MANY, 24, 128), (20, 27, 140), (77, 53, 539), (1000, 190, 1024)]
)
def test_steps_grow_with_the_root_and_texts_with_the_classes(classes, steps, texts):
    assert grown_to(classes)[2:4] == (steps, texts)


def test_few_classes_leave_everything_as_it_was(problem):
    settled = options("meta_gradient", **OPEN).settled(problem)
    assert left_open(settled) == ("real", "adam", 24, 128)


@pytest.fixture
def many(monkeypatch, problem):
    """The same corpus, as if its classes were many."""
    monkeypatch.setattr(many_classes, "MANY", problem.classes - 1)
    return problem


def test_many_classes_change_what_is_left_open_and_say_so(many, capsys):
    settled = options("meta_gradient", **OPEN).settled(many)
    assert left_open(settled) == ("telling", "smooth_adam", 29, 128)
    said = capsys.readouterr().err
    assert "start=telling, inner_optimiser=smooth_adam, inner_steps=29, outer_batch=128" in said


def test_what_is_given_stays(many):
    given = {"start": "noise", "inner_optimiser": "sgd", "inner_steps": 3, "outer_batch": 5}
    assert left_open(options("meta_gradient", **given).settled(many)) == tuple(given.values())


def test_real_texts_stay_whole(many):
    assert options("label_distillation").settled(many).start == "real"


@pytest.mark.parametrize("kind", ["several_labels", "pairs"])
def test_other_tasks_were_not_measured_and_stay_as_they_are(kind, monkeypatch, request):
    monkeypatch.setattr(many_classes, "MANY", 1)
    problem = request.getfixturevalue(kind)
    assert left_open(options("meta_gradient", **OPEN).settled(problem)) == ("real", "adam", 24, 128)


def test_a_distiller_takes_what_was_settled(many):
    distiller = make_distiller(options("meta_gradient", step_size=0.004), many)
    assert distiller.synthetic.recipe.optimiser == "smooth_adam"
    assert distiller.synthetic.recipe.step_size == pytest.approx(0.012)
    assert distiller.optimiser.epsilon == 1e-3
