"""Prompts: some real texts of a class, one a line, and the beginning of the next line."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from textdd.errors import TextddError
from textdd.problem import Problem
from textdd.seeds import numpy_generator
from textdd.sets.texts import Text
from textdd.writing.writer import BATCH, Writer

PROMPT = "Short texts, one a line. All of them are labelled: {class}\\n\\n{examples}"
"""The template that is taken unless another is given; `\\n` in it stands for a new line."""

BULLET, BETWEEN = "-", "|||"
"""What a line begins with, and what stands between the segments of a pair."""

SAMPLE, ENOUGH = 500, 0.95
"""Texts whose tokens are counted, and how many of them are no longer than the written ones may be."""

LOOKED_AT = 20
"""Real texts of a class that are looked at for each example; too long ones are passed over."""


class Prompt(NamedTuple):
    """What a writer goes on with.

    Attributes:
        label: the class that it is for.
        number: which of the prompts of this class.
        target: what the texts have as their target, as the corpus has it: a number, or one flag for each label (C,).
        examples: rows of the training split that it shows.
        words: the prompt.
        header: how many of its signs come before the first example.
    """

    label: int
    number: int
    target: np.ndarray
    examples: tuple[int, ...]
    words: str
    header: int = 0


def check_template(template: str, examples: int) -> None:
    """Check that a template has places for what decides the class.

    Raises:
        TextddError: it has none.
    """
    needed = "{examples}" if examples else "{class}"
    if needed not in template:
        raise TextddError(
            f"Got distiller.prompt={template!r} and distiller.examples={examples}: {needed} has to stand in it. "
            f"""Type: 'distiller.prompt="{PROMPT}"'"""
        )


def longest_of(problem: Problem, writer: Writer) -> int:
    """Tokens that nearly all real texts have at most, and one that ends the line."""
    split = problem.corpus.train.sample(SAMPLE)
    counts = writer.counts([line_of(text) for text in split.texts(np.arange(len(split)))])
    return int(np.quantile(counts, ENOUGH)) + 1


def prompts_of(
    template: str,
    examples: int,
    per_class: int,
    longest: int,
    problem: Problem,
    writer: Writer,
    purpose: str = "prompt",
) -> list[Prompt]:
    """All prompts, the first one of every class first; more for a class begin with the same ones.

    Of a text with several labels, the class is the one that it is counted by, and a prompt shows texts that have the
    very same labels.

    Args:
        template: has places for `{class}` and `{examples}`.
        examples: real texts in a prompt; where a class has fewer, all of them.
        per_class: texts that are to be written.
        longest: most tokens of an example and of a written text.
        problem: has the texts.
        writer: counts tokens.
        purpose: prompts for another purpose show other texts.

    Raises:
        TextddError: all texts of a class are longer, or the writer cannot read so many examples.
    """
    found, numbers = [], range(-(-per_class // BATCH))
    members = [np.flatnonzero(problem.corpus.train.strata == label) for label in range(problem.classes)]
    for number in numbers:
        for label, rows in enumerate(members):
            found.append(prompt_of(template, examples, longest, problem, writer, label, number, rows, purpose))
    room = None if writer.context is None else writer.context - longest
    most = max(writer.counts([prompt.words for prompt in found]))
    if room is not None and most > room:
        fewer = max(0, examples * room // most - 1)
        raise TextddError(
            f"A prompt of {examples} examples has {most} tokens, and a text {longest} at most; {writer.what} reads and "
            f"writes {writer.context} together. Type: distiller.examples={fewer}"
        )
    return found


def prompt_of(
    template: str,
    examples: int,
    longest: int,
    problem: Problem,
    writer: Writer,
    label: int,
    number: int,
    rows: np.ndarray,
    purpose: str = "prompt",
) -> Prompt:
    """One prompt of a class, whose texts are some `rows` of the training split; else as `prompts_of`."""
    split, generator = problem.corpus.train, numpy_generator(problem.seed, purpose, label, number)
    target, names = split.targets[generator.choice(rows)], [problem.corpus.classes[label]]
    if problem.task.name != "one_class":
        rows = rows[(split.targets[rows] == target).all(1)]
        names = [name for name, yes in zip(problem.corpus.classes, target, strict=True) if yes]
    order = np.array([], np.int64)
    if examples:
        looked_at = generator.permutation(rows)[: LOOKED_AT * examples]
        counts = np.array(writer.counts([line_of(text) for text in split.texts(looked_at)]))
        order = looked_at[counts < longest][:examples]
        if not len(order):
            raise TextddError(
                f"Of {len(looked_at)} texts of the class {problem.corpus.classes[label]!r}, none has less than "
                f"{longest} tokens, as the examples of a prompt must. Type: distiller.longest={counts.min() + 1}"
            )
    lines = "".join(f"{BULLET} {line_of(text)}\n" for text in split.texts(order))
    asked = template.replace("\\n", "\n").replace("{class}", ", ".join(names))
    header, words = asked.find("{examples}"), asked.replace("{examples}", lines)
    # No space at the end: words begin with theirs.
    return Prompt(
        label, number, np.asarray(target), tuple(order.tolist()), f"{words.rstrip()}\n{BULLET}", max(0, header)
    )


def line_of(text: Text) -> str:
    """A text as one line."""
    return f" {BETWEEN} ".join(" ".join(segment.split()) for segment in text)


def text_of(line: str, *, pair: bool) -> Text | None:
    """A written line as a text; None where it is none: empty, or not the two segments of a pair."""
    text = tuple(segment.strip() for segment in line.split(BETWEEN)) if pair else (line.strip(),)
    return text if len(text) == 1 + pair and all(text) else None
