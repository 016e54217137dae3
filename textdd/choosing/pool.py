"""Candidates: the texts that a set may be made of. Real ones, several of a class joined, or beginnings of them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from textdd.choosing.views import sample_of
from textdd.corpora.corpus import Split
from textdd.errors import TextddError
from textdd.problem import Problem
from textdd.quality.against import measured_on
from textdd.seeds import numpy_generator
from textdd.sets.texts import Text
from textdd.spaces.space import Space

FORMS = ("whole", "joined", "trimmed")
"""`whole` texts of the corpus; `joined`: as many of a class behind one another as the tokens allow; `trimmed`: the
beginning of each."""


class Pool(NamedTuple):
    """Texts with what is known of each.

    Attributes:
        texts: the texts (n,).
        targets: as the corpus has them (n,) or (n, C).
        strata: the class by which each is counted (n,).
        origins: where each is from (n,), a name of ORIGINS.
        facts: what the set's manifest says of where they come from.
    """

    texts: list[Text]
    targets: Tensor
    strata: np.ndarray
    origins: list[str]
    facts: dict[str, Any] = {}  # noqa: RUF012  (a tuple's default; nobody writes to it)


def real_pool(problem: Problem, most: int) -> Pool:
    """A sample of the training texts, no text twice, none that figures are measured on; arguments of `sample_of`."""
    split = sample_of(problem, most)
    rows, texts = split.rows, split.texts(np.arange(len(split)))
    first = dict(zip(reversed(texts), reversed(range(len(texts))), strict=True))  # equal texts would be picked together
    kept = np.array(sorted(first.values()))
    kept = kept[~measured_on([texts[i] for i in kept], problem.corpus)]
    split = Split(split.store, rows[kept])
    return Pool([texts[i] for i in kept], torch.from_numpy(split.targets), split.strata, ["real"] * len(kept))


def joined(pool: Pool, space: Space, tokens: int, seed: int) -> Pool:
    """As many candidates as there are texts: each begins one, others of its class follow while the tokens allow.

    A text that alone has more tokens is cut. Texts of several labels are joined with those that have the very same.

    Args:
        pool: single texts.
        space: counts tokens.
        tokens: most of a candidate.
        seed: draws who follows whom.

    Raises:
        TextddError: the texts are pairs.
    """
    single(pool, "joined")
    rng, counts = numpy_generator(seed, "joined"), lengths(pool.texts, space)
    groups: dict[bytes, list[int]] = {}
    for i, target in enumerate(pool.targets.numpy()):
        groups.setdefault(target.tobytes(), []).append(i)
    texts: list[Text] = list(pool.texts)
    for members in groups.values():
        for i in members:
            parts, room = [i], tokens - counts[i]
            for j in rng.permutation(members)[:8]:
                if j not in parts and counts[j] <= room:
                    parts.append(int(j))
                    room -= counts[j]
            texts[i] = (" ".join(space.beginning(pool.texts[part][0], tokens) for part in parts),)
    return pool._replace(texts=texts, origins=["joined"] * len(texts))


def trimmed(pool: Pool, space: Space, tokens: int) -> Pool:
    """The beginning of every text, in whole words of the space.

    Raises:
        TextddError: the texts are pairs.
    """
    single(pool, "trimmed")
    texts: list[Text] = [(space.beginning(text, tokens),) for (text,) in pool.texts]
    return pool._replace(texts=texts, origins=["trimmed"] * len(texts))


def single(pool: Pool, form: str) -> None:
    """Refuse pairs.

    Raises:
        TextddError: the texts are pairs.
    """
    if len(pool.texts[0]) > 1:
        raise TextddError(f"Got distiller.form={form} for pairs; both segments stay whole. Type: distiller.form=whole")


def lengths(texts: list[Text], space: Space) -> np.ndarray:
    """Tokens of each text (n,)."""
    encoded = space.tokeniser.encode_batch([text[0] for text in texts], add_special_tokens=False)
    return np.array([len(one.ids) for one in encoded])
