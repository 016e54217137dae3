"""Mixtures that are sharpened to one word: a word is drawn at each place, and what is learned is which one.

Straight-through Gumbel-softmax (Jang et al. 2017; Maddison et al. 2017): the student reads words, never mixtures, while
the gradient flows as if it had read the mixture. The temperature falls, so that in the end the likeliest word is
drawn every time.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from textdd.distillers.meta_gradient import MetaGradient, MetaGradientConfig
from textdd.outer.synthetic import SyntheticSet
from textdd.projecting.of_words import OfWords
from textdd.projecting.placed import Placed
from textdd.projecting.words import Words
from textdd.seeds import torch_generator
from textdd.spaces.reading import Batch
from textdd.spaces.space import Space
from textdd.training.student import FlatStudent

HOT, COLD = 1.0, 0.1
"""Temperatures of the first and the last outer step."""

CONFIDENCE = 0.5
"""Share of the nearest word at the start: less than of mixtures that stay such, so that others have a turn."""


class OneWord(OfWords):
    """Each place has one of its R nearest words.

    Args:
        found: the nearest words in their places.
        space: has the vectors.
        words: its words.
        rank: R.
        metric: how near words are.
    """

    step_scale = 10.0  # as of mixtures: a logit has to move by units

    def __init__(self, found: Placed, space: Space, words: Words, rank: int, metric: str) -> None:
        super().__init__(found, space)
        near = words.nearest(found.x[found.places], rank, metric)
        candidates = found.tokens.ids.unsqueeze(-1).repeat(1, 1, near.shape[1])  # what is no word stays as it is
        candidates[found.places] = near
        logits = torch.zeros(candidates.shape)
        logits[..., 0] = math.log(CONFIDENCE / (1 - CONFIDENCE) * max(1, near.shape[1] - 1))
        self.candidates: Tensor
        self.register_buffer("candidates", candidates)
        self.logits = nn.Parameter(logits)
        self.draw(HOT, 0)

    def draw(self, temperature: float, seed: int) -> None:
        """Draw the words that stand there until the next draw.

        Args:
            temperature: the lower it is, the more often the likeliest word is drawn.
            seed: decides the draw.
        """
        uniform = torch.rand(self.logits.shape, generator=torch_generator(seed, "gumbel"), dtype=torch.float64)
        self.noise = -(-uniform.clamp_min(1e-300).log()).log()
        self.temperature = temperature

    def moving(self) -> Tensor:
        """As for all texts of words: those that were drawn, with the gradient of the mixtures."""
        shares = (self.logits / self.temperature + self.noise.to(self.logits)).softmax(-1)
        drawn = F.one_hot(shares.argmax(-1), shares.shape[-1]).to(shares)
        weights = (drawn + shares - shares.detach()).view(-1, shares.shape[-1])
        x = F.embedding_bag(self.candidates.view(weights.shape), self.vectors, per_sample_weights=weights, mode="sum")
        return x.view(*self.candidates.shape[:2], -1)

    def words(self) -> Tensor:
        """The likeliest word of each place (M, L)."""
        return self.candidates.gather(-1, self.logits.argmax(-1, keepdim=True)).squeeze(-1)


class Sharpening(MetaGradient):
    """The meta-gradient for texts of drawn words; arguments as there."""

    def __init__(self, config: MetaGradientConfig, student: FlatStudent, synthetic: SyntheticSet, seed: int) -> None:
        super().__init__(config, student, synthetic, seed)
        self.drawn.learning = True  # its averages, which are looked at, are at rest

    @property
    def drawn(self) -> OneWord:
        """The texts."""
        assert isinstance(self.synthetic.texts, OneWord)
        return self.synthetic.texts

    def objective(self, batch: Batch, step: int) -> Tensor:
        """The loss of students that are taught one draw of words."""
        done = min(1.0, step / max(1, self.config.outer_steps - 1))
        self.drawn.draw(HOT * (COLD / HOT) ** done, self.draw_seed("words", step))
        return super().objective(batch, step)
