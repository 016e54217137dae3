"""Sets of texts as files: written and read again to the bit, read by `datasets`, and guarded against spreadsheets."""

import csv
import json

import datasets
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from textdd import DistilledSet
from textdd.config import ExportConfig
from textdd.errors import TextddError
from textdd.export import execute
from textdd.sets.exported import as_csv, cell, export, uncelled
from textdd.sets.matrices import MatrixSet
from textdd.sets.texts import ABOUT_A_HUNDRED, TextSet
from textdd.training import Recipe

HARD = torch.eye(2).repeat(2, 1)
SOFT = torch.tensor([[0.9, 0.1], [0.25, 0.75], [0.7, 0.3], [0.0, 1.0]])
SEVERAL = torch.tensor([[1.0, 1.0], [0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
TEXTS = [('=1+1, "q"\nline',), ("'s fine",), ("'=x",), ("über 漢字 | *b*",)]
PAIRS = [(first, f"-{first}") for (first,) in TEXTS]
SUFFIXES = ("parquet", "jsonl", "csv")


def text_set(texts=TEXTS, y=HARD, task="one_class", classes=("=neg", 'a: "p"|os')):
    manifest = {"dataset": "x", "task": task, "classes": list(classes), "per_class": 2, "length": 8, "metrics": {}}
    manifest |= {"student": {"name": "textcnn"}, "distiller": {"name": "herding"}, "embedding": {"name": "corpus"}}
    origins = ["real", "written", "joined", "projected"]
    return TextSet(texts, y, None, ABOUT_A_HUNDRED, {**manifest, "versions": {"textdd": "0"}}, origins=origins)


KINDS = {
    "hard": text_set(),
    "soft": text_set(y=SOFT),
    "pairs": text_set(PAIRS),
    "several labels": text_set(y=SEVERAL, task="several_labels"),
    "soft, several labels": text_set(y=0.1 + 0.8 * SEVERAL, task="several_labels"),
    "numbers for names": text_set(classes=("1", "0")),
}


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("kind", KINDS)
def test_is_read_again_as_it_was(kind, suffix, tmp_path):
    made = KINDS[kind]
    export(made, tmp_path / f"set.{suffix}")
    again = DistilledSet.load(tmp_path / f"set.{suffix}")
    assert isinstance(again, TextSet)
    assert again.texts == made.texts
    assert torch.equal(again.text_labels, made.text_labels)
    assert (again.classes, again.task, again.origins) == (made.classes, made.task, made.origins)
    again.save(tmp_path / "artefact")
    assert DistilledSet.load(tmp_path / "artefact").origins == made.origins


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("kind", ["soft", "several labels", "numbers for names"])
def test_is_a_data_set_of_the_hub(kind, suffix, tmp_path):
    made, folder = KINDS[kind], tmp_path / "shared"
    export(made, folder / f"set.{suffix}")
    builder = {"jsonl": "json"}.get(suffix, suffix)
    bare = datasets.load_dataset(builder, data_files=str(folder / f"set.{suffix}"), cache_dir=str(tmp_path / "c"))
    assert bare["train"].num_rows == 4
    loaded = datasets.load_dataset(str(folder), split="train", cache_dir=str(tmp_path / "c"))
    assert loaded.column_names == list(made.rows()[0])
    if kind == "several labels":
        wanted = [[i for i in range(2) if row[i]] for row in SEVERAL.tolist()]
        named = [[made.classes[i] for i in row] for row in wanted]
        assert [json.loads(row) if suffix == "csv" else row for row in loaded["labels"]] == (
            named if suffix == "csv" else wanted
        )
        return
    if kind == "numbers for names" and suffix == "csv":  # they would be taken for the numbers of classes
        assert loaded["label"][:] == ["1", "0", "1", "0"]
        return
    written = made.classes if suffix != "csv" else [cell(name) for name in made.classes]
    assert loaded.features["label"] == datasets.ClassLabel(names=written)
    assert loaded["label"][:] == [0, 1, 0, 1]
    if kind == "soft":
        rows = [json.loads(row) if suffix == "csv" else row for row in loaded["probabilities"]]
        assert torch.equal(torch.tensor(rows), SOFT)


@given(st.text("'=+-@\t\r\na "))
def test_no_cell_is_a_formula_and_none_is_lost(text):
    assert not cell(text).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert uncelled(cell(text)) == text


def test_a_spreadsheet_computes_nothing():
    rows = list(csv.reader(as_csv(text_set().rows()).decode().splitlines()))
    assert not any(found.startswith(("=", "+", "-", "@")) for row in rows for found in row)


def test_card_holds_names_and_texts_as_text(tmp_path):
    export(text_set(), tmp_path / "set.csv")
    card = (tmp_path / "README.md").read_text()
    assert r"one of =neg, a: \"p\"\|os" not in card
    assert 'one of =neg, a: "p"\\|os.' in card
    assert "über 漢字 \\| \\*b\\*" in card
    export(text_set(), tmp_path / "set.jsonl")  # a card of ours is written anew
    assert "path: set.jsonl" in (tmp_path / "README.md").read_text()


def matrices():
    return MatrixSet(torch.rand(2, 3, 4), torch.eye(2), None, Recipe(steps=2), None, text_set().manifest)


REFUSED = {
    "suffix": (lambda d: export(text_set(), d / "set.txt"), r"'\.txt'.*Allowed.*\.csv.*Type: to=.*set\.parquet"),
    "matrices": (lambda d: export(matrices(), d / "set.csv"), "matrices of numbers.*Type: textdd run dataset=x"),
    "a README of one's own": (
        lambda d: ((d / "README.md").write_text("# Mine\n"), export(text_set(), d / "set.csv")),
        r"README\.md is not one that textdd wrote.*Type: to=.*set/set\.csv",
    ),
    "no set": (lambda d: execute(ExportConfig(str(d), str(d / "set.csv"))), "is not a textdd artefact"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refuses(case, tmp_path):
    act, message = REFUSED[case]
    with pytest.raises(TextddError, match=message):
        act(tmp_path)


def test_command(tmp_path):
    text_set().save(tmp_path / "artefact")
    parquet = execute(ExportConfig(str(tmp_path / "artefact"), str(tmp_path / "a" / "set.parquet")))
    jsonl = execute(ExportConfig(str(parquet), str(tmp_path / "b" / "set.jsonl")))
    assert [json.loads(line)["text"] for line in jsonl.read_text().splitlines()] == [text for (text,) in TEXTS]
