"""Word spaces: the words of the corpus itself, and a vector for each from a file, from the corpus, or at random."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from tokenizers import Tokenizer

from textdd.corpora.build import Progress
from textdd.corpora.corpus import Corpus
from textdd.corpora.texts import TextStore
from textdd.errors import TextddError
from textdd.locks import built
from textdd.record import write_bytes
from textdd.seeds import numpy_generator
from textdd.spaces.frame import Frame
from textdd.spaces.length import needed
from textdd.spaces.reading import Reading
from textdd.spaces.space import Space
from textdd.spaces.store import Encode, TokenStore, write_store
from textdd.spaces.tokeniser import SEP, encode, train_tokeniser, words
from textdd.spaces.vectors import EmbeddingConfig, load_vectors
from textdd.spaces.vectors.table import RMS, WordVectors

FORMAT = 1
"""Part of every key: raise it when what is stored changes."""


def word_space(
    config: EmbeddingConfig,
    corpus: Corpus,
    vocabulary: int,
    length: int | str,
    data_dir: str | None,
    cache: Path,
    seed: int,
    progress: Progress | None = None,
) -> tuple[Space, dict[Path, TokenStore]]:
    """Make the space of a corpus's words.

    Args:
        config: where the vectors come from.
        corpus: the texts; all of its training file decides which words there are, its training split their vectors.
        vocabulary: most words kept.
        length: L, or `auto`.
        data_dir: holds files of vectors under `vectors/`; None: no such folder.
        cache: the cache.
        seed: the run's seed, which decides random vectors.
        progress: is called with a description, the texts done and the texts in all.

    Returns:
        The space, and the corpus's files in its tokens.

    Raises:
        TextddError: something about the vectors has to be mended by the user.
    """
    folder = folder_of(corpus, vocabulary, cache)
    stores = encoded(folder, corpus, vocabulary, progress or (lambda *_: None))
    tokeniser = Tokenizer.from_file(str(folder / "tokenizer.json"))
    bare = space_of(tokeniser, torch.zeros(tokeniser.get_vocab_size(), 0), pair=corpus.pair, length=1, seed=seed)
    train = Reading(corpus.train, stores[corpus.train.store.path], bare)
    vectors = load_vectors(config, train, folder.name, data_dir, cache, seed)
    if length == "auto":
        length = needed(train.store.uncut[train.rows], bare.frame.size(pair=corpus.pair))
    space = space_of(tokeniser, vectors.table, pair=corpus.pair, length=int(length), seed=seed)
    return replace(space, name=config.name, facts=facts_of(vectors)), stores


def folder_of(corpus: Corpus, vocabulary: int, cache: Path) -> Path:
    """Where a corpus is kept as words."""
    digest = hashlib.blake2b(repr((FORMAT, corpus.key, vocabulary)).encode(), digest_size=6).hexdigest()
    return cache / "spaces" / f"words-{corpus.key}-{digest}"


def stores_of(space: Space, corpus: Corpus, vocabulary: int, cache: Path) -> dict[Path, TokenStore]:
    """The files of a corpus in the tokens of a word space that was made of it.

    Raises:
        TextddError: the corpus has other words.
    """
    folder = folder_of(corpus, vocabulary, cache)
    stores = encoded(folder, corpus, vocabulary, lambda *_: None)
    if Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab() != space.tokeniser.get_vocab():
        raise TextddError(
            f"The texts of {corpus.name} at hand have other words than those that the set was distilled from. "
            "Type data_dir=... with the folder that was used then."
        )
    return stores


def space_of(tokeniser: Tokenizer, table: torch.Tensor, *, pair: bool, length: int, seed: int | None) -> Space:
    """A word space of a tokeniser and vectors (V, D); a seed draws what tells segments apart, None leaves the table."""
    second = torch.zeros(table.shape[1])
    if pair and table.shape[1] and seed is not None:
        # What tells the segments apart must not be any word's vector; half the size of one, so that words stay words.
        drawn = numpy_generator(seed, "pair").normal(0, RMS, (2, table.shape[1])).astype(np.float32)
        second = torch.from_numpy(drawn[0] / 2)
        table = table.clone()
        table[SEP] = torch.from_numpy(drawn[1])
    return Space(
        name="words",
        kind="words",
        tokeniser=tokeniser,
        encode=encoder(tokeniser),
        frame=Frame(between=(SEP,), second_from=1) if pair else Frame(),
        table=table,
        second=second,
        length=length,
        sha256=hashlib.sha256(table.numpy().tobytes()).hexdigest(),
        facts={},
    )


def encoder(tokeniser: Tokenizer) -> Encode:
    """What turns texts into this tokeniser's numbers."""
    vocabulary = words(tokeniser)
    dtype = np.uint16 if len(vocabulary) <= 1 << 16 else np.uint32
    return partial(encode, pa.array(vocabulary), dtype=dtype)


def encoded(folder: Path, corpus: Corpus, vocabulary: int, progress: Progress) -> dict[Path, TokenStore]:
    """The files of a corpus as tokens, made on all cores once, whole or not at all."""
    stores = {split.store.path: split.store for split in (corpus.train, corpus.test)}
    with built(folder, f"tokenising {corpus.name}") as unfinished:
        if unfinished is not None:
            texts = chain.from_iterable(reported(corpus.train.store, "counting words", progress))
            tokeniser = train_tokeniser(texts, vocabulary, pair=corpus.pair)
            write_bytes(unfinished / "tokenizer.json", tokeniser.to_str().encode())
            write_stores(unfinished, stores, encoder(tokeniser), progress)
    return {path: TokenStore(folder / path.stem) for path in stores}


def write_stores(folder: Path, stores: dict[Path, TextStore], encode: Encode, progress: Progress) -> None:
    """Turn the parts of a corpus, each a `TextStore` at its path, into tokens in a folder."""
    for path, store in stores.items():
        write_store(folder / path.stem, reported(store, f"tokenising {path.stem}", progress), encode)


def reported(store: TextStore, what: str, progress: Progress) -> Iterator[list[pa.StringArray]]:
    """The texts of a store, and how many have gone by."""
    done = 0
    for segments in store.batches():
        yield segments
        done += len(segments[0])
        progress(what, done, len(store))


def facts_of(vectors: WordVectors) -> dict[str, object]:
    """What is known of word vectors, for the artefact."""
    return {"coverage": vectors.coverage}
