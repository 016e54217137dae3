"""Tables on disk (csv, tsv, jsonl, parquet, arrow), read in batches and never whole."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet

from textdd.corpora.content import content_hash
from textdd.corpora.dialect import is_quoted
from textdd.errors import TextddError
from textdd.progress import say

SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet", ".arrow")
# Some 10 to 20 thousand texts at a time. It is also the longest row that csv and jsonl may have.
BLOCK_BYTES = 4 << 20
BATCH_ROWS = 10_000


@dataclass(frozen=True)
class TableFile:
    """A file with one text per row and named columns.

    Attributes:
        path: the file; its suffix is one of `SUFFIXES`.
        label_names: what its integer labels stand for, in order, where a `classes.txt` says so.
        names: of csv and tsv, what the columns are called where the file has no header; () reads its first row.
        quoted: of csv and tsv, whether cells may stand in quotation marks.
    """

    path: Path
    label_names: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    quoted: bool = True
    first_label = 0

    @property
    def name(self) -> str:
        """What messages call this file."""
        return str(self.path)

    @property
    def first_row(self) -> int:
        """The number of the first row, as a spreadsheet counts it: after the header, where there is one."""
        return 2 if self.path.suffix in (".csv", ".tsv") and not self.names else 1

    def fingerprint(self, cache_dir: Path) -> str:
        """Hash what the file holds; of a file that was not touched since, the hash is remembered."""
        with _readable(self.path):
            return f"{content_hash(self.path, cache_dir)} {self.names} {self.quoted}"

    def columns(self) -> list[str]:
        """Name the columns without reading the rows."""
        with _readable(self.path):
            match self.path.suffix:
                case ".csv" | ".tsv":
                    return list(self.names) or first_row(self.path, self.quoted)
                case ".jsonl":
                    with _open_json(self.path) as reader:
                        return list(reader.schema.names)
                case ".parquet":
                    return list(pa.parquet.read_schema(self.path).names)
                case _:
                    with _open_arrow(self.path) as reader:
                        return list(reader.schema.names)

    def batches(self, columns: list[str]) -> Iterator[pa.Table]:
        """Yield the rows in order, some ten thousand at a time.

        Args:
            columns: the columns to read; each must be one of `columns()`.

        Raises:
            TextddError: the file is damaged, or is not what its suffix says.
        """
        with _readable(self.path):
            match self.path.suffix:
                case ".csv" | ".tsv":
                    names = list(self.names) or None
                    yield from read_csv(self.path, names=names, columns=columns, quoted=self.quoted)
                case ".jsonl":
                    with _open_json(self.path) as reader:
                        for batch in reader:
                            yield pa.Table.from_batches([batch]).select(columns)
                case ".parquet":
                    with pa.parquet.ParquetFile(self.path, memory_map=True) as file:
                        for batch in file.iter_batches(BATCH_ROWS, columns=columns):
                            yield pa.Table.from_batches([batch]).select(columns)
                case _:
                    with _open_arrow(self.path) as reader:
                        for batch in _arrow_batches(reader):
                            yield pa.Table.from_batches([batch]).select(columns)


@dataclass(frozen=True)
class ZhangFile(TableFile):
    r"""A csv in the form of Zhang et al. (2015), who published ag_news, dbpedia, yelp and others in it.

    No header; the first cell is the class counted from one, the others (title, body, ...) are text. A line
    break inside a text is written as a backslash and an n, and in ag_news as a lone backslash.
    The cells after the first are joined here, so that the file looks like one with columns label and text.
    """

    first_label = 1
    first_row = 1

    @cached_property
    def _names(self) -> list[str]:
        return ["label", *(f"text {i}" for i in range(1, len(first_row(self.path))))]

    def columns(self) -> list[str]:
        """Name the two columns that this form is read as."""
        return ["label", "text"]

    def batches(self, columns: list[str]) -> Iterator[pa.Table]:
        """Yield the rows in order with the text cells joined by a space and line breaks made spaces."""
        with _readable(self.path):
            for table in read_csv(self.path, names=self._names, columns=self._names):
                label, *cells = table.columns
                text = pc.binary_join_element_wise(*cells, " ")
                text = pc.replace_substring(pc.replace_substring(text, "\\n", " "), "\\", " ")
                yield pa.table({"label": label, "text": text}).select(columns)


def open_table(
    path: Path, label_names: tuple[str, ...] = (), names: Sequence[str] = (), quoting: str = "auto"
) -> TableFile:
    """Open a file as what its suffix and, for csv, its first row say it is.

    Args:
        path: the file.
        label_names: what integer labels stand for, in order, where known.
        names: of csv and tsv, what the columns are called where the file has no header.
        quoting: of csv and tsv, what quotation marks mean.

    Raises:
        TextddError: no such file, an unknown suffix, or nothing that can be read in it.
    """
    if path.suffix not in SUFFIXES:
        raise TextddError(
            f"{path} has the suffix {path.suffix!r}. Allowed: {', '.join(SUFFIXES)} "
            "(csv and tsv with a header, or as published by Zhang et al.; jsonl with one object per line)."
        )
    if not path.is_file():
        raise TextddError(f"{path}: there is no such file.")
    if path.suffix in (".csv", ".tsv"):
        with _readable(path):
            quoted = is_quoted(path, _delimiter(path), quoting)
        if not quoted and quoting == "auto":
            say(f"{path}: quotation marks are read as signs of the texts; dataset.quoting=minimal reads them otherwise")
        cells = first_row(path, quoted)
        if names:
            if len(cells) != len(names):
                raise TextddError(
                    f"Got dataset.columns=[{','.join(names)}], and {path} has {len(cells)} columns in its first row: "
                    f"{', '.join(repr(cell[:30]) for cell in cells[:9])}. Name each of them, in their order"
                )
            return TableFile(path, label_names, tuple(names), quoted)
        if len(cells) > 1 and cells[0].strip().isdecimal():
            return ZhangFile(path, label_names)
        return TableFile(path, label_names, quoted=quoted)
    return TableFile(path, label_names)


class Plain(csv.excel):
    """Cells in which quotation marks are signs like any other."""

    quoting = csv.QUOTE_NONE


def first_row(path: Path, quoted: bool = True) -> list[str]:
    """Read the cells of the first row of a csv or tsv file: its header, where it has one."""
    with _readable(path), path.open(encoding="utf-8-sig", newline="") as file:
        delimiter, kind = _delimiter(path), csv.excel if quoted else Plain
        cells = next(csv.reader(file, kind, delimiter=delimiter), None)
    if not cells:
        raise TextddError(f"{path} is empty. It needs a header row such as label,text and one row per text.")
    return cells


def read_csv(path: Path, names: list[str] | None, columns: list[str], quoted: bool = True) -> Iterator[pa.Table]:
    """Stream a csv or tsv file with every cell kept as text (a text may well be "NA" or "007").

    Args:
        path: the file.
        names: the column names of a file without a header; None reads them from its first row.
        columns: the columns to keep.
        quoted: whether cells may stand in quotation marks.
    """
    with pa.csv.open_csv(
        path,
        pa.csv.ReadOptions(block_size=BLOCK_BYTES, column_names=names, use_threads=False),
        pa.csv.ParseOptions(delimiter=_delimiter(path), quote_char='"' if quoted else False, newlines_in_values=quoted),
        pa.csv.ConvertOptions(include_columns=columns, column_types={name: pa.string() for name in columns}),
    ) as reader:
        for batch in reader:
            yield pa.Table.from_batches([batch])


def _delimiter(path: Path) -> str:
    return "\t" if path.suffix == ".tsv" else ","


def _open_json(path: Path) -> pa.RecordBatchReader:
    return pa.json.open_json(
        path,
        pa.json.ReadOptions(block_size=BLOCK_BYTES, use_threads=False),
        pa.json.ParseOptions(unexpected_field_behavior="ignore"),
    )


def _open_arrow(path: Path) -> pa.ipc.RecordBatchFileReader | pa.ipc.RecordBatchStreamReader:
    # `datasets` writes the stream form of Arrow, most other programs write the file form.
    source = pa.memory_map(str(path))
    try:
        return pa.ipc.open_file(source)
    except pa.ArrowInvalid:
        source.seek(0)
        return pa.ipc.open_stream(source)


def _arrow_batches(
    reader: pa.ipc.RecordBatchFileReader | pa.ipc.RecordBatchStreamReader,
) -> Iterator[pa.RecordBatch]:
    if isinstance(reader, pa.ipc.RecordBatchStreamReader):
        yield from reader
    else:
        yield from (reader.get_batch(i) for i in range(reader.num_record_batches))


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError, csv.Error) as error:
        hint = " Texts must be UTF-8: iconv -f latin1 -t utf-8 converts." if "utf" in str(error).lower() else ""
        raise TextddError(f"{path} cannot be read as {path.suffix}: {error}.{hint}") from error
