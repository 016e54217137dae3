"""The likelihood-ratio attack, beside closed forms and what it is for: members that no plain threshold finds."""

import numpy as np
import pytest

from textdd.trust.attack import area
from textdd.trust.lira import OF_ITS_OWN, confidence, surprise


def test_confidence_is_the_logarithm_of_the_odds():
    p = np.array([0.01, 0.5, 0.9, 1 - 1e-9])
    assert confidence(-np.log(p)) == pytest.approx(np.log(p / (1 - p)), rel=1e-6)
    assert np.isfinite(confidence(np.array([0.0, 800.0]))).all()


def losses_of(odds):
    """Losses whose confidence is known."""
    return np.log1p(np.exp(-odds))


@pytest.mark.parametrize("shadows", [5, OF_ITS_OWN])
def test_surprise_is_in_deviations_of_the_shadow_students(shadows):
    generator = np.random.default_rng(0)
    odds, ours = generator.normal(1, [[1, 4]], (shadows, 2)), np.array([[2.0, -1.0]])
    found = surprise(losses_of(ours), losses_of(odds))
    spread = odds.std(axis=0, ddof=1)
    shared = np.sqrt((spread**2).mean())
    expected = (ours - odds.mean(axis=0)) / (spread if shadows >= OF_ITS_OWN else shared)
    assert found == pytest.approx(expected, rel=1e-6)


def test_members_are_found_that_differ_in_how_hard_they_are():
    """Texts are easy or hard by four times what having seen them helps: only beside others does that show."""
    generator = np.random.default_rng(1)
    hardness, seen = generator.normal(0, 4, 2000), np.arange(2000) < 1000
    shadows = hardness + generator.normal(0, 0.5, (16, 2000))
    ours = (hardness + seen + generator.normal(0, 0.5, (3, 2000)))[:]
    losses, of_shadows = losses_of(ours), losses_of(shadows)
    plain = area(losses[:, seen], losses[:, ~seen])
    beside = -surprise(losses, of_shadows)
    assert plain < 0.6
    assert area(beside[:, seen], beside[:, ~seen]) > 0.85


def test_nobody_is_found_where_nothing_was_seen():
    generator = np.random.default_rng(2)
    losses, of_shadows = (losses_of(generator.normal(size=(k, 2000))) for k in (5, 16))
    beside = -surprise(losses, of_shadows)
    assert area(beside[:, :1000], beside[:, 1000:]) == pytest.approx(0.5, abs=0.03)
