"""k-means: the real text nearest to each cluster centre, one text per cluster.

MacQueen (1967) and Lloyd (1982) with the seeding of Arthur & Vassilvitskii, *k-means++* (2007). Papers on text
distillation since DiLM (Maekawa et al., 2024) call this baseline "k-centers". Distillers start from it as well
(`distiller.start=kmeans`).
"""

from __future__ import annotations

import warnings

import torch
from torch import Tensor


def nearest_to_centres(features: Tensor, count: int, seed: int) -> list[int]:
    """Pick for each of `count` k-means centres the nearest text that is not picked yet.

    Args:
        features: of all texts (N, D).
        count: how many to pick, at most N.
        seed: decides where the centres start.
    """
    from sklearn.cluster import KMeans  # takes a second, and most runs do without
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        # Fewer different texts than centres: centres coincide, and each still gets a text of its own.
        warnings.simplefilter("ignore", ConvergenceWarning)
        centres = KMeans(count, n_init=1, random_state=seed % 2**32).fit(features.numpy()).cluster_centers_
    chosen: list[int] = []
    for centre in torch.from_numpy(centres):
        distances = (features - centre).norm(dim=1)
        distances[chosen] = torch.inf
        chosen.append(int(distances.argmin()))
    return chosen
