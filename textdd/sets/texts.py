"""A set of texts: sentences that people can read, and that students of every space can be trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from textdd.sets.distilled_set import DistilledSet
from textdd.sets.training_set import TrainingSet
from textdd.spaces.reading import Reader
from textdd.spaces.space import Space
from textdd.training import Recipe

if TYPE_CHECKING:
    import datasets

Text = tuple[str, ...]
"""One segment, or the two of a pair."""


class TextSet(DistilledSet):
    """M texts with labels; it has no vectors and no tokeniser.

    Attributes:
        texts: the texts (M,), each of one or two segments.
        made_in: the space that the set was made in, as long as it is in memory; never stored.
    """

    kind = "texts"

    def __init__(
        self,
        texts: Sequence[Text],
        y: Tensor,
        step_sizes: Tensor | None,
        recipe: Recipe,
        manifest: dict[str, Any],
        made_in: Space | None = None,
    ) -> None:
        super().__init__(y, step_sizes, recipe, manifest)
        self.texts, self.made_in = list(texts), made_in

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, index: int) -> tuple[Text, Tensor]:
        return self.texts[index], self.text_labels[index]

    def space(self) -> Space | None:
        """The space that the set was made in, if that was in this process."""
        return self.made_in

    def training_set(self, reader: Reader) -> TrainingSet:
        """The texts as the reader's space encodes them."""
        batch = reader.embed(reader.space.tokens(self.texts))
        y = self.text_labels.to(batch.x)
        return TrainingSet(batch.x, y, batch.mask, sum(self.stored_bytes().values()))

    def stored_bytes(self) -> dict[str, int]:
        """UTF-8 bytes of the texts, bytes of the labels (one each where they are hard), and of step sizes."""
        hard = torch.equal(self.task.hardened(self.text_labels), self.text_labels)
        return {
            "texts": sum(len(segment.encode()) for text in self.texts for segment in text),
            "labels": int(self.text_labels.sum()) if hard else self.text_labels.nbytes,
            "step_sizes": 0 if self.step_sizes is None else self.step_sizes.nbytes,
        }

    def first(self, per_class: int) -> TextSet:
        """As for every set."""
        size, recipe, manifest = self.part(per_class)
        rows = (self.texts[:size], self.text_labels[:size])
        return self.as_given(TextSet(*rows, self.step_sizes, recipe, manifest, self.made_in))

    def read(self) -> list[str]:
        """The texts; the segments of a pair stand behind each other."""
        return [" / ".join(text) for text in self.texts]

    @property
    def label_names(self) -> list[list[str]]:
        """The labels of each text without shades."""
        hard = self.task.hardened(self.text_labels) > 0
        return [[name for name, yes in zip(self.classes, row, strict=True) if yes] for row in hard.tolist()]

    @property
    def written(self) -> list[dict[str, str]]:
        """Each text and its label, or its labels, as people write them."""
        pairs = zip(self.read(), self.label_names, strict=True)
        return [{"text": text, "label": ", ".join(labels)} for text, labels in pairs]

    def rows(self) -> list[dict[str, Any]]:
        """Each text as a row of a file: its segments, its label or labels, and where these have shades, all of them."""
        names = ("text", "second")
        soft = not torch.equal(self.task.hardened(self.text_labels), self.text_labels)
        found = []
        for text, labels, y in zip(self.texts, self.label_names, self.text_labels.tolist(), strict=True):
            row: dict[str, Any] = dict(zip(names, text, strict=False))
            row |= {"label": labels[0]} if self.task.name == "one_class" else {"labels": labels}
            found.append({**row, "probabilities": y} if soft else row)
        return found

    def to_dataset(self) -> datasets.Dataset:
        """A row for each text; a label is its name."""
        import datasets

        return datasets.Dataset.from_list(self.rows())
