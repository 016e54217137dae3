"""Sets of every form are found, measured and known again; baselines are as large as they have to be."""

import json

import datasets
import numpy as np
import pandas as pd
import pytest
import torch

from textdd.errors import TextddError
from textdd.scoring.baselines import EQUAL, at_random, picked
from textdd.scoring.dropping import thinned, without_positions, without_words
from textdd.scoring.fingerprint import fingerprint
from textdd.scoring.given import from_python, sets_at
from textdd.scoring.overlap import overlap_of
from textdd.scoring.size import Size, lengths, size_of
from textdd.seeds import numpy_generator
from textdd.sets.exported import export
from textdd.sets.training_set import TrainingSet

ROWS = [{"sentence": "a fine film", "labels": 1}, {"sentence": "poor stuff , all of it", "labels": 0}]


def write(path, rows=ROWS):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_one_set_is_the_same_in_every_form(tmp_path):
    frame = pd.DataFrame(ROWS)
    frame.to_csv(tmp_path / "set.csv", index=False)
    frame.to_parquet(tmp_path / "set.parquet")
    datasets.Dataset.from_list(ROWS).save_to_disk(tmp_path / "saved")
    jsonl = write(tmp_path / "set.jsonl")
    (one,) = sets_at(jsonl, 0)
    one.distilled.save(tmp_path / "runs" / "mine" / "artifact")
    export(one.distilled, tmp_path / "out" / "set.csv")
    places = [tmp_path / name for name in ("set.csv", "set.parquet", "saved", "runs/mine", "runs/mine/artifact", "out")]
    found = [given for place in places for given in sets_at(place, 0)]
    assert len(found) == len(places)
    assert {given.sha256 for given in found} == {one.sha256}
    assert sets_at(tmp_path / "runs", 0)[0].name == "mine"
    data = datasets.Dataset.from_list(ROWS)
    python = from_python([data, datasets.DatasetDict(train=data), frame, one.distilled, str(jsonl)], tmp_path / "cache")
    assert {given.sha256 for given in python} == {one.sha256}


def test_a_folder_is_a_method_in_the_order_of_its_names(tmp_path):
    for number in (10, 2, 0):
        write(
            tmp_path / f"dataset_{number}.jsonl", [{**row, "sentence": f"{row['sentence']} {number}"} for row in ROWS]
        )
    assert [given.name for given in sets_at(tmp_path, 0)] == ["dataset_0", "dataset_2", "dataset_10"]
    assert [given.name for given in sets_at(tmp_path, 2)] == ["dataset_0", "dataset_2"]
    write(tmp_path / "dataset_11.jsonl", ROWS * 2)
    with pytest.raises(TextddError, match=r"dataset_0 and dataset_11 are no sets of one method: examples 2 and 4"):
        sets_at(tmp_path, 0)


@pytest.mark.parametrize(("name", "message"), [("nowhere", "there is no such file"), ("empty", "holds no set")])
def test_places_without_sets_are_told(tmp_path, name, message):
    (tmp_path / "empty").mkdir()
    with pytest.raises(TextddError, match=message):
        sets_at(tmp_path / name, 0)
    with pytest.raises(TextddError, match="Got no set"):
        from_python([], tmp_path)


def test_a_set_is_another_one_with_other_labels_or_words(tmp_path):
    (one,) = sets_at(write(tmp_path / "a.jsonl"), 0)
    (other,) = sets_at(write(tmp_path / "b.jsonl", [ROWS[0], {**ROWS[1], "sentence": "poor stuff"}]), 0)
    swapped = [{**row, "labels": 1 - row["labels"]} for row in ROWS]
    (third,) = sets_at(write(tmp_path / "c.jsonl", swapped), 0)
    assert len({fingerprint(given.distilled) for given in (one, other, third)}) == 3
    assert size_of(one.distilled) == Size(2, 1, 9, len("a fine film") + len("poor stuff , all of it") + 2)


def test_baselines_are_as_large_as_asked(problem):
    reader = problem.reader()
    size = Size(texts=6, per_class=2, tokens=400, bytes=3000)
    count, tokens, size_in_bytes = (at_random(equal, problem, size, 0, 1) for equal in ("count", "tokens", "bytes"))
    assert len(count) == 6
    assert count.text_labels.argmax(1).tolist() == [0, 1, 2] * 2
    assert tokens.texts[:6] == count.texts
    per_round = lengths(tokens.texts).reshape(-1, 3).sum(1)
    assert abs(per_round.sum() - 400) <= abs(per_round[:-1].sum() - 400)
    assert abs(sum(size_in_bytes.stored_bytes().values()) - 3000) < 3000 / 4
    assert count.texts != at_random("count", problem, size, 0, 2).texts
    herding = picked("herding", problem, reader, size, 0, 0)
    assert herding.text_labels.sum(0).tolist() == [2, 2, 2]
    assert not set(count.texts) & set(problem.corpus.test.texts(np.arange(len(problem.corpus.test))))


@pytest.mark.parametrize("name", ["several_labels", "pairs"])
def test_baselines_and_words_left_out_know_other_tasks(name, request):
    problem = request.getfixturevalue(name)
    size = Size(texts=6, per_class=2, tokens=150, bytes=900)
    drawn = [at_random(equal, problem, size, 0, 0) for equal in EQUAL]
    for chosen in (*drawn, picked("herding", problem, problem.reader(), size, 0, 0)):
        assert {len(text) for text in chosen.texts} == {2 if name == "pairs" else 1}
        assert chosen.task == problem.task
        many = without_words(chosen, 0.2, 2, 0)
        assert all(len(segment) for text in many.texts for segment in text)
        assert len(many.training_set(problem.reader()).x) == 2 * len(chosen)


def test_a_baseline_takes_all_there_is_and_no_more(problem):
    size = Size(texts=3, per_class=1, tokens=10**9, bytes=10**9)
    strata = np.bincount(problem.corpus.train.strata)
    assert len(at_random("tokens", problem, size, 0, 0)) == 3 * strata.min()


def test_words_are_left_out_as_often_as_said(tmp_path):
    generator = numpy_generator(0, "test")
    long = " ".join(f"w{i}" for i in range(4000))
    kept = thinned(long, 0.1, generator).split()
    assert abs(len(kept) / 4000 - 0.9) < 0.02
    assert kept == [word for word in long.split() if word in set(kept)]
    assert thinned("alone", 0.9999, generator) in "alone"
    assert thinned("a b", 0.9999, generator) in ("a", "b")
    assert set(thinned("一二三四五六七八", 0.3, generator)) < set("一二三四五六七八")
    (one,) = sets_at(write(tmp_path / "a.jsonl"), 0)
    many = without_words(one.distilled, 0.3, 5, 0)
    assert len(many) == 10
    assert many.texts == without_words(one.distilled, 0.3, 5, 0).texts
    assert torch.equal(many.text_labels, one.distilled.text_labels.repeat(5, 1))


def test_positions_of_matrices_are_masked_and_none_is_left_empty():
    examples = TrainingSet(torch.ones(3, 50, 2), torch.eye(3), None, 0)
    found = without_positions(examples, 0.2, 4, 0)
    assert found.x.shape == (12, 50, 2)
    assert found.mask[:, 0].all()
    assert abs(float(found.mask[:, 1:].float().mean()) - 0.8) < 0.05


def test_test_texts_in_a_set_are_refused_unless_allowed(problem, tmp_path):
    corpus = problem.corpus
    (first,) = corpus.test.texts(np.array([0]))[0]
    (held,) = corpus.validation.texts(np.array([0]))[0]
    rows = [{"text": first.upper(), "label": "a"}, {"text": held, "label": "b"}, {"text": "new words", "label": "c"}]
    sets = sets_at(write(tmp_path / "set.jsonl", rows), 0)
    with pytest.raises(TextddError, match=r"1 of 3 texts are test texts of demo.*score\.allow_overlap=true"):
        overlap_of(sets, corpus, allowed=False)
    assert overlap_of(sets, corpus, allowed=True) == "1 of 3 texts are test texts, 1 are validation texts"
    assert overlap_of(sets_at(write(tmp_path / "other.jsonl"), 0), corpus, allowed=False) == ""
