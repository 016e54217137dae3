"""The options of word vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from textdd.allowed import Chosen, Number, OneOf, Place, Whole

EMBEDDINGS = ("corpus", "glove", "random")
UNKNOWN = ("induced", "random", "zero")


@dataclass
class EmbeddingConfig:
    """Where word vectors come from.

    Attributes:
        name: "corpus" (learned from the training texts), "glove" (a file of vectors) or "random".
        path: glove: the file; null takes the largest under `data_dir/vectors/`.
        unknown: glove: the vectors of words that the file lacks. `induced` from the words beside them in the training
            texts; `random` ones of the same mean and spread as the file's; `zero`.
        dimension: corpus and random: D; a file has its own.
        window: corpus and induced: words within this distance are neighbours; the nearer, the more they count.
        smoothing: corpus and induced: neighbours' frequencies are raised to this power, which tames rare words.
        shift: corpus and induced: the logarithm of this is taken off every association; 1 takes nothing.
        power: corpus: a direction is weighted by its singular value to this power.
        tokens: corpus and induced: most tokens read, so that time and memory stay bounded on large corpora.
    """

    name: Annotated[str, Chosen("embedding")] = "corpus"
    path: Place | None = None
    unknown: Annotated[str, OneOf(*UNKNOWN)] = "induced"
    dimension: Annotated[int, Whole(1, 4096)] = 100
    window: Annotated[int, Whole(1, 512)] = 10
    smoothing: Annotated[float, Number(0, 2, "(]")] = 0.75
    shift: Annotated[float, Number(1e-6, 1e6)] = 1.0
    power: Annotated[float, Number(0, 2)] = 0.5
    tokens: Annotated[int, Whole(1, 1_000_000_000)] = 10_000_000
