"""The budget is exact, and its messages can be typed."""

from __future__ import annotations

import re
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textdd.corpora.budget import check_per_class, least_budget, per_class_from_budget
from textdd.errors import TextddError

ROWS = st.integers(min_value=1, max_value=10**8)
CLASSES = st.integers(min_value=2, max_value=1_000)


@pytest.mark.parametrize(
    ("budget", "rows", "classes", "per_class"),
    [
        (0.001, 120_000, 4, 30),
        ("0.001", 560_000, 14, 40),
        (0.0001, 3_600_000, 2, 180),
        (Decimal("0.29"), 200, 2, 29),  # 28.999... in binary
        (1, 10, 3, 3),
    ],
)
def test_examples_per_class(budget, rows, classes, per_class):
    assert per_class_from_budget(budget, rows, classes) == per_class


@given(ROWS, CLASSES, st.integers(min_value=1, max_value=99_999), st.integers(min_value=5, max_value=9))
def test_the_budget_is_spent_but_not_exceeded(rows, classes, digits, places):
    budget = Decimal(digits).scaleb(-places)
    try:
        per_class = per_class_from_budget(budget, rows, classes)
    except TextddError:
        assert budget * rows < classes
    else:
        assert per_class * classes <= budget * rows < (per_class + 1) * classes
        assert per_class_from_budget(float(budget), rows, classes) == per_class


@given(ROWS, CLASSES)
def test_the_least_budget_works_as_typed_and_little_less_does_not(rows, classes):
    if rows < classes:
        with pytest.raises(TextddError, match="no budget"):
            least_budget(rows, classes)
        return
    typed = least_budget(rows, classes)
    assert "e" not in typed.lower()
    assert per_class_from_budget(typed, rows, classes) >= 1
    assert per_class_from_budget(float(typed), rows, classes) >= 1
    with pytest.raises(TextddError):
        per_class_from_budget(Decimal(typed) * Decimal("0.98"), rows, classes)


def test_less_than_one_per_class_says_what_to_type():
    with pytest.raises(TextddError, match="less than one example") as caught:
        per_class_from_budget(0.0001, 5_365, 6)
    (typed,) = re.findall(r"budget=([\d.]+)$", str(caught.value))
    assert typed == "0.00112"
    assert per_class_from_budget(typed, 5_365, 6) == 1


@pytest.mark.parametrize("budget", [0, -0.1, 1.5, float("nan"), float("inf"), "many", True - 2])
def test_a_budget_out_of_range_is_an_error(budget):
    with pytest.raises(TextddError, match="is not a fraction"):
        per_class_from_budget(budget, 1000, 2)


def test_a_class_with_too_few_texts_is_named():
    labels = np.array([0, 0, 0, 1, 1])
    check_per_class(2, labels, ["many", "few"])
    with pytest.raises(TextddError, match=r"'few' has only 2 .*per_class=2"):
        check_per_class(3, labels, ["many", "few"])
