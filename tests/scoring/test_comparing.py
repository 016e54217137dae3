"""Spreads, tests and DD-Ranking's scores against closed forms and against scipy's own tests."""

import math

import pytest
from scipy import stats

from textdd.scoring.dd_ranking import augmentation_robust_score, label_robust_score, squashed
from textdd.scoring.statistics import paired, spread
from textdd.scoring.summary import corrected, overall, summed_up

OURS = [[0.70, 0.74], [0.80, 0.84], [0.66, 0.64]]
THEIRS = [[0.60, 0.70], [0.71, 0.77], [0.70, 0.60], [0.10, 0.10]]


def test_deviations_over_sets_and_over_students_are_told_apart():
    found = spread(OURS, 0.95)
    assert found["mean"] == pytest.approx((0.72 + 0.82 + 0.65) / 3)
    assert found["over_sets"] == pytest.approx(math.sqrt(((0.72 - 0.73) ** 2 + (0.82 - 0.73) ** 2 + 0.08**2) / 2))
    assert found["over_students"] == pytest.approx(math.sqrt((2 * 0.02**2 + 2 * 0.02**2 + 2 * 0.01**2) / 3))
    assert found["unit"] == "sets"
    half = stats.t.ppf(0.975, 2) * found["over_sets"] / math.sqrt(3)
    assert found["interval"] == pytest.approx([found["mean"] - half, found["mean"] + half])


def test_of_one_set_the_students_are_what_varies():
    found = spread([[0.5, 0.6, 0.7]], 0.9)
    assert found["over_sets"] is None
    assert found["unit"] == "students"
    low, high = stats.t.interval(0.9, 2, 0.6, 0.1 / math.sqrt(3))
    assert found["interval"] == pytest.approx([low, high])
    alone = spread([[0.5]], 0.9)
    assert (alone["interval"], alone["over_students"]) == (None, None)


def test_sets_are_paired_with_the_sets_of_the_baseline_and_each_counts_once():
    found = paired(OURS, THEIRS, 0.95)  # the fourth set of the baseline has no partner
    expected = stats.ttest_rel([0.72, 0.82, 0.65], [0.65, 0.74, 0.65])
    assert found["p"] == pytest.approx(expected.pvalue)
    assert found["interval"] == pytest.approx(list(expected.confidence_interval(0.95)))
    assert (found["unit"], found["n"]) == ("sets", 3)
    assert found["difference"] == pytest.approx((0.07 + 0.08 + 0) / 3)


def test_a_single_set_is_paired_student_by_student_with_the_mean_of_the_baseline():
    found = paired([[0.7, 0.8, 0.9]], [[0.5, 0.6, 0.9], [0.7, 0.6, 0.7]], 0.95)
    assert found["p"] == pytest.approx(stats.ttest_rel([0.7, 0.8, 0.9], [0.6, 0.6, 0.8]).pvalue)
    assert (found["unit"], found["n"]) == ("students", 3)


@pytest.mark.parametrize(("theirs", "p"), [([[0.5, 0.5]], 0.0), ([[0.7, 0.7]], 1.0)])
def test_differences_that_are_all_alike_leave_nothing_to_chance(theirs, p):
    assert paired([[0.7, 0.7]], theirs, 0.95)["p"] == p
    assert paired([[0.7]], [[0.5]], 0.95)["p"] is None


def test_scores_in_fractions_stay_between_nothing_and_one():
    assert (squashed(-1), squashed(1)) == (0, 1)
    assert squashed(0) == pytest.approx((1 - math.exp(-1)) / (math.e - math.exp(-1)))
    # the case for which the package, with percent, gives 1.75
    assert label_robust_score(0.05, 0.02) == pytest.approx(0.275, abs=5e-4)
    assert label_robust_score(1, 0) == pytest.approx(squashed(0.5))
    assert augmentation_robust_score(0.2, 0.4) == pytest.approx(squashed(0.3))


def rows(**means):
    return {
        name.replace("_", " "): {"tuned": figure(mean), "fixed": figure(mean - 0.1)} for name, mean in means.items()
    }


def figure(mean):
    return {"mean": mean, "values": [[mean - 0.01, mean + 0.01]]}


def student(chance=0.5, headline="tuned", **means):
    return {"rows": rows(**means), "full": figure(0.9), "chance": chance, "headline": headline}


def test_what_the_rows_come_to():
    found = summed_up(student(set=0.8, random=0.6, herding=0.7), 0.95)
    scores = found["scores"]
    assert scores["recovery"] == pytest.approx(0.8 / 0.9)
    assert scores["corrected_recovery"] == pytest.approx(0.3 / 0.4)
    assert (scores["ior"], scores["hlr"]) == (pytest.approx(0.2), pytest.approx(0.1))
    assert scores["lrs"] == pytest.approx(squashed(0.05))
    assert scores["ars_wd"] is None
    assert set(found["against"]) == {"random", "herding", "fixed: random", "fixed: herding"}
    assert found["against"]["herding"]["difference"] == pytest.approx(0.1)


def test_soft_labels_are_held_against_random_texts_with_soft_labels():
    given = student(set=0.8, random=0.6)
    given["rows"]["set, hard labels"] = {"tuned": figure(0.7)}
    given["rows"]["random, teacher labels"] = {"tuned": figure(0.75)}
    given["rows"]["set, words dropped"] = {"tuned": figure(0.78)}
    given["rows"]["random, words dropped"] = {"tuned": figure(0.68)}
    scores = summed_up(given, 0.95)["scores"]
    assert scores["ior"] == pytest.approx(0.05)
    assert scores["hlr"] == pytest.approx(0.2)
    assert scores["ars_wd"] == pytest.approx(squashed(0.15))
    both = overall({"a": {"scores": scores}, "b": {"scores": {**scores, "accuracy": 0.6, "ars_wd": None}}})
    assert both["accuracy"] == pytest.approx(0.7)
    assert both["ars_wd"] is None


def test_recovery_above_chance_needs_something_above_it():
    assert corrected(0.6, 0.5, 0.5) is None
    assert corrected(0.6, 0.9, None) is None
