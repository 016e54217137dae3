"""What written texts are like beside references: BLEU, chrF, ROUGE-L and distinct n-grams, each between 0 and 1."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torchmetrics.functional.text import chrf_score, rouge_score, sacre_bleu_score

from textdd.quality.variety import variety

NOTHING = "-"
"""What stands for a text that was left empty, which some measures do not take."""


def text_measures(written: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, float]:
    """Measure N written texts; all references of each count.

    Args:
        written: the texts (N,).
        references: one or several of each (N,).

    Returns:
        `bleu`, of the corpus (Papineni et al. 2002; SacreBLEU's tokens 13a, Post 2018); `chrf`, of the corpus (Popović
        2015: sequences of up to six characters, β = 2); `rouge_l`, the mean over texts of the F1 of the longest common
        subsequence with the best reference (Lin 2004); `distinct_1` and `distinct_2`, the share of words and of pairs
        of words that are different (Li et al. 2016).
    """
    texts, wanted = [text or NOTHING for text in written], [list(own) for own in references]
    distinct = variety([(text,) for text in texts])["distinct"]
    chrf = chrf_score(texts, wanted, n_word_order=0)
    assert isinstance(chrf, Tensor), "it is a pair where scores of sentences are asked for, too"
    rouge = rouge_score(texts, wanted, accumulate="best", rouge_keys="rougeL")
    return {
        "bleu": float(sacre_bleu_score(texts, wanted)),
        "chrf": float(chrf),
        "rouge_l": float(rouge["rougeL_fmeasure"]),
        "distinct_1": distinct["1"],
        "distinct_2": distinct["2"],
    }
