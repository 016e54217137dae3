"""Files of texts from elsewhere as sets: columns guessed and said, classes in turn, faults told."""

import json

import pytest
import torch

from tests.sets.test_exported import SOFT, text_set
from textdd import DistilledSet
from textdd.errors import TextddError
from textdd.sets.exported import export

PAIR = [{"premise": "a b", "hypothesis": "c", "label": 1}, {"premise": "d", "hypothesis": "e", "label": 0}]
GOOD = {
    "DiLM": ([{"sentence": f"s{i}", "labels": int(i > 1)} for i in range(4)], ["0", "1"], ["s0", "s2", "s1", "s3"]),
    "names": ([{"text": f"t{c}", "class": c} for c in "bab"], ["a", "b"], ["ta", "tb", "tb"]),
    "another text column": ([{"headline": f"h{c}", "label": c} for c in "ab"], ["a", "b"], ["ha", "hb"]),
    "pairs": (PAIR, ["0", "1"], ["d / e", "a b / c"]),
    "lists": ([{"text": "x", "labels": ["b", "a"]}, {"text": "y", "labels": []}], ["a", "b"], ["x", "y"]),
}


def lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize("case", GOOD)
def test_reads_tables_from_elsewhere(case, tmp_path, capsys):
    rows, classes, texts = GOOD[case]
    loaded = DistilledSet.load(lines(tmp_path / "set.jsonl", rows))
    assert loaded.classes == classes
    assert loaded.read() == texts
    assert set(loaded.origins) == {"unknown"}
    assert "labels from" in capsys.readouterr().err


def test_dilm(real_data):
    loaded = DistilledSet.load(real_data / "dilm_sst2" / "dpc_5" / "dataset_0.jsonl")
    assert (len(loaded), loaded.classes, loaded.manifest["per_class"]) == (10, ["0", "1"], 5)
    assert torch.equal(loaded.text_labels, torch.eye(2).repeat(5, 1))
    assert loaded.texts[1] == ("is a wonderous accomplishment of veracity and narrative grace.",)


OK = {"text": "x", "label": "a"}
BAD = {
    "no label column": ([{"text": "x", "colour": "a", "size": 1}], r"none that is known to hold labels.*label, labels"),
    "no text column": ([{"words": "x", "label": "a", "size": 1}], "none that is known to hold texts"),
    "empty text": ([OK, {"text": " ", "label": "b"}], r"row 2: there is no text\. Mend"),
    "no label": ([OK, {"text": "y", "label": None}], "row 2: there is no label"),
    "one class": ([OK], "2 to 1000 classes are allowed"),
    "origin": ([{**OK, "origin": "stolen"}, {**OK, "label": "b", "origin": "real"}], "origin 'stolen'. Allowed: real"),
    "numbers": ([{**OK, "probabilities": [2.0, -1.0]}, {**OK, "label": "b", "probabilities": [0, 1]}], "0 to 1, sum 1"),
    "too few": ([{**OK, "probabilities": [1.0]}, {**OK, "label": "b", "probabilities": [1.0]}], "hold 2 numbers"),
}


@pytest.mark.parametrize("case", BAD)
def test_says_what_is_wrong(case, tmp_path):
    rows, message = BAD[case]
    with pytest.raises(TextddError, match=message):
        DistilledSet.load(lines(tmp_path / "set.jsonl", rows))


def test_shades_without_their_card_are_in_an_order_that_is_not_known(tmp_path):
    export(text_set(y=SOFT, classes=("z", "a")), tmp_path / "set.jsonl")
    assert DistilledSet.load(tmp_path / "set.jsonl").classes == ["z", "a"]
    (tmp_path / "README.md").unlink()
    with pytest.raises(TextddError, match=r"another order.*README\.md"):
        DistilledSet.load(tmp_path / "set.jsonl")


def test_a_damaged_card_is_told(tmp_path):
    export(text_set(), tmp_path / "set.jsonl")
    (tmp_path / "README.md").write_text("---\ntags:\n- textdd\n---\n")
    with pytest.raises(TextddError, match=r"README\.md is damaged"):
        DistilledSet.load(tmp_path / "set.jsonl")


def test_there_is_no_such_file(tmp_path):
    with pytest.raises(TextddError, match="there is no such file"):
        DistilledSet.load(tmp_path / "set.jsonl")


def test_labels_are_matched_with_those_of_a_corpus(tmp_path):
    rows = [{"text": f"{name}{i}", "label": name} for name in ("neg", "pos") for i in range(2)]
    named = DistilledSet.load(lines(tmp_path / "a.jsonl", rows)).for_classes(["pos", "neg"], "films")
    assert named.read() == ["pos0", "neg0", "pos1", "neg1"]  # row m is of class m mod C of the corpus
    assert torch.equal(named.text_labels, torch.eye(2).repeat(2, 1))
    numbered = lines(tmp_path / "b.jsonl", [{"text": "x", "label": 1}, {"text": "y", "label": 2}])
    one = DistilledSet.load(numbered).for_classes(["a", "b", "c"], "films")
    assert one.text_labels.tolist() == [[0, 1, 0], [0, 0, 1]]
    with pytest.raises(TextddError, match=r"are 1, 2; those of films are the integers 0 to 1 or the names pos, neg"):
        DistilledSet.load(numbered).for_classes(["pos", "neg"], "films")
