"""Filters: which drafts are candidates. What is left out, and why, is counted and said."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from textdd.errors import TextddError
from textdd.outer.teacher import Teacher
from textdd.problem import Problem
from textdd.progress import Bar, say
from textdd.sets.texts import Text
from textdd.writing.prompts import Prompt, text_of
from textdd.writing.writer import Reply

RUN, COPIED = 5, 0.5
"""Words behind one another that are compared, and the share of a text's runs that makes it a copy if one other text has
them: of a text of twenty words, twelve in a row."""

READ = 256
"""Texts that a teacher reads at a time."""

REASONS = {
    "unfinished": "distiller.longest={longer}",
    "empty": "distiller.written={more}",
    "written twice": "distiller.temperature=1.2",
    "echoes of the prompt": "distiller.temperature=1.2",
    "near-copies of real texts": "distiller.temperature=1.2",
    "off their class": "distiller.agreement=0",
}
"""Why drafts are left out, in this order, and what helps if that leaves a class without texts."""


class Candidate(NamedTuple):
    """A draft with what it was written for.

    Attributes:
        text: the text; None where the line is none.
        finished: it came to an end.
        prompt: what it was written to.
    """

    text: Text | None
    finished: bool
    prompt: Prompt


@dataclass
class Sieve:
    """Candidates, fewer with every filter.

    Attributes:
        kept: those that are left.
        left_out: for each reason, how many of each class.
    """

    kept: list[Candidate]
    left_out: dict[str, Counter[int]] = field(default_factory=dict)

    def drop(self, reason: str, bad: Iterable[bool]) -> None:
        """Leave out those that are bad."""
        judged = list(zip(self.kept, bad, strict=True))
        self.left_out[reason] = Counter(candidate.prompt.label for candidate, yes in judged if yes)
        self.kept = [candidate for candidate, yes in judged if not yes]

    def counts(self) -> dict[str, int]:
        """How many drafts were left out for each reason, and how many are left."""
        return {**{reason: found.total() for reason, found in self.left_out.items()}, "left": len(self.kept)}

    def texts(self) -> list[Text]:
        """The texts that are left."""
        return [candidate.text for candidate in self.kept if candidate.text is not None]


def sifted(
    prompts: list[Prompt],
    replies: list[Reply],
    per_class: int,
    problem: Problem,
    teacher: Teacher | None,
    agreement: float,
) -> Sieve:
    """The drafts that are candidates.

    Args:
        prompts: the prompts.
        replies: what was written to each.
        per_class: drafts of each class that count; the others are not looked at.
        problem: has the real texts.
        teacher: has an opinion of the texts; None leaves that out.
        agreement: share of the real texts of a class whose label the teacher finds less likely than that of a text
            that is kept.
    """
    seen, found = Counter[int](), list[Candidate]()
    for prompt, reply in zip(prompts, replies, strict=True):
        for draft in reply.drafts[: per_class - seen[prompt.label]]:
            found.append(Candidate(text_of(draft.line, pair=problem.corpus.pair), draft.finished, prompt))
            seen[prompt.label] += 1
    sieve = Sieve(found)
    sieve.drop("unfinished", (not candidate.finished for candidate in sieve.kept))
    sieve.drop("empty", (candidate.text is None or not words_of(candidate.text) for candidate in sieve.kept))
    sieve.drop("written twice", repeated(sieve.texts()))
    sieve.drop("echoes of the prompt", echoes(sieve))
    sieve.drop("near-copies of real texts", [share >= COPIED for share in copied(sieve.texts(), real_texts(problem))])
    if teacher is not None:
        sieve.drop("off their class", off_class(sieve, problem, teacher, agreement))
    counts = ", ".join(f"{count} {reason}" for reason, count in sieve.counts().items() if reason != "left")
    say(f"{len(found)} drafts, left out: {counts}; {len(sieve.kept)} remain")
    return sieve


def check_left(sieve: Sieve, per_class: int, written: int, longest: int, problem: Problem) -> None:
    """Check that every class has as many candidates as are to be picked.

    Raises:
        TextddError: one has not.
    """
    left = Counter(candidate.prompt.label for candidate in sieve.kept)
    for label, name in enumerate(problem.corpus.classes):
        if left[label] < per_class:
            counts = {reason: found[label] for reason, found in sieve.left_out.items() if found[label]}
            why = ", ".join(f"{count} {reason}" for reason, count in counts.items())
            remedy = REASONS[max(counts, key=lambda reason: counts[reason])] if counts else "distiller.written={more}"
            if left[label]:  # more of the same will do
                remedy = "distiller.written={more}"
            more = 2 * written * per_class // max(1, left[label])
            raise TextddError(
                f"Of the class {name!r}, {written} texts were written and {left[label]} are left ({why or 'all'}); "
                f"{per_class} are to be picked. Type: {remedy.format(more=more, longer=2 * longest)}"
            )


def words_of(text: Text) -> list[str]:
    """The words of a text, without what stands between them."""
    return re.findall(r"\w+", " ".join(text).casefold())


def runs(words: Sequence[str]) -> set[tuple[str, ...]]:
    """All runs of five words; a shorter text is one run."""
    if len(words) < RUN:
        return {tuple(words)}
    return set(zip(*(words[i:] for i in range(RUN)), strict=False))


def repeated(texts: list[Text]) -> Iterator[bool]:
    """Whether a text was there before, but for case and punctuation."""
    seen = set[tuple[str, ...]]()
    for text in texts:
        words = tuple(words_of(text))
        yield words in seen
        seen.add(words)


def echoes(sieve: Sieve) -> Iterator[bool]:
    """Whether a text repeats a line of its prompt."""
    lines = {candidate.prompt.words: None for candidate in sieve.kept}
    of_prompt = {words: [runs(words_of((line,))) for line in words.splitlines()] for words in lines}
    for candidate, text in zip(sieve.kept, sieve.texts(), strict=True):
        own = runs(words_of(text))
        yield any(len(own & theirs) >= COPIED * len(own) for theirs in of_prompt[candidate.prompt.words])


def copied(texts: list[Text], others: Iterable[Text]) -> list[float]:
    """The largest share of each text's runs of words that a single other text has (n,)."""
    own = [runs(words_of(text)) for text in texts]
    owners: dict[tuple[str, ...], list[int]] = {}
    for i, found in enumerate(own):
        for run in found:
            owners.setdefault(run, []).append(i)
    shares = [0.0] * len(texts)
    for other in others:
        shared = Counter(i for run in runs(words_of(other)) for i in owners.get(run, ()))
        for i, count in shared.items():
            shares[i] = max(shares[i], count / len(own[i]))
    return shares


def real_texts(problem: Problem) -> Iterator[Text]:
    """All texts of the training file, those of validation among them."""
    store, done = problem.corpus.train.store, 0
    bar = Bar("looking for copies of real texts", len(store))
    try:
        for batch in store.batches():
            yield from zip(*(segment.to_pylist() for segment in batch), strict=True)
            done += len(batch[0])
            bar.update(done)
    finally:
        bar.close()


def off_class(sieve: Sieve, problem: Problem, teacher: Teacher, agreement: float) -> list[bool]:
    """Whether a teacher finds the label of a text less likely than those of real texts of its class.

    The bar is that of each class, set on validation texts: a teacher who is never sure would else leave nothing.
    """
    held = problem.corpus.validation.sample(10 * problem.classes * READ)
    real, strata = opinions(held.texts(np.arange(len(held))), problem, teacher), held.strata
    labels = torch.tensor([candidate.prompt.label for candidate in sieve.kept], dtype=torch.int64)
    bars = torch.zeros(problem.classes)
    for label in range(problem.classes):
        of_class = real[torch.from_numpy(strata == label), label]
        if len(of_class):
            bars[label] = of_class.quantile(agreement)
    found = opinions(sieve.texts(), problem, teacher).gather(1, labels.unsqueeze(1)).squeeze(1)
    return (found < bars[labels]).tolist()


@torch.no_grad()
def opinions(texts: list[Text], problem: Problem, teacher: Teacher) -> Tensor:
    """How likely a teacher finds the labels of texts (n, C)."""
    reader, found = problem.reader(), [torch.zeros(0, problem.classes)]
    for start in range(0, len(texts), READ):
        batch = reader(problem.space.tokens(texts[start : start + READ]))
        found.append(teacher.read(batch.x, batch.mask))
    return torch.cat(found)
