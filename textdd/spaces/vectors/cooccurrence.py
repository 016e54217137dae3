"""Word vectors learned from the corpus itself: co-occurrence counts, positive PMI, truncated SVD.

Levy, Goldberg and Dagan, "Improving distributional similarity with lessons learned from word embeddings"
(TACL 2015): with the right details this old recipe is as good as word2vec and GloVe. No download is needed.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from textdd.spaces.reading import Reading
from textdd.spaces.tokeniser import PAD
from textdd.spaces.vectors.config import EmbeddingConfig

RUN_TOKENS = 1 << 20  # tokens counted at a time, with a window of 10: about 0.2 GB of pairs
ROWS = 1_000  # words whose associations are computed at a time: 30,000 at once took a process beyond 2 GB


def cooccurrence_vectors(split: Reading, vocabulary: int, config: EmbeddingConfig) -> np.ndarray:
    """Learn a vector for every word from its neighbours in the texts.

    Args:
        split: the texts; those of validation and test are not looked at.
        vocabulary: V.
        config: the options.

    Returns:
        Vectors (V, D), float32; zero for `[PAD]` and for words without neighbours.
    """
    # Imported here because it takes a second, and most commands find the vectors in the cache.
    from sklearn.utils.extmath import randomized_svd

    association = positive_pmi(
        count_neighbours(split, vocabulary, config.window, config.tokens), config.smoothing, config.shift
    )
    directions = min(config.dimension, vocabulary - 1)
    left, strength, _ = randomized_svd(association, directions, n_iter=4, random_state=0)
    vectors = np.zeros((vocabulary, config.dimension), dtype=np.float32)
    vectors[:, :directions] = left * strength**config.power
    vectors[PAD] = 0
    return vectors


def count_neighbours(split: Reading, vocabulary: int, window: int, most_tokens: int) -> sparse.csr_matrix:
    """Count which words stand near which, a word at distance d counting (window + 1 - d) / window.

    Args:
        split: the texts.
        vocabulary: V.
        window: the greatest distance.
        most_tokens: of a longer corpus every second, third, ... text is read.

    Returns:
        Weighted counts (V, V), float32, symmetric.
    """
    lengths = np.diff(split.store.offsets)[split.rows]
    rows = split.rows[:: -(-int(lengths.sum()) // most_tokens)]
    counts = sparse.csr_matrix((vocabulary, vocabulary), dtype=np.float32)
    for tokens, owner in split.store.runs(rows, 10 * RUN_TOKENS // max(10, window)):
        tokens = tokens.astype(np.int32)  # (R,)
        pairs = [(tokens[:-d], tokens[d:], owner[:-d] == owner[d:]) for d in range(1, window + 1)]
        left = np.concatenate([left[same] for left, _, same in pairs])
        right = np.concatenate([right[same] for _, right, same in pairs])
        near = [np.full(int(same.sum()), 1 - i / window, np.float32) for i, (_, _, same) in enumerate(pairs)]
        counts = counts + sparse.coo_matrix((np.concatenate(near), (left, right)), counts.shape).tocsr()
    return counts + counts.T


def positive_pmi(counts: sparse.csr_matrix, smoothing: float, shift: float) -> sparse.csr_matrix:
    """Turn counts into positive pointwise mutual information, log p(a, b) / (p(a) p(b)^smoothing).

    Args:
        counts: co-occurrence counts (V, V), symmetric.
        smoothing: exponent of the neighbours' frequencies.
        shift: the logarithm of this is subtracted before the positive part is taken.
    """
    totals = np.asarray(counts.sum(axis=1), dtype=np.float64).ravel()  # (V,)
    context = totals**smoothing
    context /= context.sum()
    blocks = []
    for start in range(0, counts.shape[0], ROWS):
        pairs = counts[start : start + ROWS].tocoo()
        association = np.log(pairs.data / (totals[start + pairs.row] * context[pairs.col] * shift))
        kept = association > 0
        values = association[kept].astype(np.float32)
        blocks.append(sparse.csr_matrix((values, (pairs.row[kept], pairs.col[kept])), pairs.shape))
    return sparse.vstack(blocks, format="csr")
