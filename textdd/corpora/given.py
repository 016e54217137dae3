"""Texts that are given from Python: kept as a file in the cache, so that they go the way of all other files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from textdd.errors import TextddError
from textdd.locks import built
from textdd.typed import exists, written


def kept(data: Any, labels: Sequence[Any] | None, options: dict[str, Any], cache: Path) -> list[str]:
    """What to type for these texts.

    Args:
        data: a pandas frame, a data set of the Hugging Face library or a dictionary of several, texts, a path, or the
            name of a corpus.
        labels: of texts in a list.
        options: those that were given; the names of columns count.
        cache: where a file is made of what is no file.

    Raises:
        TextddError: it is none of these, or something is missing.
    """
    if isinstance(data, Path) or (isinstance(data, str) and (exists(data) or "." in data or "/" in data)):
        return ["dataset=local", f"dataset.path={written(str(data))}"]
    if isinstance(data, str):
        return [f"dataset={data}"]
    parts = dict(data) if is_several(data) else {"train": data}
    tables = {part: as_table(one, labels, part) for part, one in parts.items() if part in ("train", "test")}
    if "train" not in tables:
        raise TextddError(f"Got data sets called {', '.join(map(str, parts))}; one called train is needed.")
    digest = hashlib.blake2b(digest_size=10)
    contents = {part: as_parquet(table) for part, table in tables.items()}
    for part, content in contents.items():
        digest.update(part.encode() + content)
    folder = cache / "given" / digest.hexdigest()
    with built(folder, "keeping the texts that were given") as unfinished:
        if unfinished is not None:
            for part, content in contents.items():
                (unfinished / f"{part}.parquet").write_bytes(content)
    return ["dataset=local", f"dataset.path={written(str(folder))}", *names_of(data, labels, options)]


def is_several(data: Any) -> bool:
    """Whether data are a dictionary of splits, such as a `datasets.DatasetDict`."""
    return isinstance(data, Mapping) and bool(data) and not isinstance(next(iter(data.values())), str | list)


def as_table(data: Any, labels: Sequence[Any] | None, part: str) -> pa.Table:
    """Texts and labels as a table of Arrow.

    Raises:
        TextddError: they are of a kind that is not known, or there are not as many labels as texts.
    """
    if hasattr(data, "features") and hasattr(data, "with_format"):  # a data set of the Hugging Face library
        return decoded(data)
    if hasattr(data, "columns") and hasattr(data, "to_numpy"):  # a pandas frame
        return pa.Table.from_pandas(data, preserve_index=False)
    if isinstance(data, pa.Table):
        return data
    if isinstance(data, Mapping):
        return pa.table({name: pa.array(list(column)) for name, column in data.items()})
    if isinstance(data, str | bytes) or not hasattr(data, "__iter__"):
        raise TextddError(
            f"Got {type(data).__name__} for {part}. Allowed: a pandas frame, a datasets.Dataset, a list of texts with "
            "labels, a path, or the name of a corpus."
        )
    texts = list(data)
    if labels is None or len(labels) != len(texts):
        got = "no labels" if labels is None else f"{len(labels)} labels"
        raise TextddError(f"Got {len(texts)} texts and {got}; as many are needed: distil(texts, labels, per_class=10)")
    if texts and isinstance(texts[0], list | tuple):
        columns = {"text": pa.array([one for one, _ in texts]), "second": pa.array([two for _, two in texts])}
    else:
        columns = {"text": pa.array([str(text) for text in texts])}
    listed = [list(label) if isinstance(label, set | tuple) else label for label in labels]
    return pa.table({**columns, "label": pa.array(listed)})


def decoded(data: Any) -> pa.Table:
    """A data set with the names of its classes in place of their numbers."""
    table: pa.Table = data.with_format("arrow")[:]
    for name, kind in data.features.items():
        names = getattr(kind, "names", None)
        if names is not None:
            numbers = table[name].to_pylist()
            called = pa.array([None if i is None or i < 0 else names[i] for i in numbers], pa.string())
            table = table.set_column(table.column_names.index(name), name, called)
    return table


def as_parquet(table: pa.Table) -> bytes:
    """A table as the content of a file; the same table is the same bytes."""
    sink = pa.BufferOutputStream()
    pa.parquet.write_table(table.replace_schema_metadata(None), sink)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def names_of(data: Any, labels: Sequence[Any] | None, options: dict[str, Any]) -> list[str]:
    """What the columns are called where lists of pairs or of several labels were given, and nothing else was said."""
    found = []
    if isinstance(data, list | tuple) and data and isinstance(data[0], list | tuple):
        found += ["dataset.text=[text,second]", "dataset.pair=true"]
    if labels is not None and any(isinstance(label, list | tuple | set) for label in labels):
        found.append("dataset.labels=label")
    return [word for word in found if word.partition("=")[0] not in options]
