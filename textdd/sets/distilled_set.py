"""The artefact: a folder that holds a distilled set and all that is needed to train and use a student.

    distilled = DistilledSet.load("runs/.../artifact")
    loader = DataLoader(distilled, batch_size=8)          # any student, any training loop
    classify = distilled.train(seed=0)                    # or: the student and recipe it was made for

Files: `distilled.safetensors` (what the texts are rebuilt from, labels, step sizes), `vectors.safetensors` (the
word-vector table), `tokenizer.json`, `manifest.json` (what it is, how it was made, a hash of every file) and
`README.md`. Nothing is pickled.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from tokenizers import Tokenizer
from torch import Tensor
from torch.utils.data import Dataset

from textdd.errors import TextddError
from textdd.evaluation.training_set import TrainingSet
from textdd.evaluation.tuning import train_students
from textdd.record import write_bytes, write_json, write_tensors
from textdd.sets.manifest import FILES, FORMAT, MANIFEST, digest, read_checked, read_manifest
from textdd.sets.parametrisations import PARAMETRISATIONS, Free, Parametrisation, name_of
from textdd.sets.parametrisations.pieces import cut, for_pieces
from textdd.spaces.tokeniser import PAD, words
from textdd.students import STUDENTS, make_student
from textdd.training import Recipe
from textdd.training.student import FlatStudent


class DistilledSet(Dataset[tuple[Tensor, Tensor]]):
    """N distilled examples: item n is a text as embeddings (L, D) and a label distribution (C,).

    They are the M texts that are stored, or where these were distilled in V pieces, the N = V M pieces.

    Attributes:
        texts: what the stored texts are rebuilt from; given as embeddings (M, V L, D), it is these.
        text_labels: their label distributions (M, C).
        x: the examples (N, L, D).
        y: label distributions (N, C).
        step_sizes: learned step sizes (T,), or None where the recipe's constant one is used.
        recipe: how students are to be trained on the set.
        vectors: word vectors (V, D) that map real texts into the space of x.
        tokeniser: maps real texts to rows of `vectors`.
        manifest: everything else that is known about the set.
    """

    def __init__(
        self,
        texts: Tensor | Parametrisation,
        y: Tensor,
        step_sizes: Tensor | None,
        recipe: Recipe,
        vectors: Tensor,
        tokeniser: Tokenizer,
        manifest: dict[str, Any],
    ) -> None:
        self.texts = texts if isinstance(texts, Parametrisation) else Free(texts)
        self.pieces: int = manifest.get("pieces", 1)
        self.x: Tensor = cut(self.texts().detach(), y.shape[1], self.pieces)
        self.text_labels, self.y = y, for_pieces(y, self.pieces)
        self.step_sizes, self.recipe = step_sizes, recipe
        self.vectors, self.tokeniser, self.manifest = vectors, tokeniser, manifest

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.x[index], self.y[index]

    @property
    def classes(self) -> list[str]:
        """The C class names, in the order of their numbers."""
        return list(self.manifest["classes"])

    def training_set(self, hard: bool = False) -> TrainingSet:
        """The examples as the evaluation takes them.

        Args:
            hard: replace each label distribution by its likeliest class.
        """
        y = torch.nn.functional.one_hot(self.y.argmax(1), self.y.shape[1]).to(self.y) if hard else self.y
        return TrainingSet(self.x, y, self.texts.mask, sum(self.stored_bytes().values()))

    def stored_bytes(self) -> dict[str, int]:
        """Bytes that the tensors of the set take in its file: texts as they are parametrised, labels, step sizes."""
        steps = 0 if self.step_sizes is None else self.step_sizes.nbytes
        return {"texts": self.texts.stored_bytes(), "labels": self.text_labels.nbytes, "step_sizes": steps}

    def first(self, per_class: int) -> DistilledSet:
        """The first `per_class` examples of every class with the recipe for that many.

        Sizes that `distiller.nested` named were distilled to be good sets of their own; others come as they are.

        Raises:
            TextddError: there are not as many.
        """
        classes = self.y.shape[1]
        size, most = per_class * classes, len(self.text_labels) // classes
        if not 1 <= per_class <= most:
            raise TextddError(f"Got {per_class} examples per class; 1 to {most} are there. Type: first({most})")
        recipe = self.recipe.sized(size * self.pieces, classes, self.method.get("inner_batch", 0))
        manifest = {**self.manifest, "per_class": per_class, "metrics": {}}
        if manifest.get("budget"):
            manifest["budget"] *= size / len(self.text_labels)
        texts, y = self.texts.first(size), self.text_labels[:size]
        return DistilledSet(texts, y, self.step_sizes, recipe, self.vectors, self.tokeniser, manifest)

    @property
    def method(self) -> dict[str, Any]:
        """The options of the method that the set was distilled by, of a chain those of its last stage."""
        options: dict[str, Any] = self.manifest["distiller"]
        return options["options"][options["stages"][-1]] if "stages" in options else options

    @property
    def nested(self) -> list[int]:
        """The numbers of examples per class below the whole that the set was distilled for."""
        sizes: list[int] = self.method.get("nested", [])
        return [size for size in sizes if size * self.y.shape[1] < len(self.text_labels)]

    def read(self) -> list[str]:
        """Write the texts out as the words that they are, or that have the greatest share of each position.

        Raises:
            TextddError: the texts are not made of words.
        """
        ids = self.texts.words()
        if ids is None:
            raise TextddError(
                f"Texts of the parametrisation {name_of(self.texts)} are no words. Distil again and type: "
                "distiller.parametrisation=mixture"
            )
        vocabulary = words(self.tokeniser)
        return [" ".join(vocabulary[i] for i in row if i != PAD) for row in ids.tolist()]

    def student(self) -> FlatStudent:
        """The student that the set was distilled for, untrained."""
        options = dict(self.manifest["student"])
        _, config = STUDENTS[options["name"]]
        return make_student(config(**options), self.x.shape[2], self.y.shape[1])

    def train(self, seed: int = 0) -> Classifier:
        """Train a fresh student by the set's own recipe (less than a second for a TextCNN)."""
        student = self.student()
        marks = [self.recipe.steps]
        thetas = train_students(student, [self.training_set()], self.recipe, [seed], marks, self.step_sizes)
        return Classifier(self, student, thetas[0][0])

    def tokens(self, texts: list[str]) -> tuple[Tensor, Tensor]:
        """Embed real texts: x (N, L, D) and mask (N, L), as students read them.

        Raises:
            TextddError: a text has no word.
        """
        length = int(self.manifest["length"])
        rows = [encoding.ids[:length] for encoding in self.tokeniser.encode_batch(texts, add_special_tokens=False)]
        for number, row in enumerate(rows):
            if not row:
                raise TextddError(f"Text {number} is empty. Leave it out, or write at least one word.")
        ids = torch.nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True)
        counts = torch.tensor([len(row) for row in rows])
        return self.vectors[ids], torch.arange(ids.shape[1]) < counts.unsqueeze(1)

    def save(self, folder: Path) -> None:
        """Write the folder; the manifest comes last, so a folder with a manifest is whole."""
        tensors = {**self.texts.stored(), "y": self.text_labels}
        if self.step_sizes is not None:
            tensors["step_sizes"] = self.step_sizes
        write_tensors(folder / FILES[0], tensors)
        write_tensors(folder / FILES[1], {"vectors": self.vectors})
        write_bytes(folder / FILES[2], self.tokeniser.to_str().encode())
        hashes = {name: digest((folder / name).read_bytes()) for name in FILES}
        recipe = dataclasses.asdict(self.recipe)
        manifest = {
            **self.manifest,
            "format": FORMAT,
            "parametrisation": name_of(self.texts),
            "bytes": self.stored_bytes(),
            "recipe": recipe,
            "files": hashes,
        }
        write_bytes(folder / "README.md", card(manifest, self).encode())
        write_json(folder / MANIFEST, manifest)

    @classmethod
    def load(cls, folder: str | Path) -> DistilledSet:
        """Read a folder that `save` wrote.

        Raises:
            TextddError: it is no such folder, it is of another format, or a file is missing, damaged or not what
                the manifest says; the message says which and why.
        """
        folder = Path(folder)
        manifest = read_manifest(folder)
        contents = {name: read_checked(folder / name, manifest["files"].get(name)) for name in FILES}
        try:
            tensors = load(contents["distilled.safetensors"])
            vectors = load(contents["vectors.safetensors"])["vectors"]
            tokeniser = Tokenizer.from_str(contents["tokenizer.json"].decode())
            recipe = Recipe(**manifest["recipe"])
            texts = PARAMETRISATIONS[manifest["parametrisation"]].from_stored(tensors, vectors, tokeniser)
            distilled = cls(texts, tensors["y"], tensors.get("step_sizes"), recipe, vectors, tokeniser, manifest)
            classes = len(manifest["classes"])
        except (SafetensorError, KeyError, TypeError, ZeroDivisionError, RuntimeError, ValueError) as error:
            # A RuntimeError is one of torch: wrong shapes.
            raise TextddError(f"{folder} is not a textdd artefact: {type(error).__name__}: {error}") from error
        x, y, step_sizes = distilled.texts(), distilled.text_labels, distilled.step_sizes
        expected = (len(x), classes)
        if x.dim() != 3 or y.shape != expected or x.shape[2] != vectors.shape[1]:
            raise TextddError(
                f"{folder} is inconsistent: texts {tuple(x.shape)}, labels {tuple(y.shape)} for {classes} classes, "
                f"word vectors {tuple(vectors.shape)}. Distil again."
            )
        if step_sizes is not None and len(step_sizes) != recipe.steps:
            raise TextddError(f"{folder} has {len(step_sizes)} step sizes for {recipe.steps} steps. Distil again.")
        if not all(bool(tensor.isfinite().all()) for tensor in (*tensors.values(), vectors)):
            raise TextddError(f"{folder} holds numbers that are not finite. Distil again.")
        return distilled


class Classifier:
    """A trained student with what it needs to read plain text.

    Args:
        distilled: the set that it was trained on.
        student: the classifier.
        theta: its parameters (P,).
    """

    def __init__(self, distilled: DistilledSet, student: FlatStudent, theta: Tensor) -> None:
        self.distilled, self.student, self.theta = distilled, student, theta

    @torch.no_grad()
    def __call__(self, texts: list[str]) -> list[str]:
        """Name the class of every text.

        Raises:
            TextddError: a text has no word.
        """
        x, mask = self.distilled.tokens(texts)
        classes = self.distilled.classes
        return [classes[i] for i in self.student(self.theta, x, mask).argmax(1).tolist()]


def card(manifest: dict[str, Any], distilled: DistilledSet) -> str:
    """The README of the folder, from the packaged template."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("textdd"), undefined=StrictUndefined, trim_blocks=True, autoescape=False
    )
    sizes = {"texts": tuple(distilled.texts().shape), "vectors": tuple(distilled.vectors.shape)}
    return environment.get_template("card.md.jinja").render(manifest=manifest, sizes=sizes, pieces=distilled.pieces)
