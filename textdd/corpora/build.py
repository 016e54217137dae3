"""Read a corpus's files once, check them, and keep texts and targets; whoever has the same content finds them made."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np

from textdd.corpora.labels import LabelCode, Unlabelled, as_label, as_strings, class_code, sorted_classes
from textdd.corpora.overlap import hashes, shared, told
from textdd.corpora.rare import alike, rare_classes
from textdd.corpora.records import Columns, Gaps, Records, Source, find_columns, read_records
from textdd.corpora.responses import ResponseCode
from textdd.corpora.several import FlagCode, labels_in, list_code
from textdd.corpora.sources import DatasetConfig, Sources
from textdd.corpora.texts import write_texts
from textdd.corpora.unlabelled import about_test_files
from textdd.errors import TextddError, cut
from textdd.locks import built
from textdd.places import short_name

# Part of every key: raise it when what is stored changes.
FORMAT = 3

Progress = Callable[[str, int, int], None]


def corpus_key(config: DatasetConfig, sources: Sources, cache_dir: Path) -> str:
    """Hash everything that decides what is stored: the content, and the options that matter.

    How texts are read and how validation is carved do not: they are applied to what is stored.
    """
    content = [[source.fingerprint(cache_dir) for source in part] for part in sources]
    read = [config.text_columns, config.pair, config.label, config.label_columns, config.label_separator]
    options = [*read, config.classes, config.on_empty, config.on_missing_label, config.min_per_class]
    options += [] if config.target is None else [config.target]
    return hashlib.blake2b(json.dumps([FORMAT, content, options]).encode(), digest_size=12).hexdigest()


def built_corpus(config: DatasetConfig, sources: Sources, cache_dir: Path, progress: Progress | None) -> Path:
    """Find the texts of a corpus in the cache, or read them from its sources.

    They are written to a folder of its own, which is renamed when complete: a killed build leaves nothing that is read,
    and the next build removes it. One process builds; others wait, and take what it made.

    Args:
        config: the corpus.
        sources: where its texts are.
        cache_dir: the cache.
        progress: is called with a description, the texts done and the texts in all (0: not known).

    Returns:
        A folder with `train.arrow` and perhaps `test.arrow` (each a `TextStore`), and `meta.json`.

    Raises:
        TextddError: something is wrong with a file, a column, a text or a label.
    """
    name = short_name(re.sub(r"[^a-zA-Z0-9]+", "_", config.name))
    folder = cache_dir / "corpora" / f"{name}-{corpus_key(config, sources, cache_dir)}"
    with built(folder, f"reading {config.name}") as unfinished:
        if unfinished is not None:
            _build(unfinished, config, sources, progress or (lambda *_: None))
    return folder


def _build(folder: Path, config: DatasetConfig, sources: Sources, progress: Progress) -> None:
    several, written = bool(config.label_columns), config.target is not None
    wanted = Columns(config.text_columns, config.target_columns, config.pair, several, written)
    named = config.hub is not None
    columns = {source: find_columns(source, wanted, named=named) for source in sources.train}
    with about_test_files(config, sources):
        columns |= {source: find_columns(source, wanted, named=named) for source in sources.test}
    write = partial(_write, folder, config, columns, progress)
    codes = _label_codes(config, sources, columns)
    remarks = []
    train = write("train", sources.train, codes, hashed=bool(sources.test))
    if (train.counts < config.min_per_class).any():
        rare, left_out = rare_classes(codes[sources.train[0]].classes, train.counts, config.min_per_class)
        codes = {source: code.without(rare) for source, code in codes.items()}
        remarks.append(left_out)
        train = write("train", sources.train, codes, hashed=bool(sources.test))
    classes = codes[sources.train[0]].classes
    if train.counts.min() == 0:
        raise TextddError(
            f"{sources.train[0].name}: class {cut(classes[int(train.counts.argmin())])!r} has no training text. "
            "Add some, or leave such classes out: dataset.min_per_class=1"
        )
    remarks += [*train.remarks, *alike(classes)]
    overlap = 0.0
    if sources.test:
        with about_test_files(config, sources):
            test = write("test", sources.test, codes, hashed=True)
        count, texts = shared(test.hashes, train.hashes), len(test.hashes)
        overlap = count / texts
        remarks += [*test.remarks, *told(count, texts)]
    meta = {
        "name": config.name,
        "classes": list(classes),
        "task": "generation" if written else "several_labels" if several else "one_class",
        "from": [s.name for s in chain(*sources)],
        "revision": next(filter(None, (getattr(s, "read_revision", None) for s in sources.train)), None),
        "remarks": remarks,
        "overlap": overlap,
    }
    (folder / "meta.json").write_text(json.dumps(meta, indent=1), encoding="utf-8")


class Part(NamedTuple):
    """What was written of the training or the test texts.

    Attributes:
        counts: texts of each class (C,).
        remarks: what was left out.
        hashes: of all texts (n,), int64; none where they were not asked for.
    """

    counts: np.ndarray
    remarks: list[str]
    hashes: np.ndarray


def _write(
    folder: Path,
    config: DatasetConfig,
    columns: dict[Source, Columns],
    progress: Progress,
    part: str,
    sources: Sequence[Source],
    codes: dict[Source, LabelCode],
    *,
    hashed: bool,
) -> Part:
    gaps, remarks = Gaps(config.on_empty, config.on_missing_label), list[str]()
    counts, found = np.zeros(len(codes[sources[0]].classes), np.int64), [np.empty(0, np.int64)]

    def counted() -> Iterator[Records]:
        done = 0
        for source in sources:
            for batch in read_records(source, columns[source], codes[source], gaps, remarks):
                several = batch.targets.ndim > 1
                counts[:] += batch.targets.sum(0) if several else np.bincount(batch.targets, minlength=len(counts))
                if hashed:  # a prompt that was read in training is known, whatever is to be written
                    found.append(hashes(batch.segments[:1] if config.target is not None else batch.segments))
                yield batch
                done += len(batch.targets)
                progress(f"reading {part}", done, 0)

    write_texts(folder / f"{part}.arrow", counted())
    if not counts.any():
        raise Unlabelled(
            f"{sources[0].name} holds no text with a label.",
            f"Add some, or name other columns: dataset.text=NAME {columns[sources[0]].option}=NAME",
        )
    return Part(counts, remarks, np.concatenate(found))


def _label_codes(config: DatasetConfig, sources: Sources, columns: dict[Source, Columns]) -> dict[Source, LabelCode]:
    """Settle the classes (configured, else the source's own, else found) and how each source writes them."""
    if config.target is not None:
        return dict.fromkeys(chain(*sources), ResponseCode())
    if len(config.label_columns) > 1:
        if config.classes:
            raise TextddError(
                f"Got dataset.labels with {len(config.label_columns)} columns and dataset.classes: labels that have "
                "columns of their own are called by these. Type: dataset.classes=[]"
            )
        return dict.fromkeys(chain(*sources), FlagCode(config.label_columns))
    classes = config.classes or list(sources.train[0].label_names)
    if config.label_columns:
        names = classes or sorted_classes(_found(config, sources, columns), sources.train[0].name)
        return {s: list_code(names, s.label_names, config.label_separator) for s in chain(*sources)}
    if classes:
        return {s: class_code(classes, s.label_names, s.first_label) for s in chain(*sources)}
    # Labels that were found are names, even where they are integers that count from some other number.
    code = class_code(sorted_classes(_found(config, sources, columns), sources.train[0].name), (), first_label=0)
    return dict.fromkeys(chain(*sources), code)


def _found(config: DatasetConfig, sources: Sources, columns: dict[Source, Columns]) -> set[str]:
    """The distinct labels of the training texts."""
    found: set[str] = set()
    for source in sources.train:
        for table in source.batches([*columns[source].labels]):
            if config.label_columns:
                written, _ = labels_in(table.column(0), config.label_separator, source.name)
            else:
                written = as_strings(table.column(0), source.name)
            found.update(label for cell in written.unique().to_pylist() if (label := as_label(cell)) is not None)
    return found
