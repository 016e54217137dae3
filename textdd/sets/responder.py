"""A responder: a language model that was trained on a set of prompts and responses, and writes to others."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import torch
from torch import Tensor
from torch.nn import functional as F

from textdd.errors import TextddError
from textdd.progress import track
from textdd.sets.classifier import Classifier
from textdd.spaces.reading import Reader
from textdd.students.writer import FlatWriter, decoded

PROMPTS = 25
"""Prompts that are answered at a time."""


class Responder:
    """A trained language model with what it needs to read plain text.

    Args:
        reader: how texts become what the model reads.
        theta: what it has learned (P,).
    """

    def __init__(self, reader: Reader, theta: Tensor) -> None:
        self.reader, self.theta = reader, theta

    def __call__(self, prompts: Sequence[str], tokens: int = 64) -> list[str]:
        """Write a response to every prompt, the likeliest token again and again.

        Args:
            prompts: the prompts.
            tokens: most tokens of a response.

        Raises:
            TextddError: a prompt is empty.
        """
        for number, prompt in enumerate(prompts):
            if not prompt.strip():
                raise TextddError(f"Prompt {number} is empty. Leave it out, or write at least one word.")
        return responses_to(self.theta, prompts, self.reader, tokens)


def trained(classes: list[str], reader: Reader, theta: Tensor) -> Classifier | Responder:
    """A trained student that can be asked.

    Args:
        classes: the C class names.
        reader: how texts become what the student reads.
        theta: its parameters (P,).
    """
    if isinstance(reader.student, FlatWriter):
        return Responder(reader, theta)
    return Classifier(classes, reader, theta)


@torch.no_grad()
def responses_to(theta: Tensor, prompts: Sequence[str], reader: Reader, most: int, what: str = "") -> list[str]:
    """What a student writes after prompts, greedily.

    Args:
        theta: its parameters (P,).
        prompts: the prompts; each is cut as in training.
        reader: has the space.
        most: tokens of a response at most.
        what: a word for the progress bar; none is shown without.
    """
    student, space = reader.student, reader.space
    assert isinstance(student, FlatWriter)
    known: list[str] = []
    starts = range(0, len(prompts), PROMPTS)
    for start in track(starts, what) if what else starts:
        asked = [prompt_tokens(prompt, reader) for prompt in prompts[start : start + PROMPTS]]
        longest = max(map(len, asked))
        ids = torch.stack([F.pad(one, (longest - len(one), 0)) for one in asked])
        mask = torch.stack([F.pad(torch.ones(len(one), dtype=torch.bool), (longest - len(one), 0)) for one in asked])
        x = reader.table(reader.device)[ids.to(reader.device)]
        for row in decoded(student, theta, x, mask.to(reader.device), most).tolist():
            kept = row[: row.index(student.module.end)] if student.module.end in row else row
            known.append(space.tokeniser.decode(kept, skip_special_tokens=True).strip())
    return known


def prompt_tokens(prompt: str, reader: Reader) -> Tensor:
    """The tokens (L,) that stand before a response, those of the template among them."""
    frame, encoded = reader.space.frame, reader.space.encode(pa.array([prompt], pa.string()))
    room = max(1, reader.space.length - frame.size(pair=True) - 1)
    return torch.tensor([*frame.before, *encoded.tokens[:room].tolist(), *frame.between])
