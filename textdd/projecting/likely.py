"""Likely words: from left to right, of the words that may stand at a place, the one that a language model expects most.

A word may be several tokens of the language model. The first of them is judged behind the whole text so far, the others
behind the word's own beginning alone, so that one step of the model judges all candidates of all texts.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from textdd.errors import TextddError
from textdd.progress import Bar

BATCH = 256
"""Words whose later tokens are judged at a time."""


class Likely:
    """A language model that chooses among words.

    Args:
        model: the model.
        tokeniser: its tokeniser.
        written: each word of the space as it is written (V,).
        prompts: what stands before each of the M texts.
    """

    def __init__(self, model: Any, tokeniser: Any, written: list[str], prompts: list[str]) -> None:
        self.model, self.tokeniser = model, tokeniser
        self.written, self.prompts = written, [self.tokens(prompt) for prompt in prompts]
        self.spelled: dict[int, list[int]] = {}
        self.later: dict[int, float] = {}

    def tokens(self, text: str) -> list[int]:
        """A text in tokens of the language model."""
        found: list[int] = self.tokeniser(text, add_special_tokens=False)["input_ids"]
        return found

    @torch.inference_mode()
    def choose(self, candidates: Tensor, places: Tensor) -> Tensor:
        """The likeliest words (M, L); of places that hold none, the first candidate.

        Args:
            candidates: words (M, L, R), the nearest first.
            places: where a word is to be chosen (M, L), bool.
        """
        self.spell(candidates[places].unique().tolist())
        prompts = self.fitting(candidates, places)
        chosen, bar = candidates[..., 0].clone(), Bar("choosing likely words", places.shape[1])
        mask = torch.zeros(len(places), 0, dtype=torch.long)
        expected, cache, mask = self.read(prompts, None, mask)
        try:
            for place in range(places.shape[1]):
                rows = torch.nonzero(places[:, place]).squeeze(1).tolist()
                said: list[list[int]] = [[] for _ in places]
                for row in rows:
                    words = candidates[row, place].tolist()
                    first = expected[row, [self.spelled[word][0] for word in words]]
                    scores = first + torch.tensor([self.later[word] for word in words])
                    chosen[row, place] = words[int(scores.argmax())]
                    said[row] = self.spelled[int(chosen[row, place])]
                if rows:
                    fresh, cache, mask = self.read(said, cache, mask)
                    expected[rows] = fresh[rows]
                bar.update(place + 1)
        finally:
            bar.close()
        return chosen

    def fitting(self, candidates: Tensor, places: Tensor) -> list[list[int]]:
        """The ends of the prompts that leave room for the longest words; arguments as for `choose`.

        Raises:
            TextddError: the model reads too little.
        """
        longest = torch.zeros(places.shape, dtype=torch.long)
        longest[places] = torch.tensor(
            [max(len(self.spelled[word]) for word in words) for words in candidates[places].tolist()]
        )
        most, wanted = int(self.model.config.max_position_embeddings), int(longest.sum(1).max())
        if wanted >= most:
            raise TextddError(
                f"The texts may take {wanted} tokens of the language model, which reads {most - 1}. "
                "Type: distiller.onto=mixture, or another distiller.language_model"
            )
        return [prompt[-(most - wanted) :] for prompt in self.prompts]

    def read(self, said: list[list[int]], cache: Any, mask: Tensor) -> tuple[Tensor, Any, Tensor]:
        """Read on.

        Args:
            said: further tokens of each text; some may have none.
            cache: what the model keeps of the tokens before.
            mask: where those are (M, l).

        Returns:
            Log-probabilities of what may come next (M, tokens), only of texts that have further ones; the cache; the
            mask with them.
        """
        longest = max(map(len, said))
        ids = torch.tensor([[0] * (longest - len(row)) + row for row in said])  # the last one is a token
        mask = torch.cat([mask, torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in said])], 1)
        positions = (mask.cumsum(1) - 1).clamp_min(0)[:, -longest:]
        out = self.model(
            input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True,
            logits_to_keep=1,
        )  # fmt: skip
        return out.logits[:, -1].float().log_softmax(-1), out.past_key_values, mask

    def spell(self, words: list[int]) -> None:
        """Find the tokens of words that were not met before, and how likely those behind the first are."""
        new = [word for word in words if word not in self.spelled]
        for word in new:
            self.spelled[word] = self.tokens(f" {self.written[word]}") or [0]
            self.later[word] = 0.0
        longer = sorted((word for word in new if len(self.spelled[word]) > 1), key=lambda word: len(self.spelled[word]))
        for start in range(0, len(longer), BATCH):
            part = longer[start : start + BATCH]
            longest = max(len(self.spelled[word]) for word in part)
            ids = torch.tensor([self.spelled[word] + [0] * (longest - len(self.spelled[word])) for word in part])
            said = self.model(input_ids=ids[:, :-1]).logits.float().log_softmax(-1)
            scores = said.gather(-1, ids[:, 1:].unsqueeze(-1)).squeeze(-1)
            for row, word in enumerate(part):
                self.later[word] = float(scores[row, : len(self.spelled[word]) - 1].sum())
