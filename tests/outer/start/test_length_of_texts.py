"""How long distilled texts are."""

import numpy as np
import pytest

from textdd.outer.start.length import text_length, usual_length


@pytest.mark.parametrize(("per_class", "expected"), [(1, 6), (3, 9), (10, 15), (30, 23), (40, 24), (1000, 24)])
def test_a_larger_set_has_longer_texts(per_class, expected):
    assert text_length(-1, per_class, real_length=48) == expected


def test_they_do_not_grow_beyond_real_texts():
    assert text_length(-1, 1000, real_length=16) == 16


def test_a_few_long_texts_do_not_make_real_texts_long():
    assert usual_length(np.array([7] * 98 + [5, 48])) == 7
    assert usual_length(np.array([48, 48, 3])) == 48


def test_a_length_that_is_asked_for_is_taken_and_0_is_that_of_real_texts():
    assert text_length(40, 3, real_length=16) == 40
    assert text_length(0, 3, real_length=16) == 16


def test_pieces_are_as_long_as_texts_of_a_set_of_as_many():
    assert text_length(-1, 1, real_length=48, pieces=3) == 3 * text_length(-1, 3, real_length=48)
    assert text_length(-1, 30, real_length=48, pieces=4) == 48
    assert text_length(0, 30, real_length=50, pieces=4) == 48
    assert text_length(-1, 30, real_length=2, pieces=4) == 4
