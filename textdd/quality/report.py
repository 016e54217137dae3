"""The quality report of a set of texts: what result.json and the pages say of it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from textdd.corpora.corpus import Corpus
from textdd.prepare import bars
from textdd.quality.against import Against, against
from textdd.quality.config import QualityConfig
from textdd.quality.overlap import check_overlap
from textdd.quality.perplexity import perplexity
from textdd.quality.variety import variety
from textdd.sets.texts import TextSet


def compared(distilled: TextSet, corpus: Corpus) -> Against:
    """What a corpus has of a set, with a bar while it is gone through."""
    with bars() as show:
        return against(distilled, corpus, show)


def examined(distilled: TextSet, corpus: Corpus, config: QualityConfig, *, measured: bool = True) -> dict[str, Any]:
    """Examine a set of texts; what a teacher says of the labels is added by whoever has one.

    Args:
        distilled: the set.
        corpus: what it was made from, or is to be measured on.
        config: what is looked at.
        measured: figures on validation and test texts are to follow, so that none of these may be in the set.

    Returns:
        What result.json holds under `quality`: the measures of `variety`; `origins`, counts; `copied`, shares of the
        texts; `likeness`, the mean; `overlap`, counts; `perplexity` of the texts and of as many real ones, or null;
        and `texts`, each with its labels, origin, nearest real text and how like that is.

    Raises:
        TextddError: it holds validation or test texts and that is not allowed, or the language model is not at hand.
    """
    found = compared(distilled, corpus)
    if measured:
        check_overlap(distilled, found, allowed=config.allow_overlap)
    size = len(distilled)
    return {
        **variety(distilled.texts),
        "origins": dict(Counter(distilled.origins)),
        "copied": {how: found.copied.count(how) / size for how in ("exactly", "nearly")},
        "likeness": float(found.likeness.mean()),
        "overlap": {part: int(those.sum()) for part, those in found.overlap.items()},
        "perplexity": perplexities(distilled, corpus, config.language_model),
        "texts": texts_of(distilled, found),
    }


def perplexities(distilled: TextSet, corpus: Corpus, model: str | None) -> dict[str, Any] | None:
    """The perplexity of a set, and of as many training texts to compare it with; None where no model was named."""
    if model is None:
        return None
    sample = corpus.train.sample(len(distilled))
    real = [" ".join(text) for text in sample.store.take(sample.rows)]
    texts = [" ".join(text) for text in distilled.texts]
    return {"model": model, "texts": perplexity(model, texts), "real": perplexity(model, real)}


def texts_of(distilled: TextSet, found: Against) -> list[dict[str, Any]]:
    """Each text with what is known of it."""
    parts = (distilled.written, distilled.origins, found.nearest, found.likeness.tolist(), found.copied)
    return [
        {**row, "origin": origin, "nearest": near and " / ".join(near), "likeness": likeness, "copied": copied}
        for row, origin, near, likeness, copied in zip(*parts, strict=True)
    ]
