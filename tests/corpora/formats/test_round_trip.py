"""Whatever is written as csv or json is read back: no row is lost, and no sign of a text is another."""

import contextlib
import csv
import io
import json
import re

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from textdd.corpora.files import open_table
from textdd.corpora.formats.dialect import survey_of
from textdd.corpora.formats.json_lines import JsonLines
from textdd.errors import TextddError

few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
words = st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters='",;\t\n\r|'), max_size=12)
rows = st.lists(st.tuples(words, st.sampled_from(["a", "b c", 'd"e', "f,g"])), min_size=1, max_size=6)


def read(path):
    return pa.concat_tables(open_table(path).batches(["text", "label"])).to_pylist()


@few
@given(
    rows, st.sampled_from(",;\t|"), st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]), st.sampled_from(["\n", "\r\n"])
)
def test_csv(tmp_path, found, separator, quoting, end):
    if quoting == csv.QUOTE_MINIMAL:  # Python leaves lone carriage returns bare, and those are read as blanks
        found = [(text.replace("\r", ""), label) for text, label in found]
    sink = io.StringIO()
    writer = csv.writer(sink, delimiter=separator, quoting=quoting, lineterminator=end)
    writer.writerows([("text", "label"), *found])
    path = tmp_path / ("t.tsv" if separator == "\t" else "t.csv")
    path.write_bytes(sink.getvalue().encode())
    assert [(row["text"], row["label"]) for row in read(path)] == found


@few
@given(rows, st.sampled_from(["lines", "array", "pretty", "key"]), st.booleans())
def test_json(tmp_path, found, form, plain):
    records = [{"label": label, "text": text} for text, label in found]
    write = lambda value, indent=None: json.dumps(value, indent=indent, ensure_ascii=plain)  # noqa: E731
    content = {
        "lines": lambda: "\n".join(map(write, records)),
        "array": lambda: write(records),
        "pretty": lambda: write(records, 1),
        "key": lambda: write({"n": 1, "data": records, "more": {"a": []}}),
    }[form]()
    (tmp_path / "t.json").write_text(content, encoding="utf-8")
    assert read(tmp_path / "t.json") == [{"text": text, "label": label} for text, label in found]


@few
@given(rows)
def test_both_ways_to_read_lines_agree(tmp_path, found):
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in found))
    slow = [(record["text"], record["label"]) for record in JsonLines(path)._records()]
    assert slow == [(row["text"], row["label"]) for row in read(path)] == found


@few
@given(st.text('",\n\rab', max_size=40), st.integers(1, 7))
def test_a_survey_does_not_depend_on_blocks(text, size):
    data = text.encode()
    blocks = [data[i : i + size] for i in range(0, len(data), size)]
    survey = survey_of(blocks, ",")
    assert survey == survey_of([data] if data else [], ",")
    assert (survey.marks, survey.lines) == (text.count('"'), text.count("\n"))
    outside = re.sub('"[^"]*("|$)', lambda found: "x" * len(found[0]), text)
    assert survey.returns == len(re.findall("\r(?!\n|$)", outside))


@few
@given(st.binary(max_size=60), st.sampled_from(["csv", "tsv", "json", "jsonl", "txt", "parquet", "arrow", "csv.gz"]))
def test_nothing_but_our_error_is_raised(tmp_path, content, suffix):
    start = {"parquet": b"PAR1", "arrow": b"ARROW1\0\0", "csv.gz": b"\x1f\x8b\x08", "json": b"[", "jsonl": b'{"a":'}
    path = tmp_path / f"t.{suffix}"
    path.write_bytes(start.get(suffix, b"") + content)
    with contextlib.suppress(TextddError):
        file = open_table(path)
        for table in file.batches(file.columns()):
            table.validate(full=True)
