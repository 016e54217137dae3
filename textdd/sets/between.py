"""From one space to another: the linear map that takes the vectors of shared words nearest to each other.

Mikolov et al. (2013, "Exploiting similarities among languages for machine translation", equation 3) fit such a map
between languages by pairs of words; two spaces of one language share words outright. So a set of matrices that was made
in one space can be taught, as well as a linear map can tell, to a student that reads another.
"""

from __future__ import annotations

import torch
from torch import Tensor

from textdd.errors import TextddError
from textdd.sets.training_set import TrainingSet
from textdd.spaces.space import Space

RIDGE = 1e-3
"""Of the least squares, as a share of the mean diagonal: a table may have fewer directions than numbers."""


def shared_words(source: Space, target: Space) -> tuple[Tensor, Tensor]:
    """Token numbers (n,) of the words that two spaces share, in each of them; marks and parts of words are none.

    Raises:
        TextddError: there are fewer than the source has numbers in a vector, so no map could be told.
    """
    ours, theirs = (space.tokeniser.get_vocab() for space in (source, target))
    words = sorted(word for word in ours.keys() & theirs.keys() if word.isalnum())
    if len(words) < source.dimension:
        raise TextddError(
            f"{source.name} and {target.name} share {len(words)} words; a linear map of {source.dimension} numbers "
            f"needs at least as many. Take word vectors with more words: dataset.vocabulary={10 * source.dimension}"
        )
    return torch.tensor([ours[word] for word in words]), torch.tensor([theirs[word] for word in words])


def linear_map(source: Space, target: Space) -> tuple[Tensor, Tensor]:
    """Weights (D, D') and bias (D',) that take vectors of one space to another with the least squared error.

    Raises:
        TextddError: they share too few words.
    """
    ours, theirs = shared_words(source, target)
    x, y = source.table[ours].double(), target.table[theirs].double()
    middle, wanted = x.mean(0), y.mean(0)
    x, y = x - middle, y - wanted
    gram = x.t() @ x
    gram += RIDGE * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype)
    weights = torch.linalg.solve(gram, x.t() @ y)
    return weights.float(), (wanted - middle @ weights).float()


def carried(examples: TrainingSet, source: Space, target: Space) -> TrainingSet:
    """Examples of one space as a student of another reads them: each vector mapped, and the other's frame around.

    What the source puts around a text is taken off first.

    Args:
        examples: texts as embeddings (M, L, D) of the source.
        source: the space that they are of.
        target: the space that they are wanted in.

    Raises:
        TextddError: the spaces share too few words.
    """
    weights, bias = linear_map(source, target)
    before, after = len(source.frame.before), len(source.frame.after)
    x = examples.x[:, before : examples.x.shape[1] - after].to(weights) @ weights + bias
    around = [target.table[list(part)].expand(len(x), -1, -1) for part in (target.frame.before, target.frame.after)]
    x = torch.cat([around[0], x, around[1]], dim=1).to(examples.x)
    return TrainingSet(x, examples.y, None, examples.bytes)
