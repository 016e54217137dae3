"""Augmentation of a set: copies of its examples from which other words are left out, as word dropout does.

DD-Ranking's augmentation-robust score trains on augmented images. Text has no flips and crops; leaving a few words
out is an augmentation that needs no other model (one of the four operations of Wei & Zou, *EDA*, 2019). Students that
read a set once through a frozen body cannot be given other words in every step, so the set itself is augmented,
beforehand and in the same way for every student and every baseline.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from textdd.seeds import numpy_generator, torch_generator
from textdd.sets.texts import TextSet
from textdd.sets.training_set import TrainingSet


def without_words(texts: TextSet, share: float, copies: int, seed: int) -> TextSet:
    """Every text `copies` times, each word of each left out with probability `share`; at least one word stays.

    Words are what stands between white space; a text without any is taken sign by sign.
    """
    generator = numpy_generator(seed, "left out")
    found = [tuple(thinned(one, share, generator) for one in text) for _ in range(copies) for text in texts.texts]
    y = texts.text_labels.repeat(copies, 1)
    return TextSet(found, y, None, texts.recipe, texts.manifest, texts.made_in, texts.origins * copies)


def thinned(segment: str, share: float, generator: np.random.Generator) -> str:
    """A text without some of its words."""
    words, between = (segment.split(), " ") if len(segment.split()) > 1 else (list(segment), "")
    kept = generator.random(len(words)) >= share
    if not kept.any():
        kept[generator.integers(len(words))] = True
    return between.join(word for word, stays in zip(words, kept, strict=True) if stays)


def without_positions(examples: TrainingSet, share: float, copies: int, seed: int) -> TrainingSet:
    """The same for matrices (M, L, D), of which positions are masked; the first of each always stays."""
    x, y = examples.x.repeat(copies, 1, 1), examples.y.repeat(copies, 1)
    there = x.new_ones(x.shape[:2], dtype=torch.bool) if examples.mask is None else examples.mask.repeat(copies, 1)
    kept = torch.rand(x.shape[:2], generator=torch_generator(seed, "left out")) >= share
    kept[:, 0] = True
    return replace(examples, x=x, y=y, mask=there & kept.to(there.device))
