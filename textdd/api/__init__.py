"""From Python: distil or pick a small training set of any texts, with the options of the command line.

    from textdd import distil

    small = distil(frame, text="review", label="stars", per_class=10)
    classify = small.train(seed=0)

Everything goes the way of the command `textdd run`: the same options by the same names, the same checks, the same cache
and the same folder, so that the same data and options give the same set, to the bit.
"""

from textdd.api.judging import score, trust_report
from textdd.api.making import distil, select
from textdd.api.training import train

__all__ = ["distil", "score", "select", "train", "trust_report"]
