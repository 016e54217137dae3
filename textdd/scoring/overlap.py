"""Sets that hold test texts: refused unless that is allowed by name, and then said beside every figure."""

from __future__ import annotations

from collections.abc import Sequence

from textdd.corpora.corpus import Corpus
from textdd.errors import TextddError
from textdd.harmless import on_screen
from textdd.progress import say
from textdd.quality.against import standing_in
from textdd.scoring.given import Given
from textdd.sets.texts import TextSet


def overlap_of(sets: Sequence[Given], corpus: Corpus, *, allowed: bool) -> str:
    """Look for the texts of sets among the test texts, and say it where they stand among the validation texts.

    Args:
        sets: those that are scored; matrices have no texts to look for.
        corpus: the corpus.
        allowed: `score.allow_overlap`.

    Returns:
        What has to stand beside every figure; an empty text if nothing has to.

    Raises:
        TextddError: a set holds test texts and that is not allowed.
    """
    told: list[str] = []
    texts = [one for one in sets if isinstance(one.distilled, TextSet)]
    every = [text for one in texts for text in one.distilled.texts]  # type: ignore[attr-defined]
    if not every:
        return ""
    among = standing_in(every, corpus, "test")
    beside = int(standing_in(every, corpus, "validation").sum())
    if beside:
        say(f"{beside} of {len(every)} texts are validation texts as well, on which recipes are chosen.")
    if among.any():
        first = on_screen(" / ".join(every[int(among.argmax())]))
        told.append(f"{int(among.sum())} of {len(every)} texts are test texts")
        if not allowed:
            shown = first if len(first) <= 100 else f"{first[:99]}…"
            raise TextddError(
                f"{told[0]} of {corpus.name} but for white space and case, such as {shown!r}: what is measured on them "
                "says nothing of other texts. Leave them out, or have it said beside every figure. Type: "
                "score.allow_overlap=true"
            )
    if beside:
        told.append(f"{beside} are validation texts")
    return ", ".join(told)
