"""Accuracy by group: groups are found by a column of the file, and figures are those of their texts alone."""

import dataclasses
import io

import numpy as np
import pytest
from rich.console import Console

from tests.conftest import problem_of
from textdd.config import TrustConfig
from textdd.corpora.corpus import load_corpus
from textdd.corpora.sources import DatasetConfig
from textdd.errors import TextddError
from textdd.evaluation.scoring import score
from textdd.trust.groups import MOST, OTHERS, by_group, groups_of, largest
from textdd.trust.table import groups_table

TOWNS = ("Ulm", "Bonn", "")


@pytest.fixture(scope="module")
def grouped(tmp_path_factory):
    """A corpus whose test file has a column of towns; one text stands in it twice, for different ones."""
    folder = tmp_path_factory.mktemp("grouped")
    for part, count in (("train", 60), ("test", 30)):
        rows = [
            f"{part} word{i % 9} number{i} {'good' if i % 2 else 'bad'},{i % 2},{TOWNS[i % 3]}" for i in range(count)
        ]
        rows += ["both towns say good,1,Ulm", "both towns  say good,1,Bonn"] if part == "test" else []
        (folder / f"{part}.csv").write_text("text,label,town\n" + "\n".join(rows) + "\n")
    dataset = DatasetConfig("grouped", path=str(folder), validation=0.2)
    return load_corpus(dataset, None, folder / "cache", 0), dataset, folder / "cache"


def config_of(cache, **trust):
    config = TrustConfig(artifact="x", cache_dir=str(cache))
    config.trust = dataclasses.replace(config.trust, **trust)
    return config


def test_groups_are_those_of_the_file(grouped):
    corpus, dataset, cache = grouped
    groups = groups_of(corpus.test, dataset, config_of(cache, group="town"))
    assert groups[:30] == [TOWNS[i % 3] or None for i in range(30)]
    assert groups[30:] == [None, None]  # nobody knows which
    found = largest(groups)
    assert list(found) == ["Bonn", "Ulm"]
    assert found["Ulm"].tolist() == list(range(0, 30, 3))


def test_a_test_part_that_was_set_aside_has_its_groups_as_well(tmp_path):
    rows = [f"word{i % 9} number{i},{i % 2},{TOWNS[i % 2]}" for i in range(60)]
    (tmp_path / "all.csv").write_text("text,label,town\n" + "\n".join(rows) + "\n")
    dataset = DatasetConfig("alone", path=str(tmp_path / "all.csv"))
    corpus = load_corpus(dataset, None, tmp_path / "cache", 0)
    groups = groups_of(corpus.test, dataset, config_of(tmp_path / "cache", group="town"))
    assert groups == [TOWNS[number] for number in corpus.test.targets]


def test_the_smallest_groups_are_one():
    groups = [f"g{i:02}" for i in range(MOST + 3) for _ in range(2 if i < MOST else 1)] + [None]
    found = largest(groups)
    assert list(found) == [*(f"g{i:02}" for i in range(MOST)), OTHERS]
    assert found[OTHERS].tolist() == [2 * MOST, 2 * MOST + 1, 2 * MOST + 2]


@pytest.mark.parametrize(
    ("column", "remedy"), [("twon", "Type: trust.group=town"), ("text ", "Type: trust.group=text")]
)
def test_an_unknown_column_says_which_there_are(grouped, column, remedy):
    corpus, dataset, cache = grouped
    with pytest.raises(TextddError, match=remedy):
        groups_of(corpus.test, dataset, config_of(cache, group=column))


def test_a_column_without_values_is_refused(tmp_path):
    rows = [f"word{i % 9} number{i},{i % 2}," for i in range(60)]
    (tmp_path / "all.csv").write_text("text,label,town\n" + "\n".join(rows) + "\n")
    dataset = DatasetConfig("alone", path=str(tmp_path / "all.csv"))
    corpus = load_corpus(dataset, None, tmp_path / "cache", 0)
    with pytest.raises(TextddError, match=r"Type: trust\.group=null"):
        groups_of(corpus.test, dataset, config_of(tmp_path / "cache", group="town"))


def test_figures_of_a_group_are_those_of_its_texts(grouped):
    corpus, dataset, cache = grouped
    problem = problem_of(corpus, cache)
    groups = largest(groups_of(corpus.test, dataset, config_of(cache, group="town")))
    students = {"set": [problem.student.fresh(seed) for seed in range(3)], "random": [problem.student.fresh(9)]}
    found = by_group(students, groups, problem, problem.reader(), 2000)
    assert found["texts"] == {"Bonn": 10, "Ulm": 10}
    for town, rows in groups.items():
        values = score(students["set"], problem.test.at(rows), problem.reader(), problem.validation)["accuracy"].numpy()
        told = found["students"]["set"]["groups"][town]
        assert told["mean"] == pytest.approx(values.mean())
        assert told["std"] == pytest.approx(np.std(values, ddof=1))
    shown = Console(width=100, record=True, file=io.StringIO())
    shown.print(groups_table({"column": "town", **found}))
    printed = shown.export_text()
    assert all(word in printed for word in ("Ulm", "Bonn", "the set", "random texts", "gap", "accuracy"))
    means = [one["mean"] for one in found["students"]["random"]["groups"].values()]
    assert found["students"]["random"]["gap"] == pytest.approx(max(means) - min(means))
    assert by_group(students, groups, problem, problem.reader(), 4)["texts"] == {"Bonn": 4, "Ulm": 4}
