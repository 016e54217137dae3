"""A set of texts: sentences that people can read, and that students of every space can be trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from textdd.corpora.labels import as_label, class_code
from textdd.errors import TextddError
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.training_set import TrainingSet
from textdd.spaces.reading import Reader
from textdd.spaces.space import Space
from textdd.training import Recipe

if TYPE_CHECKING:
    import datasets

Text = tuple[str, ...]
"""One segment, or the two of a pair."""

ORIGINS = ("real", "joined", "trimmed", "written", "projected", "unknown")
"""Where a text comes from: the corpus, several of its texts put together, the beginning of one, a language model,
vectors turned to words, or a file that does not say."""

FILE = "file"
"""What is recorded as the method of a set that was read from a file of texts and labels."""

ABOUT_A_HUNDRED = Recipe("adam", 100, 32, "shuffled", 3e-3)
"""How a student is trained on a set of texts that brings no recipe, or that of another student."""


class TextSet(DistilledSet):
    """M texts with labels; it has no vectors and no tokeniser.

    Attributes:
        texts: the texts (M,), each of one or two segments.
        origins: where each comes from (M,), a name of ORIGINS.
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
        origins: Sequence[str] | None = None,
    ) -> None:
        super().__init__(y, step_sizes, recipe, manifest)
        self.texts, self.made_in = list(texts), made_in
        self.origins = ["real"] * len(self.texts) if origins is None else list(origins)

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
        return {
            "texts": sum(len(segment.encode()) for text in self.texts for segment in text),
            "labels": self.text_labels.nbytes if self.soft else int(self.text_labels.sum()),
            "step_sizes": 0 if self.step_sizes is None else self.step_sizes.nbytes,
        }

    def first(self, per_class: int) -> TextSet:
        """As for every set."""
        size, recipe, manifest = self.part(per_class)
        parts = (self.texts[:size], self.text_labels[:size], self.step_sizes)
        return self.as_given(TextSet(*parts, recipe, manifest, self.made_in, self.origins[:size]))

    @property
    def from_file(self) -> bool:
        """Whether it was read from a file of texts and labels, which names no corpus."""
        return "corpus" not in self.manifest and self.method["name"] == FILE

    def for_classes(self, classes: Sequence[str], dataset: str) -> TextSet:
        """The same set with labels over the classes of a corpus, matched by name, or by number where it has numbers.

        Args:
            classes: those of the corpus, in their order.
            dataset: what the corpus is called, for the message.

        Raises:
            TextddError: a label is no class of the corpus.
        """
        code = class_code(classes, (), first_label=0)
        places = {name: i for i, name in enumerate(classes)}
        numbers = [places.get(code.spellings.get(as_label(name) or name, ""), -1) for name in self.classes]
        if min(numbers) < 0 or len(set(numbers)) < len(numbers):
            allowed = " or ".join(filter(None, [code.integers.rstrip(", "), "the names " + ", ".join(classes)]))
            raise TextddError(
                f"The labels of the texts of {self.manifest['dataset']} are {', '.join(self.classes)}; those of "
                f"{dataset} are {allowed}. Write these into the file, or name its corpus. Type: dataset=NAME"
            )
        y = self.text_labels.new_zeros(len(self), len(classes))
        y[:, numbers] = self.text_labels
        manifest = {**self.manifest, "classes": list(classes), "per_class": max(1, len(self) // len(classes))}
        ordered = in_turn(TextSet(self.texts, y, self.step_sizes, self.recipe, manifest, self.made_in, self.origins))
        return self.as_given(ordered)

    def read(self) -> list[str]:
        """The texts; the segments of a pair stand behind each other."""
        return [" / ".join(text) for text in self.texts]

    @property
    def soft(self) -> bool:
        """Whether labels have shades."""
        return not torch.equal(self.task.hardened(self.text_labels), self.text_labels)

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
        """Each text as a row of a file: segments, label or labels, all of these if they have shades, and origin."""
        names = ("text", "second")
        found, parts = [], (self.texts, self.label_names, self.text_labels.tolist(), self.origins)
        for text, labels, y, origin in zip(*parts, strict=True):
            row: dict[str, Any] = dict(zip(names, text, strict=False))
            row |= {"label": labels[0]} if self.task.name == "one_class" else {"labels": labels}
            found.append({**row, **({"probabilities": y} if self.soft else {}), "origin": origin})
        return found

    def to_dataset(self) -> datasets.Dataset:
        """A row for each text; a label is its name."""
        import datasets

        return datasets.Dataset.from_list(self.rows())


def in_turn(texts: TextSet) -> TextSet:
    """The same set in an order in which classes take turns, each in its own order.

    So row m belongs to class m mod C where every class has as many. Sets of several labels stay as they are.
    """
    if texts.task.name != "one_class":
        return texts
    seen: dict[int, int] = {}
    places = []
    for row, label in enumerate(texts.text_labels.argmax(1).tolist()):
        places.append((seen.get(label, 0), label, row))
        seen[label] = seen.get(label, 0) + 1
    rows = [row for _, _, row in sorted(places)]
    parts = (texts.text_labels[rows], texts.step_sizes, texts.recipe, texts.manifest, texts.made_in)
    return TextSet([texts.texts[row] for row in rows], *parts, [texts.origins[row] for row in rows])
