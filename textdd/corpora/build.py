"""Tokenise a corpus once; whoever has the same content and configuration finds it made."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa

from textdd.corpora.labels import LabelCode, as_strings, label_code, sorted_classes
from textdd.corpora.records import Columns, Records, Source, find_columns, read_records
from textdd.corpora.sources import DatasetConfig, Sources
from textdd.errors import TextddError
from textdd.locks import claim
from textdd.spaces.store import write_store
from textdd.spaces.tokeniser import train_tokeniser

# Part of every key: raise it when what is stored changes.
FORMAT = 1

Progress = Callable[[str, int, int], None]


def corpus_key(config: DatasetConfig, sources: Sources, cache_dir: Path) -> str:
    """Hash everything that decides what is stored: the content, and the options that matter.

    How many tokens are read and how validation is carved do not: they are applied to what is stored.
    """
    content = [[source.fingerprint(cache_dir) for source in part] for part in sources]
    options = [config.text, config.label, config.classes, config.vocabulary, config.on_empty]
    return hashlib.blake2b(json.dumps([FORMAT, content, options]).encode(), digest_size=12).hexdigest()


def built_corpus(config: DatasetConfig, sources: Sources, cache_dir: Path, progress: Progress | None) -> Path:
    """Find the tokenised corpus in the cache, or make it.

    It is made in a folder of its own and renamed when complete: a killed build leaves nothing that is read, and the
    next build removes it. One process builds it, on all cores; others wait, and take what it made.

    Args:
        config: the corpus.
        sources: where its texts are.
        cache_dir: the cache.
        progress: is called with a description, the texts done and the texts in all (0: not known).

    Returns:
        A folder with `train` and perhaps `test` (each a `TokenStore`), `tokenizer.json` and `meta.json`.

    Raises:
        TextddError: something is wrong with a file, a column, a text or a label.
    """
    name = re.sub(r"[^a-zA-Z0-9]+", "_", config.name)
    folder = cache_dir / "corpora" / f"{name}-{corpus_key(config, sources, cache_dir)}"
    with claim(folder, f"tokenising {config.name}") as ours:
        if ours:
            unfinished = folder.with_name(f".{folder.name}")
            shutil.rmtree(unfinished, ignore_errors=True)  # of a build that was killed
            unfinished.mkdir()
            try:
                _build(unfinished, config, sources, progress)
                unfinished.rename(folder)
            finally:
                shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def _build(folder: Path, config: DatasetConfig, sources: Sources, progress: Progress | None) -> None:
    wanted, named = Columns(config.text, config.label), config.hub is not None
    columns = {source: find_columns(source, wanted, named=named) for source in chain(*sources)}
    codes = _label_codes(config, sources, columns)
    classes = codes[sources.train[0]].classes

    def records(part: tuple[Source, ...]) -> Iterator[Records]:
        return chain.from_iterable(read_records(s, columns[s], codes[s], config.on_empty) for s in part)

    report = partial(_reported, progress=progress or (lambda *_: None))
    counts = np.zeros(len(classes), np.int64)  # (C,)

    def counted_texts() -> Iterator[pa.StringArray]:
        for batch in report(records(sources.train), "counting words", 0):
            counts[:] += np.bincount(batch.labels, minlength=len(classes))
            yield batch.texts

    tokeniser = train_tokeniser(counted_texts(), config.vocabulary)
    if counts.min() == 0:
        raise TextddError(
            f"{sources.train[0].name}: class {classes[int(counts.argmin())]!r} has no training text. "
            "Add some, or name only the classes that there are: "
            f"dataset.classes=[{','.join(np.array(classes)[counts > 0])}]"
        )
    tokeniser.save(str(folder / "tokenizer.json"))
    write_store(folder / "train", report(records(sources.train), "tokenising train", int(counts.sum())), tokeniser)
    if sources.test:
        write_store(folder / "test", report(records(sources.test), "tokenising test", 0), tokeniser)
    meta = {"name": config.name, "classes": list(classes), "from": [s.name for s in chain(*sources)]}
    (folder / "meta.json").write_text(json.dumps(meta, indent=1), encoding="utf-8")


def _label_codes(config: DatasetConfig, sources: Sources, columns: dict[Source, Columns]) -> dict[Source, LabelCode]:
    """Settle the classes (configured, else the source's own, else found) and how each source writes them."""
    classes = config.classes or list(sources.train[0].label_names)
    if classes:
        return {s: label_code(classes, s.label_names, s.first_label) for s in chain(*sources)}
    found: set[str] = set()
    for source in sources.train:
        for table in source.batches([columns[source].label]):
            found.update(as_strings(table.column(0)).unique().drop_null().to_pylist())
    # Labels that were found are names, even where they are integers that count from some other number.
    code = label_code(sorted_classes(found, sources.train[0].name), (), first_label=0)
    return dict.fromkeys(chain(*sources), code)


def _reported(batches: Iterator[Records], what: str, total: int, progress: Progress) -> Iterator[Records]:
    """Pass the batches on and tell how many texts have gone by."""
    done = 0
    for batch in batches:
        yield batch
        done += len(batch.texts)
        progress(what, done, total)
