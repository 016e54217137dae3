"""Corpora whose targets are texts: how they are read, split and refused."""

import numpy as np
import pandas as pd
import pytest

from textdd.corpora.sources import DatasetConfig, check_config
from textdd.errors import TextddError

ROWS = [{"mr": f"name {i}", "ref": f"{i} is here, {kind}"} for i in range(40) for kind in ("big", "small")]


@pytest.fixture
def path(tmp_path):
    pd.DataFrame(ROWS).to_csv(tmp_path / "texts.csv", index=False)
    return tmp_path / "texts.csv"


def texts(split):
    return split.texts(np.arange(len(split)))


def test_prompts_and_responses_are_the_segments_of_texts(path, load):
    corpus = load(path=str(path), text="mr", target="ref")
    assert (corpus.task.name, corpus.classes, corpus.pair) == ("generation", ["response"], True)
    everything = [text for split in (corpus.train, corpus.validation, corpus.test) for text in texts(split)]
    assert sorted(everything) == sorted((row["mr"], row["ref"]) for row in ROWS)
    assert not corpus.train.strata.any()
    assert "40 prompts" in corpus.remarks[-1]


def test_all_responses_of_a_prompt_are_on_one_side(path, load):
    corpus = load(path=str(path), text="mr", target="ref", validation=0.25)
    sides = [{prompt for prompt, _ in texts(split)} for split in (corpus.train, corpus.validation, corpus.test)]
    assert all(sides)
    assert sum(map(len, sides)) == len(set.union(*sides)) == 40


def test_a_test_file_of_prompts_that_were_trained_on_is_told(path, load, tmp_path):
    pd.DataFrame([{"mr": "name 3", "ref": "something else"}]).to_csv(tmp_path / "test.csv", index=False)
    corpus = load(path=str(path), test_path=str(tmp_path / "test.csv"), text="mr", target="ref")
    assert corpus.overlap == 1


def test_columns_are_joined_to_a_prompt(path, load):
    pd.DataFrame([{**row, "kind": "k"} for row in ROWS]).to_csv(path, index=False)
    corpus = load(path=str(path), text=["mr", "kind"], target="ref")
    assert {prompt.endswith(" k") for prompt, _ in texts(corpus.train)} == {True}


def test_a_row_without_a_response_is_told_or_left_out(path, load):
    pd.DataFrame([*ROWS, {"mr": "name 3", "ref": "  "}]).to_csv(path, index=False)
    with pytest.raises(TextddError, match=r"row 82: there is no response.*dataset\.on_missing_label=drop"):
        load(path=str(path), text="mr", target="ref")
    corpus = load(path=str(path), text="mr", target="ref", on_missing_label="drop")
    assert corpus.remarks[0].endswith("1 of 81 rows without a response left out")


def test_a_column_that_is_not_there_is_told(path, load):
    with pytest.raises(TextddError, match=r"no column 'reff'.*dataset\.target=ref"):
        load(path=str(path), text="mr", target="reff")
    with pytest.raises(TextddError, match=r"to be the text and the response"):
        load(path=str(path), text="mr", target="mr")


@pytest.mark.parametrize(
    ("given", "remedy"),
    [
        ({"labels": "tags"}, "dataset.labels=null"),
        ({"pair": True, "text": ["a", "b"]}, "dataset.pair=false"),
        ({"classes": ["a", "b"]}, r"dataset.classes=\[\]"),
        ({"min_per_class": 3}, "dataset.min_per_class=0"),
    ],
)
def test_what_only_classes_have_is_refused(given, remedy):
    with pytest.raises(TextddError, match=f"Got dataset.target=ref and .*Type: {remedy}"):
        check_config(DatasetConfig(name="local", path="x.csv", target="ref", **given))
