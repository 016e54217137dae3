"""The table of word vectors that students read: one row per word of the vocabulary."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from textdd.errors import unknown_choice
from textdd.seeds import numpy_generator
from textdd.spaces.reading import Reading
from textdd.spaces.tokeniser import PAD, SPECIAL, words
from textdd.spaces.vectors.a_la_carte import induced_vectors
from textdd.spaces.vectors.cache import cached_arrays
from textdd.spaces.vectors.config import EMBEDDINGS, EmbeddingConfig
from textdd.spaces.vectors.cooccurrence import cooccurrence_vectors
from textdd.spaces.vectors.glove import find_glove, glove_vectors

# Texts whose words are looked up to say how many of them the vectors know: all of a small corpus, a sample of a large.
COVERAGE_TEXTS = 100_000
# Root mean square of the components of GloVe's vectors. Vectors of any origin get it: step sizes carry over.
RMS = 0.4


@dataclass(frozen=True)
class WordVectors:
    """A vector for every word.

    Attributes:
        table: the vectors (V, D), float32; the row of `[PAD]` is zero.
        coverage: share of the training tokens whose word is in the file; 1 where there is no file. Of a large corpus
            it is that of a sample.
        coverage_words: share of the words that are.
        sha256: hash of the table's bytes.
        name: "corpus", "glove" or "random".
        path: the file, where there is one.
    """

    table: torch.Tensor
    coverage: float
    coverage_words: float
    sha256: str
    name: str
    path: str | None


def load_vectors(
    config: EmbeddingConfig, train: Reading, key: str, data_dir: str | None, cache_dir: Path, seed: int
) -> WordVectors:
    """Make the table of vectors of a corpus's words.

    Args:
        config: where the vectors come from.
        train: the training split as tokens: gives the words and, for `embedding=corpus`, their neighbours.
        key: identifies these tokens.
        data_dir: holds the data, with files of vectors under `vectors/`; None: no such folder.
        cache_dir: the cache.
        seed: the run's seed, which decides random vectors.

    Raises:
        TextddError: an unknown name, a file of vectors that is missing or damaged.
    """
    vocabulary = words(train.space.tokeniser)
    generator = numpy_generator(seed, "vectors")

    def learned(kind: str, given: str, learn: Callable[[], np.ndarray]) -> np.ndarray:
        """Vectors (V, D) from the training texts, the second time from the cache."""
        # The rows are part of the key because the validation split differs between seeds.
        rows = hashlib.blake2b(train.rows.tobytes()).hexdigest()
        options = {**asdict(config), "path": None}  # what the file holds decides, not where it lies
        return cached_arrays(cache_dir, kind, [key, rows, options, given], lambda: {"vectors": learn()})["vectors"]

    known, path = np.ones(len(vocabulary), dtype=bool), None
    match config.name:
        case "glove":
            path = find_glove(config.path, data_dir)
            found, known = glove_vectors(path, vocabulary, cache_dir)
            match config.unknown:
                case "induced":
                    content = hashlib.blake2b(found.tobytes()).hexdigest()
                    induced = learned("induced", content, lambda: induced_vectors(train, found, known, config))
                    table = np.where(known[:, None], found, induced)
                case "random":
                    table = _filled(found, known, generator)
                case _:
                    table = found
        case "corpus":
            table = _scaled(learned("corpus", "", lambda: cooccurrence_vectors(train, len(vocabulary), config)))
        case "random":
            table = generator.normal(0, RMS, (len(vocabulary), config.dimension))
        case unknown:
            raise unknown_choice("word vectors", unknown, EMBEDDINGS, "embedding")
    table = table.astype(np.float32)
    table[PAD] = 0
    return WordVectors(
        table=torch.from_numpy(table),
        coverage=_token_share(train, known),
        coverage_words=float(known[len(SPECIAL) :].mean()),
        sha256=hashlib.sha256(table.tobytes()).hexdigest(),
        name=config.name,
        path=None if path is None else str(path),
    )


def _filled(vectors: np.ndarray, known: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Give unknown words random vectors of the same mean and spread as the known ones (V, D)."""
    # Drawn for every word and used for some: a word's vector does not depend on which others are known.
    drawn = generator.normal(vectors[known].mean(), vectors[known].std(), vectors.shape)
    return np.where(known[:, None], vectors, drawn)


def _scaled(vectors: np.ndarray) -> np.ndarray:
    """Scale vectors (V, D) to the root mean square of GloVe's components, words without a vector left out."""
    size = np.sqrt(np.square(vectors[vectors.any(axis=1)]).mean())
    return vectors * (RMS / size)


def _token_share(train: Reading, known: np.ndarray) -> float:
    """Compute which share of the training tokens are known words (V,)."""
    counts = np.zeros(len(known), np.int64)
    for tokens, _ in train.store.runs(train.sample(COVERAGE_TEXTS).rows, 1 << 20):
        counts += np.bincount(tokens, minlength=len(known))
    return float(counts[known].sum() / counts.sum())
