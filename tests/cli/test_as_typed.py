"""Files as people have them, on the command line as it is typed: read, or refused with a command that reads them."""

import re
import shlex
import sys

import pytest

from tests.cli.test_runs import run as in_a_process
from textdd import run

QUICK = ("plan=true", "per_class=1", "trainer=cpu", "trainer.threads=1", "embedding.dimension=8", "model.filters=4")
SHEET = ("dataset.text=Text", "dataset.label=Klasse")
SPAM = ("dataset.text=v2", "dataset.label=v1")
SENTENCE = ("dataset.text=sentence",)
AWKWARD = ("评论 ü.csv", "a=b, 100% {c} [d].csv", "it's #1 $x;(y).csv", "~x@y!&z.csv")
"""Names with signs that mean something to a shell, to Hydra, or to OmegaConf."""


@pytest.fixture
def typed(tmp_path, monkeypatch, capsys):
    """Type a command in this process: its exit status, and what it said."""
    monkeypatch.chdir(tmp_path)

    def type_it(*arguments):
        monkeypatch.setattr(sys, "argv", ["textdd run", *arguments, *QUICK])
        try:
            run.main()
            code = 0
        except SystemExit as ended:
            code = int(ended.code or 0)
        told = capsys.readouterr()
        return code, " ".join((told.out + told.err).split())

    return type_it


def counts(told):
    """How many texts a corpus has, and how many classes, as the program says it."""
    found = re.search(r"(\d+) training, (\d+) validation, (\d+) test texts, (\d+) (?:classes|labels)", told)
    assert found, told
    *texts, classes = map(int, found.groups())
    return sum(texts), classes


@pytest.mark.parametrize(
    ("name", "options", "texts", "classes"),
    [
        ("01_excel_semicolon_cp1252.csv", ("dataset.encoding=cp1252", *SHEET), 120, 2),
        ("01b_excel_semicolon_utf8bom.csv", SHEET, 120, 2),
        ("02_newline_in_quotes.csv", (), 120, 2),
        ("03_polarity", ("dataset.encoding=cp1252",), 120, 2),
        ("03b_folders", ("dataset.on_overlap=keep",), 120, 2),
        ("04_tsv_unquoted.tsv", SENTENCE, 120, 2),
        ("04b_tsv_one_quote.tsv", SENTENCE, 120, 2),
        ("05_lone_cr.csv", (), 120, 2),
        ("07_spam.csv", ("dataset.encoding=latin-1", *SPAM), 120, 2),
        ("08b_pandas_floats_nan.csv", ("dataset.on_missing_label=drop",), 119, 2),
        ("09_array.json", (), 120, 2),
        ("09b_array.jsonl", (), 120, 2),
        ("10_gz.csv.gz", (), 120, 2),
        ("10b_gz.jsonl.gz", (), 120, 2),
        ("11_kaggle/train.csv", ("dataset.label=target",), 120, 2),
        ("13_fasttext.txt", (), 120, 2),
        ("16_jigsaw.csv", ("dataset.text=comment_text", "dataset.labels=[toxic,insult]"), 120, 2),
    ],
)
def test_a_file_is_read_as_it_is_typed(name, options, texts, classes, inputs, typed):
    code, told = typed("dataset=local", f"dataset.path={inputs / name}", *options)
    assert code == 0, told
    assert counts(told) == (texts, classes)


@pytest.mark.parametrize(
    ("name", "options", "said", "texts"),
    [
        ("01_excel_semicolon_cp1252.csv", SHEET, "naja", 120),
        ("07_spam.csv", SPAM, "£500", 120),
        ("03b_folders", (), "All test texts are training texts as well", 60),
        ("03_polarity", (), "it", 120),
        ("08b_pandas_floats_nan.csv", (), "there is no label", 119),
        ("11_kaggle", ("dataset.text=text", "dataset.label=target"), "has no column", 120),
        ("14_rare_class.csv", (), "min_per_class", 120),
    ],
)
def test_what_is_refused_is_read_by_the_command_that_is_told(name, options, said, texts, inputs, typed):
    line = ("dataset=local", f"dataset.path={inputs / name}", *options)
    code, told = typed(*line)
    assert code == 2, told
    assert said in told
    remedy = shlex.split(told.rpartition("Type: ")[2].rstrip("."))
    replaced = {argument.partition("=")[0] for argument in remedy}
    code, told = typed(*(argument for argument in line if argument.partition("=")[0] not in replaced), *remedy)
    assert code == 0, told
    assert counts(told)[0] == texts


def test_names_of_any_sign_are_read_as_they_are_typed(inputs, typed):
    paths = [path for path in (inputs / "15_names").iterdir()]
    assert paths
    for path in paths:
        code, told = typed("dataset=local", f"dataset.path={path}")
        assert code == 0, told
        assert counts(told) == (120, 2)


@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_names_are_read_as_they_are_typed(name, tmp_path, typed):
    rows = [f"{word} number {i},{i % 2}\n" for i, word in enumerate("abcdefgh" * 10)]
    (tmp_path / name).write_text("text,label\n" + "".join(rows))
    code, told = typed("dataset=local", f"dataset.path={name}")
    assert code == 0, told
    assert counts(told) == (80, 2)


@pytest.mark.slow
def test_a_process_reads_an_awkward_name(tmp_path):
    rows = [f"{word} number {i},{i % 2}\n" for i, word in enumerate("abcdefgh" * 10)]
    (tmp_path / AWKWARD[1]).write_text("text,label\n" + "".join(rows))
    _, errors = in_a_process("dataset=local", f"dataset.path={AWKWARD[1]}", *QUICK, folder=tmp_path)
    assert counts(" ".join(errors.split())) == (80, 2)
