"""Columns, texts and labels are checked; every message says where the mistake is and what to type."""

from __future__ import annotations

from pathlib import Path

import pytest

from textdd.errors import TextddError
from textdd.typed import typed


@pytest.fixture
def write(tmp_path: Path):
    def write(rows: str, header: str = "label,text", name: str = "mine.csv") -> str:
        path = tmp_path / name
        path.write_text("\n".join([header, *rows.split("|")]) + "\n", encoding="utf-8")
        return str(path)

    return write


GOOD = "0,a b|1,c d|0,e f|1,g h|0,i j|1,k l|0,m n|1,o p"


def test_names_found_in_the_data_are_sorted(write, load):
    corpus = load(path=write("ham,a|spam,b|ham,c|spam,d|ham,e|spam,f"))
    assert corpus.classes == ["ham", "spam"]


def test_integers_found_in_the_data_are_names_in_order_of_value(write, load):
    corpus = load(path=write("|".join(f"{label},w" for label in (2, 10, 7) * 4)))
    assert corpus.classes == ["2", "7", "10"]
    assert corpus.train_rows == 12 - len(corpus.test)


def test_several_text_columns_are_joined_and_missing_cells_are_empty(write, load):
    path = write('x,Title,"body, text"|y,,only body|x,only title,', header="kind,title,body")
    config = {
        "path": path,
        "test_path": path,
        "text": ["title", "body"],
        "label": "kind",
        "classes": ["x", "y"],
    }
    with pytest.raises(TextddError, match="Class 'y' has 1 training text"):
        load(**config)
    path = write('x,Title,"body, text"|y,,only body|x,only title,|y,a,b', header="kind,title,body")
    corpus = load(**{**config, "path": path, "test_path": path})
    assert corpus.test.texts([0, 1, 2]) == [("Title body, text",), ("only body",), ("only title",)]


def test_one_text_column_may_be_named_alone_or_as_a_list(write, load):
    path = write(GOOD, header="label,body")
    one, listed = (load(path=path, test_path=path, text=text) for text in ("body", ["body"]))
    assert one.key == listed.key
    assert one.test.texts([0, 1]) == [("a b",), ("c d",)]


@pytest.mark.parametrize("row", ["0,,there", "0,there, "])
def test_a_pair_with_an_empty_segment_is_an_error_or_dropped(row, write, load):
    path = write(f"{row}|" + "|".join(f"{i % 2},a{i},b{i}" for i in range(8)), header="label,one,two")
    config = {"path": path, "test_path": path, "text": ["one", "two"], "pair": True}
    with pytest.raises(TextddError, match=r"row 2: the text is empty.*dataset\.on_empty=drop"):
        load(**config)
    corpus = load(**config, on_empty="drop")
    assert corpus.test.texts([0]) == [("a0", "b0")]
    assert f"{path}: 1 of 9 rows with an empty text left out" in corpus.remarks


def test_a_missing_column_lists_those_found_and_what_to_type(write, load):
    with pytest.raises(TextddError, match=r"no column 'text'.*content, label.*dataset\.text=content"):
        load(path=write("0,a|1,b", header="label,content"))
    with pytest.raises(TextddError, match=r"no column 'label'.*dataset\.label=labels"):
        load(path=write("0,a|1,b", header="labels,text"))


@pytest.mark.parametrize(
    ("config", "remedy"),
    [
        ({"text": ["othr", "body"]}, {"text": ["other", "body"]}),
        ({"text": ["body", "othr"], "pair": True}, {"text": ["body", "other"]}),
        ({"text": "body", "labels": ["label", "redd"]}, {"labels": ["label", "red"]}),
        ({"text": "body", "labels": "reds"}, {"labels": "red"}),
    ],
    ids=["joined texts", "pair", "column per label", "list of labels"],
)
def test_what_a_missing_column_s_message_says_works_when_typed(config, remedy, write, load):
    path = write("|".join(f"{i % 2},{i % 3 % 2},w{i},v" for i in range(12)), header="label,red,body,other")
    (option, columns), *_ = remedy.items()
    with pytest.raises(TextddError, match="has no column") as caught:
        load(path=path, **config)
    assert str(caught.value).endswith(f"Type for instance: {typed(f'dataset.{option}', columns)}")
    assert load(path=path, **config | remedy).train_rows > 0


@pytest.mark.parametrize(
    ("config", "missing"),
    [
        ({"text": ["premise", "hypothesis"], "pair": True}, "premise"),
        ({"labels": "tags"}, "tags"),
        ({"labels": ["red", "blue"]}, "red"),
    ],
    ids=["pair", "list of labels", "column per label"],
)
def test_a_plain_table_stands_in_for_single_texts_of_one_class_alone(config, missing, write, load, tmp_path):
    for part in ("train", "test"):
        write(GOOD, name=f"{part}.csv")
    place = {"data_dir": tmp_path.parent, "name": tmp_path.name, "hub": "some/corpus"}
    assert load(**place, text="title", label="kind").train_rows == 8
    with pytest.raises(TextddError, match=f"no column '{missing}'"):
        load(**place, **config)


@pytest.mark.parametrize("cell", ["", "   ", '" "'])
def test_an_empty_text_is_an_error_or_dropped(cell, write, load):
    path = write(f"{GOOD}|1,{cell}|0,last")
    with pytest.raises(TextddError, match=r"mine\.csv, row 10: the text is empty.*dataset\.on_empty=drop"):
        load(path=path)
    corpus = load(path=path, test_path=path, on_empty="drop")
    assert corpus.train_rows == 9
    assert corpus.remarks[:2] == (f"{path}: 1 of 10 rows with an empty text left out",) * 2


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("2", "the label is '2'. Allowed: the integers 0 to 1, the names"),
        ("blue", "the label is 'blue'. Allowed: the integers 0 to 1, the names"),
        ("--1", "the label is '--1'. Allowed"),
        ("9" * 5_000, "the label is '9999"),
        ("", "there is no label. .*dataset.on_missing_label=drop"),
        ("nan", "there is no label. .*dataset.on_missing_label=drop"),
        ("-1", r"the label is '-1'.*drop.*'dataset\.classes=\[-1,red,green\]'"),
    ],
)
def test_a_label_that_is_no_class_is_told_with_its_row(label, message, write, load):
    with pytest.raises(TextddError, match=rf"mine\.csv, row 10: {message}") as caught:
        load(path=write(f"{GOOD}|{label},x"), classes=["red", "green"])
    assert len(str(caught.value)) < 500


def test_labels_of_zhang_are_counted_from_one_in_messages(write, load):
    with pytest.raises(TextddError, match=r"row 3: the label is '0'.*integers 1 to 2"):
        load(path=write('"2","c"|"0","e"', header='"1","a"'), classes=["red", "green"])


def test_a_class_without_training_text_is_named(write, load):
    with pytest.raises(TextddError, match=r"class 'blue' has no training text.*dataset\.min_per_class=1"):
        load(path=write(GOOD), classes=["red", "green", "blue"])
    assert load(path=write(GOOD), classes=["red", "green", "blue"], min_per_class=1).classes == ["red", "green"]


def test_a_class_with_one_text_cannot_be_split(write, load):
    with pytest.raises(TextddError, match="Class 'rare' has 1 training text"):
        load(path=write("a,x|a,x|a,x|rare,y"))


def test_texts_in_the_label_column_are_noticed(write, load):
    with pytest.raises(TextddError, match=r"more than 1000 different values.*dataset\.label=NAME"):
        load(path=write("|".join(f"label {i},x" for i in range(1001))))
    with pytest.raises(TextddError, match="only \\['a'\\]"):
        load(path=write("a,x|a,y"))


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"on_empty": "skip"}, r"Got dataset\.on_empty=skip\. Allowed: error or drop"),
        ({"validation": 0.0}, r"Got dataset\.validation=0\. Allowed: a number above 0 and below 1"),
        ({"test_fraction": 1.0}, r"Got dataset\.test_fraction=1\. Allowed: a number above 0 and below 1"),
        ({"length": 0}, r"Got dataset\.length=0\. Allowed: a whole number from 1 to 512, or auto"),
        ({"vocabulary": 2}, r"Got dataset\.vocabulary=2\. Allowed: a whole number from 3"),
        ({"classes": ["a", "a"]}, "two different names"),
        ({"text": []}, r"Got dataset\.text=\[\]\. Allowed: "),
    ],
)
def test_values_out_of_range_are_told_before_anything_is_read(option, message, load):
    with pytest.raises(TextddError, match=message):
        load(path="/nowhere.csv", **option)
