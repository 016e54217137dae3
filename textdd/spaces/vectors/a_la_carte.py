"""Vectors for words that a file of vectors lacks, from the company that they keep in the training texts.

Khodak et al. (2018), "A la carte embedding: cheap but effective induction of semantic feature vectors": the mean of
the vectors of a word's neighbours, mapped by a matrix that turns such means into vectors where both are known. Here the
mean is weighted by positive PMI (see cooccurrence.py), so that words which stand beside everything count for nothing.
"""

from __future__ import annotations

import numpy as np

from textdd.spaces.reading import Reading
from textdd.spaces.vectors.config import EmbeddingConfig
from textdd.spaces.vectors.cooccurrence import count_neighbours, positive_pmi

RIDGE = 1e-3
"""Of the least squares, as a share of the mean square of the neighbours' means: few known words must not overfit."""

PRIOR = 100.0
"""Association with nothing that every word is given besides its own: what is seen a few times gets a shorter vector.
Held-out words of AG News and TREC, of all frequencies, are nearest to their own vectors with about so much."""


def induced_vectors(split: Reading, vectors: np.ndarray, known: np.ndarray, config: EmbeddingConfig) -> np.ndarray:
    """Give every word the vector that its neighbours suggest.

    Args:
        split: the texts; those of validation and test are not looked at.
        vectors: those of the known words (V, D); other rows are not read.
        known: which words these are (V,), bool.
        config: window, smoothing, shift and most tokens of the counts.

    Returns:
        Vectors (V, D), float32; zero for words that have no known neighbour.
    """
    counts = count_neighbours(split, len(vectors), config.window, config.tokens)
    association = positive_pmi(counts, config.smoothing, config.shift)[:, known]
    total = np.asarray(association.sum(axis=1), dtype=np.float64)  # (V, 1)
    means = association @ vectors[known].astype(np.float64) / (total + PRIOR)  # (V, D)
    inputs, outputs = means[known], vectors[known]
    gram = inputs.T @ inputs
    gram += RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram))
    induced: np.ndarray = means @ np.linalg.solve(gram, inputs.T @ outputs)
    return induced.astype(np.float32)
