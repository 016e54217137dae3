"""Files of texts: csv, tsv, jsonl and parquet."""

import json

import pyarrow as pa
import pyarrow.parquet as pq

from tests.fuzz.mutate import altered, damaged
from textdd.corpora.corpus import load_corpus
from textdd.corpora.sources import DatasetConfig

ROWS = [
    {"text": f"{word} number {i}", "label": ("good", "bad", "so, so")[i % 3]} for i, word in enumerate("abcdefghi" * 5)
]


def csv_of(separator):
    quoted = (separator.join(f'"{value}"' for value in row.values()) for row in ROWS)
    return "\n".join([separator.join(("text", "label")), *quoted, ""]).encode()


def jsonl(rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def parquet(draw):
    table = pa.Table.from_pylist(ROWS)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression=draw.choice(("none", "snappy", "zstd")))
    return sink.getvalue().to_pybytes()


def maker(kind):
    """What makes a damaged file of a kind."""

    def make(folder, seeds, draw):
        del seeds
        match kind:
            case "jsonl" if draw.random() < 0.5:
                rows = altered(ROWS, draw)
                content = jsonl(rows if isinstance(rows, list) else [rows])
            case "jsonl":
                content = damaged(jsonl(ROWS), draw)
            case "parquet":
                content = damaged(parquet(draw), draw)
            case _:
                content = damaged(csv_of("," if kind == "csv" else "\t"), draw)
        (folder / f"texts.{kind}").write_bytes(content)

    return make


def run(folder):
    """Read the corpus."""
    (path,) = folder.iterdir()
    corpus = load_corpus(DatasetConfig("local", path=str(path)), None, folder / "cache", 0)
    assert len(corpus.classes) >= 2
    assert min(len(corpus.train), len(corpus.test)) > 0
