"""Encoders: in whose features texts are compared. Each reads a list of texts once; what it made of them is kept.

A frozen pretrained body gives several: its last layers. Where students read word vectors, the mean vector of a text is
one, and the features of a teacher that was trained on all texts another.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from textdd.locks import claim
from textdd.outer.materials import Materials
from textdd.outer.teacher import train_teacher
from textdd.progress import Bar
from textdd.record import write_array
from textdd.seal import discard
from textdd.sets.texts import Text
from textdd.spaces.checkpoint import Checkpoint, load_checkpoint
from textdd.spaces.pretrained import frame_of
from textdd.spaces.pretrained import space_of as pretrained_space_of
from textdd.spaces.reading import Reader
from textdd.spaces.space import Space
from textdd.students.causal_lm import CausalLM

BATCH = 64
"""Texts that are read at a time, all of about one length."""

CHUNK = 4096
"""Texts whose features are written as soon as they are made: a killed run reads no more than so many again."""


class Encoder(ABC):
    """Reads texts, and gives one or several views of each.

    Attributes:
        key: identifies all that decides its features.
        what: what messages call it.
    """

    key: str
    what: str

    @abstractmethod
    def read(self, texts: list[Text]) -> Tensor:
        """Features (views, n, F) of some texts of about one length, float32."""

    @torch.no_grad()
    def views(self, texts: list[Text], cache: Path) -> Tensor:
        """Features (views, n, F) of any texts, from the cache or computed now."""
        told = hashlib.blake2b(self.key.encode(), digest_size=10)
        for text in texts:
            told.update(repr(text).encode())
        path = cache / "features" / f"views-{told.hexdigest()}.npy"
        with claim(path, f"reading {len(texts)} texts with {self.what}") as ours:
            if ours:
                self.compute(texts, path)
        return torch.from_numpy(np.load(path, allow_pickle=False))

    def compute(self, texts: list[Text], path: Path) -> None:
        """Read the texts and write their features; what a killed process had read is not read again."""
        parts, bar = [], Bar(f"reading texts with {self.what}", len(texts))
        try:
            for start in range(0, len(texts), CHUNK):
                part = path.with_name(f".{path.stem}-{start}.npy")
                parts.append(part)
                with claim(part, f"reading texts from the {start + 1}th on") as ours:
                    if ours:
                        write_array(part, self.chunk(texts[start : start + CHUNK], bar, start))
                bar.update(min(start + CHUNK, len(texts)))
        finally:
            bar.close()
        write_array(path, np.concatenate([np.load(part, allow_pickle=False) for part in parts], axis=1))
        for part in parts:
            discard(part)

    def chunk(self, texts: list[Text], bar: Bar, done: int) -> np.ndarray:
        """Features (views, n, F) of some texts; those of like length are read together."""
        order = sorted(range(len(texts)), key=lambda i: sum(map(len, texts[i])))
        found = []
        for start in range(0, len(order), BATCH):
            found.append(self.read([texts[i] for i in order[start : start + BATCH]]))
            bar.update(done + min(start + BATCH, len(order)))
        features = torch.cat(found, dim=1).float().cpu()
        return features[:, torch.tensor(order).argsort()].numpy()


class Body(Encoder):
    """A frozen pretrained model: the mean over tokens of each of its last layers.

    Args:
        checkpoint: the model.
        space: how it reads.
        layers: how many of its last layers.
    """

    def __init__(self, checkpoint: Checkpoint, space: Space, layers: int) -> None:
        self.checkpoint, self.space = checkpoint, space
        self.layers = min(layers, len(checkpoint.layers()))
        self.key = f"body {checkpoint.sha256} {self.layers} {space.length}"
        self.what = space.name

    def read(self, texts: list[Text]) -> Tensor:
        """The last layer first."""
        batch = self.space.tokens(texts)
        x = self.space.table[batch.ids]
        if batch.second is not None:
            x = x + batch.second.unsqueeze(-1) * self.space.second.to(x)
        given = self.checkpoint.model(inputs_embeds=x, attention_mask=batch.mask.long(), output_hidden_states=True)
        weights = batch.mask.unsqueeze(-1).to(x)
        hidden = given.hidden_states[-self.layers :][::-1]
        return torch.stack([(one * weights).sum(1) / weights.sum(1) for one in hidden])


class LastToken(Encoder):
    """A language model that is asked for a text's class: the hidden state that the answer follows.

    Args:
        student: the model.
        space: how it reads.
    """

    def __init__(self, student: CausalLM, space: Space) -> None:
        self.student, self.space = student, space
        self.key = f"last token {space.sha256} {student.prompt} {space.length}"
        self.what = space.name

    def read(self, texts: list[Text]) -> Tensor:
        """One view (1, n, H)."""
        batch = self.space.tokens(texts)
        return self.student.compared(self.space.table[batch.ids], batch.mask).unsqueeze(0)


class MeanVector(Encoder):
    """The mean of a text's word vectors.

    Args:
        space: has the words.
    """

    what = "word vectors"

    def __init__(self, space: Space) -> None:
        self.space = space
        self.key = f"mean {space.sha256} {space.length}"

    def read(self, texts: list[Text]) -> Tensor:
        """One view (1, n, D)."""
        batch = self.space.tokens(texts)
        weights = batch.mask.unsqueeze(-1).to(self.space.table)
        return ((self.space.table[batch.ids] * weights).sum(1) / weights.sum(1)).unsqueeze(0)


class Trained(Encoder):
    """The features of a student that was trained on all texts, below its head.

    Args:
        reader: the student, and how it reads.
        theta: its parameters (P,).
    """

    what = "a teacher"

    def __init__(self, reader: Reader, theta: Tensor) -> None:
        self.reader, self.theta = reader, theta
        told = hashlib.blake2b(theta.numpy().tobytes(), digest_size=10).hexdigest()
        self.key = f"trained {reader.space.sha256} {reader.space.length} {told}"

    def read(self, texts: list[Text]) -> Tensor:
        """One view (1, n, width)."""
        batch = self.reader(self.reader.space.tokens(texts))
        return self.reader.student.features(self.theta, batch.x, batch.mask).unsqueeze(0)


def encoders_of(paths: Sequence[str], layers: int, materials: Materials) -> list[Encoder]:
    """Whoever compares the texts of a problem: what the student itself can give, and pretrained models besides.

    Args:
        paths: folders or hub ids of pretrained encoders.
        layers: how many of the last layers of each.
        materials: the problem, and where the teacher of a small student is kept.

    Raises:
        TextddError: a model cannot be loaded.
    """
    problem = materials.problem
    space, found = problem.space, list[Encoder]()
    if space.kind == "pretrained":
        if problem.model.name == "causal_lm":
            assert isinstance(problem.student.module, CausalLM)
            found.append(LastToken(problem.student.module, space))
        else:
            found.append(Body(load_checkpoint(problem.model.path), space, layers))
    else:
        teacher, _ = train_teacher(materials, problem.seed)
        found += [MeanVector(space), Trained(problem.reader(), teacher.theta)]
    for path in paths:
        checkpoint = load_checkpoint(path)
        frame = frame_of(checkpoint)
        length = min(checkpoint.longest, space.length + frame.size(pair=problem.corpus.pair))
        found.append(Body(checkpoint, pretrained_space_of(checkpoint, frame, length), layers))
    return found
