"""A set of matrices: texts as embeddings of one space, which students of this space alone can read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer
from torch import Tensor
from torch.utils.data import Dataset

from textdd.errors import TextddError
from textdd.sets.attention import Attention
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.parametrisations import Free, Parametrisation, name_of
from textdd.sets.parametrisations.pieces import cut, for_pieces
from textdd.sets.training_set import TrainingSet
from textdd.spaces.reading import Reader
from textdd.spaces.space import Space
from textdd.spaces.tokeniser import PAD, words
from textdd.students.bodies import body_space
from textdd.training import Recipe

if TYPE_CHECKING:
    import datasets


class MatrixSet(DistilledSet, Dataset[tuple[Tensor, Tensor]]):
    """N distilled examples: item n is a text as embeddings (L, D) and its labels (C,).

    They are the M texts that are stored, or where these were distilled in V pieces, the N = V M pieces.

    Attributes:
        texts: what the stored texts are rebuilt from; given as embeddings (M, V L, D), it is these.
        x: the examples (N, L, D).
        words_space: the space of words that the set carries; None where it is that of a pretrained model, which the
            manifest names.
        attention: attention labels of the examples, if any; they belong to the set's own recipe.
    """

    kind = "matrices"

    def __init__(
        self,
        texts: Tensor | Parametrisation,
        y: Tensor,
        step_sizes: Tensor | None,
        recipe: Recipe,
        words_space: Space | None,
        manifest: dict[str, Any],
        attention: Attention | None = None,
    ) -> None:
        super().__init__(y, step_sizes, recipe, manifest)
        self.texts = texts if isinstance(texts, Parametrisation) else Free(texts)
        self.x: Tensor = cut(self.texts().detach(), y.shape[1], self.pieces)
        self.words_space, self.attention = words_space, attention

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.x[index], self.y[index]

    @property
    def y(self) -> Tensor:
        """Labels of the examples (N, C)."""
        return for_pieces(self.text_labels, self.pieces)

    @property
    def vectors(self) -> Tensor | None:
        """Word vectors (V, D) that map real texts into the space of x; None where a pretrained model has them."""
        return None if self.words_space is None else self.words_space.table

    @property
    def tokeniser(self) -> Tokenizer | None:
        """Maps real texts to rows of `vectors`; None likewise."""
        return None if self.words_space is None else self.words_space.tokeniser

    def space(self) -> Space:
        """The words that the set carries, or the pretrained model that it names, if that is at hand.

        Raises:
            TextddError: it is not at hand, or has other weights.
        """
        return self.words_space or self.space_at(self.model().path)

    def space_at(self, path: str | None) -> Space:
        """The set's space, with the pretrained model that lies at a path; errors as above."""
        if self.words_space is not None:
            return self.words_space
        named = self.manifest["space"]
        space = body_space(self.model(path), int(self.manifest["length"]), framed=True)
        if space.sha256 != named["sha256"]:
            raise TextddError(
                f"{path} has other weights than {named['name']}, in whose space this set was made (SHA-256 "
                f"{space.sha256[:12]}, expected {named['sha256'][:12]}). Give the folder of that model: "
                "model.path=FOLDER, or from Python train(path=FOLDER)"
            )
        return space

    def training_set(self, reader: Reader) -> TrainingSet:
        """The examples on the reader's device.

        Raises:
            TextddError: its student reads another space.
        """
        mine = self.manifest.get("space", {})
        if mine.get("sha256", reader.space.sha256) != reader.space.sha256:
            raise TextddError(
                f"This set is of matrices in the space {mine['name']!r} and the student reads {reader.space.name!r}: "
                "other vectors, so the numbers mean nothing there. Take a student of the set's own space, or make a "
                "set of texts, which every student reads: distiller=label_distillation, or from Python textdd.select"
            )
        mask = self.texts.mask
        x, y = (part.to(reader.device, reader.dtype) for part in (self.x, self.y))
        mask = None if mask is None else mask.to(x.device)
        attention = None if self.attention is None else self.attention.taught(reader, mask)
        return TrainingSet(x, y, mask, sum(self.stored_bytes().values()), attention)

    def stored_bytes(self) -> dict[str, int]:
        """Bytes that the tensors of the set take in its file: texts as they are parametrised, labels and so on."""
        found = {"texts": self.texts.stored_bytes(), "labels": self.text_labels.nbytes}
        found["step_sizes"] = self.step_size_bytes()
        return found if self.attention is None else found | {"attention": self.attention.logits.nbytes}

    def first(self, per_class: int) -> MatrixSet:
        """As for every set."""
        size, recipe, manifest = self.part(per_class)
        texts, y = self.texts.first(size), self.text_labels[:size]
        attention = None if self.attention is None else self.attention.first(size * self.pieces)
        return self.as_given(MatrixSet(texts, y, self.step_sizes, recipe, self.words_space, manifest, attention))

    def read(self) -> list[str]:
        """The words that the texts are made of, or that have the greatest share of each position.

        Raises:
            TextddError: the texts are not made of words.
        """
        ids = self.texts.words()
        if ids is None:
            raise TextddError(
                f"Texts of the parametrisation {name_of(self.texts)} are no words. Distil again and type: "
                "distiller.parametrisation=mixture"
            )
        vocabulary = words(self.space().tokeniser)
        return [" ".join(vocabulary[i] for i in row if i != PAD) for row in ids.tolist()]

    def to_dataset(self) -> datasets.Dataset:
        """A row for each example: its matrix (L, D) as `x`, its likeliest label, and its labels as `probabilities`."""
        import datasets

        likeliest = self.y.argmax(1).tolist()
        columns = {
            "x": self.x.numpy(),
            "label": [self.classes[i] for i in likeliest],
            "probabilities": self.y.numpy(),
        }
        return datasets.Dataset.from_dict(columns)
