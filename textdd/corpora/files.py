"""Files as people have them, opened by what they are."""

from __future__ import annotations

import json
from pathlib import Path

from textdd.corpora.formats.columnar import ArrowFile, ParquetFile
from textdd.corpora.formats.fasttext import MARK, FastTextFile
from textdd.corpora.formats.foreign import refuse
from textdd.corpora.formats.json_document import JsonDocument
from textdd.corpora.formats.json_lines import JsonLines
from textdd.corpora.formats.opening import PACKINGS, head
from textdd.corpora.formats.options import FileOptions
from textdd.corpora.formats.separated import SeparatedFile
from textdd.corpora.formats.table import BATCH_ROWS, TableFile, form, readable
from textdd.errors import TextddError

__all__ = ["BATCH_ROWS", "SUFFIXES", "TableFile", "open_table"]

KINDS: dict[str, type[TableFile]] = {
    ".csv": SeparatedFile,
    ".tsv": SeparatedFile,
    ".jsonl": JsonLines,
    ".parquet": ParquetFile,
    ".arrow": ArrowFile,
    ".json": JsonLines,
    ".ndjson": JsonLines,
    ".feather": ArrowFile,
    ".txt": SeparatedFile,
}
SUFFIXES = tuple(KINDS)


def open_table(path: Path, options: FileOptions | None = None, label_names: tuple[str, ...] = ()) -> TableFile:
    """Open a file as what its suffix and its first signs say it is; csv, json and text may be packed (gz, zst, bz2).

    Args:
        path: the file.
        options: how it is to be read, where that is not left to be found.
        label_names: what integer labels stand for, in order, where known.

    Raises:
        TextddError: no such file, an unknown suffix, or nothing that can be read in it.
    """
    options = options or FileOptions()
    file = TableFile(path, options)
    with readable(file):
        if not path.is_file():
            raise TextddError(f"{path}: there is no such file.")
        refuse(path)
        kind = KINDS.get(form(path))
        if kind is None:
            raise TextddError(
                f"{path} has the suffix {form(path)!r}. Allowed: {', '.join(SUFFIXES)}, with {', '.join(PACKINGS)} "
                "after them (txt as fastText has it, or with tabs). Rename it to what it is, for instance: "
                f"mv '{path}' '{path.with_suffix('.csv')}'"
            )
        if kind is SeparatedFile and head(path, options).startswith(MARK.encode()):
            kind = FastTextFile
        elif kind is JsonLines and is_document(path, options):
            kind = JsonDocument
    return kind(path, options, label_names)


def is_document(path: Path, options: FileOptions) -> bool:
    """Whether JSON is one value, an array or an object with records under a key, and not a record a line."""
    top = head(path, options)
    first, _, rest = top.lstrip().partition(b"\n")
    if options.records is not None or first.startswith(b"["):
        return True
    try:
        value = json.loads(first)
    except RecursionError:
        return False
    except json.JSONDecodeError:  # the object goes on in the next line, or the line is no JSON or a very long one
        return first.startswith(b"{") and (form(path) == ".json" or first.strip() == b"{")
    lists = [one for one in value.values() if isinstance(one, list)] if isinstance(value, dict) else []
    return not rest.strip() and any(isinstance(one, dict) for of in lists for one in of)
