"""The best product of two thin matrices, as a start for texts that are learned as products."""

from __future__ import annotations

import torch
from torch import Tensor

from textdd.errors import TextddError


def factors(matrix: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """Approximate matrices (..., A, D) by products (..., A, R) @ (..., R, D), the nearest in the Frobenius norm.

    The rows of the second factor are orthogonal and of norm sqrt(D / R), so that a step of size s in every number of a
    factor moves the numbers of the product by about s as well: step sizes of plain matrices carry over. They never
    vanish, not even where the matrix is of lower rank, so every direction can be learned.

    Raises:
        TextddError: a matrix of this shape has no such rank.
    """
    most = min(matrix.shape[-2:])
    if rank > most:
        raise TextddError(
            f"Got distiller.rank={rank}; {' x '.join(map(str, matrix.shape[-2:]))} numbers are of rank 1 to {most}. "
            f"Type: distiller.rank={most}"
        )
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    scale = (matrix.shape[-1] / rank) ** 0.5
    return left[..., :rank] * values[..., None, :rank] / scale, right[..., :rank, :] * scale
