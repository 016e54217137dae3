"""Measures of written texts: known values, and by hand."""

import pytest

from textdd.evaluation.text_measures import text_measures


def test_a_text_that_is_a_reference_has_all_there_is():
    found = text_measures(["the cat sat on the mat"], [["a dog ran", "the cat sat on the mat"]])
    assert [found[name] for name in ("bleu", "chrf", "rouge_l")] == pytest.approx([1, 1, 1])


def test_rouge_is_of_the_longest_common_subsequence_with_the_best_reference():
    found = text_measures(["a b c d"], [["x y z", "a c d e f g"]])  # a c d: of four words, of six
    assert found["rouge_l"] == pytest.approx(2 * 3 / (4 + 6))


def test_bleu_is_of_the_corpus():
    written = ["the cat is on the mat", "there is a dog here now"]
    references = [["the cat is on a mat"], ["there is a dog here now"]]
    # 1-grams 11/12 ("the" once), 2-grams 8/10, 3-grams 6/8, 4-grams 4/6; as long as the references
    expected = (11 / 12 * 8 / 10 * 6 / 8 * 4 / 6) ** (1 / 4)
    assert text_measures(written, references)["bleu"] == pytest.approx(expected, abs=1e-5)


def test_distinct_words_and_pairs_are_counted_over_all_texts():
    found = text_measures(["a b a b", "a b"], [["x"], ["y"]])
    assert found["distinct_1"] == pytest.approx(2 / 6)
    assert found["distinct_2"] == pytest.approx(2 / 4)  # ab ba ab, ab


def test_texts_that_were_left_empty_are_worth_nothing():
    found = text_measures(["", ""], [["a word"], ["another", "a third"]])
    assert found["bleu"] == found["chrf"] == found["rouge_l"] == 0
