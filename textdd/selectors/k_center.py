"""k-center: texts such that no text of the class is far from all of them.

The greedy 2-approximation of Sener & Savarese, *Active Learning for Convolutional Neural Networks: A Core-Set
Approach* (2018, algorithm 1), the farthest-first traversal of Gonzalez (1985). The first centre is the text nearest
to the mean. It minimises the largest distance, so at small sizes most picks are outliers.
"""

from __future__ import annotations

from torch import Tensor


def farthest_first(features: Tensor, count: int, seed: int) -> list[int]:
    """Pick the text nearest to the mean, then again and again the text farthest from all that are picked.

    Args:
        features: of all texts (N, D).
        count: how many to pick, at most N.
        seed: not used, there is no chance in it.
    """
    del seed
    chosen = [int((features - features.mean(0)).norm(dim=1).argmin())]
    distances = (features - features[chosen[0]]).norm(dim=1)  # from each text to the nearest centre (N,)
    while len(chosen) < count:
        distances[chosen] = -1.0  # equal texts are all at distance 0; none is picked twice
        chosen.append(int(distances.argmax()))
        distances = distances.minimum((features - features[chosen[-1]]).norm(dim=1))
    return chosen
