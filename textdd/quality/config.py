"""The options of the quality report."""

from __future__ import annotations

from dataclasses import dataclass

from textdd.allowed import Place


@dataclass
class QualityConfig:
    """What is looked at in a set of texts.

    Attributes:
        language_model: under which the perplexity of the texts is measured: the folder of a causal language model of
            `transformers`, its id on the hub, or a GGUF file; null measures none.
        allow_overlap: measure a set that holds validation or test texts, and say so beside every figure.
    """

    language_model: Place | None = None
    allow_overlap: bool = False
