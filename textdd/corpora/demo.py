"""The built-in corpus: texts of made-up words about made-up topics, for a first run without any download."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
import pyarrow.compute

from textdd.allowed import Number, Seed, Share, Whole
from textdd.corpora.files import BATCH_ROWS
from textdd.errors import TextddError
from textdd.seeds import numpy_generator

MOST_WORDS = 50_000
CONSONANTS, VOWELS = "bdfgklmnprstvz", "aeiou"


@dataclass
class DemoConfig:
    """The demo's generator. The defaults make full training end near 0.88 and ten texts per class near 0.55.

    Attributes:
        seed: decides the texts; not the run's seed, so that runs of several seeds share one corpus.
        topics: C, the classes.
        themes: what each topic is about; a text keeps to one, so few texts do not show all of a topic.
        train: training texts.
        test: test texts.
        words: the vocabulary; a tenth is common to all texts, half belongs to one theme, the rest to two.
        shortest: words in the shortest text.
        longest: words in the longest text.
        topical: share of a text's words that only its theme uses.
        ambiguous: share of a text's words that its theme shares with one other.
        stray: share of the topical and ambiguous words that come from any theme instead.
        noise: share of the labels, in train and test, that are replaced by another class.
    """

    seed: Seed = 0
    topics: Annotated[int, Whole(2, 100)] = 5
    themes: Annotated[int, Whole(1, 100)] = 6
    train: Annotated[int, Whole(1, 100_000)] = 6000
    test: Annotated[int, Whole(1, 100_000)] = 2000
    words: Annotated[int, Whole(100, MOST_WORDS)] = 4000
    shortest: Annotated[int, Whole(1, 100)] = 8
    longest: Annotated[int, Whole(1, 100)] = 40
    topical: Share = 0.3
    ambiguous: Share = 0.2
    stray: Share = 0.35
    noise: Annotated[float, Number(0, 1, "[)")] = 0.06

    def check(self) -> None:
        """Check what relates several options, each of which is within its range.

        Raises:
            TextddError: they do not go together.
        """
        needed = 100 * self.topics * self.themes
        if self.words < needed:
            remedy = f"words={needed}" if needed <= MOST_WORDS else "topics=5 dataset.demo.themes=6"
            raise TextddError(
                f"Got dataset.demo.words={self.words} for {self.topics} topics of {self.themes} themes; a theme needs "
                f"100. Type: dataset.demo.{remedy}"
            )
        if self.shortest > self.longest:
            raise TextddError(
                f"Got dataset.demo.shortest={self.shortest} and dataset.demo.longest={self.longest}. "
                f"Type: dataset.demo.shortest={self.longest}"
            )
        if self.topical + self.ambiguous > 1:
            raise TextddError(
                f"Got dataset.demo.topical={self.topical:g} and dataset.demo.ambiguous={self.ambiguous:g}, which are "
                "more than all words. Type: dataset.demo.topical=0.3 dataset.demo.ambiguous=0.2"
            )


@dataclass(frozen=True, eq=False)  # told apart by identity: its config is mutable
class DemoSplit:
    """One split of the demo corpus, generated when read (well under a second).

    Attributes:
        config: the generator.
        split: "train" or "test".
    """

    config: DemoConfig
    split: str
    first_label = 0
    first_row = 1

    @property
    def name(self) -> str:
        """What messages call this split."""
        return f"demo [{self.split}]"

    @property
    def label_names(self) -> tuple[str, ...]:
        """The topics, each called by the most frequent word of its first theme."""
        return tuple(str(word) for word in self.own_words()[: self.config.topics, 0])

    def own_words(self) -> np.ndarray:
        """List the words that only one theme uses (themes of all topics, words), the most frequent first."""
        return self._vocabulary[_own_words(self.config)]

    def fingerprint(self, cache_dir: Path | None = None) -> str:
        """Identify the content: whatever decides it."""
        del cache_dir
        return f"demo 1 {self.split} {asdict(self.config)}"

    def columns(self) -> list[str]:
        """Name the columns."""
        return ["label", "text"]

    def batches(self, columns: list[str]) -> Iterator[pa.Table]:
        """Generate the texts, all at once, and yield them ten thousand at a time."""
        table = self._generate().select(columns)
        for start in range(0, len(table), BATCH_ROWS):
            yield table.slice(start, BATCH_ROWS)

    @cached_property
    def _vocabulary(self) -> np.ndarray:
        return pseudo_words(self.config.words, numpy_generator(self.config.seed, "demo", "words"))

    def _generate(self) -> pa.Table:
        config = self.config
        generator = numpy_generator(config.seed, "demo", self.split)
        size = config.train if self.split == "train" else config.test
        # Theme g belongs to topic g % C.
        themes = generator.permutation(np.arange(size) % (config.topics * config.themes))  # (n,)
        lengths = generator.integers(config.shortest, config.longest + 1, size)  # (n,)
        owner = np.repeat(themes, lengths)  # (words of all texts,): the theme that each word is drawn for
        # Draw by inverting the cumulative sums, all in one search: theme g has the interval from g to g + 1.
        cumulative = np.cumsum(_word_probabilities(config), axis=1)
        cumulative += np.arange(len(cumulative))[:, None]
        drawn = np.searchsorted(cumulative.ravel(), owner + generator.random(len(owner)), side="right")
        drawn = np.minimum(drawn - owner * config.words, config.words - 1)
        words = pa.array(self._vocabulary[drawn].tolist())
        ends = np.cumsum(lengths)
        offsets = pa.array(np.concatenate([[0], ends]), pa.int32())
        texts = pa.compute.binary_join(pa.ListArray.from_arrays(offsets, words), " ")
        wrong = generator.random(size) < config.noise
        labels = (themes + wrong * generator.integers(1, config.topics, size)) % config.topics
        return pa.table({"label": labels, "text": texts})


def demo_splits(config: DemoConfig) -> tuple[DemoSplit, DemoSplit]:
    """Make the training and the test split."""
    return DemoSplit(config, "train"), DemoSplit(config, "test")


def pseudo_words(count: int, generator: np.random.Generator) -> np.ndarray:
    """Make distinct pronounceable words of two syllables, or of three where two do not suffice.

    Args:
        count: how many.
        generator: shuffles them.

    Returns:
        Words (count,), each different from all others.
    """
    syllables = np.array([consonant + vowel for consonant in CONSONANTS for vowel in VOWELS])
    numbers = np.arange(count)
    words = np.char.add(syllables[numbers % len(syllables)], syllables[numbers // len(syllables) % len(syllables)])
    third = np.append(syllables, "")[numbers // len(syllables) ** 2 - 1]  # -1, no third syllable, at first
    return generator.permutation(np.char.add(words, third))


def _own_words(config: DemoConfig) -> np.ndarray:
    """Number each theme's own words (themes of all topics, words of a theme), the most frequent first."""
    common, themes = config.words // 10, config.topics * config.themes
    each = config.words // 2 // themes
    return common + np.arange(themes * each).reshape(each, themes).T


def _word_probabilities(config: DemoConfig) -> np.ndarray:
    """Compute how often each theme uses each word (themes of all topics, words); every row sums to one.

    A text's words are: common ones; words of its theme; and words shared with one other theme, all with
    Zipf's frequencies. Stray words come from the average of all themes.
    """
    own = _own_words(config)
    common, shared = config.words // 10, np.arange(own.max() + 1, config.words)
    first, second = np.triu_indices(len(own), k=1)  # (pairs,) twice
    pair = np.arange(len(shared)) % len(first)  # the pair of themes that shares each of the words

    background = np.zeros(config.words)
    background[:common] = _zipf(common)
    topical = np.zeros((len(own), config.words))
    np.put_along_axis(topical, own, _zipf(own.shape[1]), axis=1)
    ambiguous = np.zeros((len(own), config.words))
    ambiguous[first[pair], shared] = ambiguous[second[pair], shared] = _zipf(len(shared))
    ambiguous /= ambiguous.sum(axis=1, keepdims=True)

    telling = config.topical * topical + config.ambiguous * ambiguous
    telling = (1 - config.stray) * telling + config.stray * telling.mean(axis=0)
    return (1 - config.topical - config.ambiguous) * background + telling


def _zipf(count: int) -> np.ndarray:
    """Frequencies of the words of one kind by rank, flattened at the top as in Mandelbrot's form (count,)."""
    weights = 1 / (np.arange(count) + 10)
    return weights / weights.sum()
