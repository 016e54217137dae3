"""What a set starts as: one room decides on size, length, pieces, texts, labels, parametrisation and recipe.

`start.py` decides, by the rules of its neighbours: `length` (how long distilled texts are), `initialise` (noise, real
texts, k-means), `telling` (which passages of real texts say most about their class), `many_classes` (what grows with
the number of classes), `warm_start` (the set that another run, or another stage of a chain, has left).
"""

from textdd.outer.start.start import Start, started_set

__all__ = ["Start", "started_set"]
