"""From Python: the same options, the same checks and the same set as the command."""

import datasets
import numpy as np
import pandas as pd
import pytest
import torch

from tests.cli.test_runs import result_of, run
from tests.conftest import SMALL
from tests.tiny import tiny_bert
from textdd import DistilledSet, distil, select, train, trust_report
from textdd.errors import TextddError
from textdd.sets.texts import TextSet
from textdd.typed import written

LITTLE = {
    "embedding.dimension": 16, "model.filters": 8, "distiller.outer_steps": 4, "distiller.check_every": 2,
    "distiller.inner_steps": 4, "distiller.length": 6, "trainer": "cpu", "evaluation.steps": 10,
    "evaluation.step_sizes": [0.01],
}  # fmt: skip


@pytest.fixture
def texts():
    return [f"good word{i % 7} nice {i}" if i % 2 else f"bad word{i % 5} poor {i}" for i in range(80)]


@pytest.fixture
def labels():
    return ["pos" if i % 2 else "neg" for i in range(80)]


@pytest.fixture
def places(tmp_path):
    return {"output_dir": str(tmp_path / "runs"), "cache_dir": str(tmp_path / "cache")}


def test_every_kind_of_data_gives_the_same_set(texts, labels, places, tmp_path):
    frame = pd.DataFrame({"review": texts, "stars": labels})
    frame.to_csv(tmp_path / "my reviews, 2024.csv", index=False)
    columns = {"text": "review", "label": "stars"}
    names = datasets.ClassLabel(names=["neg", "pos"])
    features = datasets.Features({"review": datasets.Value("string"), "stars": names})
    dataset = datasets.Dataset.from_dict({"review": texts, "stars": labels}, features)
    found = [
        distil(frame, per_class=2, **columns, **LITTLE, **places),
        distil(dataset, per_class=2, **columns, **LITTLE, **places),
        distil(texts, labels, per_class=2, **LITTLE, **places),
        distil(tmp_path / "my reviews, 2024.csv", per_class=2, **columns, **LITTLE, **places),
    ]
    for small in found:
        assert small.classes == ["neg", "pos"]
        assert torch.equal(small.x, found[0].x)
        assert torch.equal(small.text_labels, found[0].text_labels)
    classify = found[0].train(seed=0)
    assert set(classify(["a good one", "a bad one"])) <= {"neg", "pos"}


def test_is_the_command_to_the_bit(tmp_path):
    options = dict(option.split("=", 1) for option in SMALL)
    options = {key: value for key, value in options.items() if key not in ("per_class", "trainer.threads")}
    options["evaluation.step_sizes"], options["evaluation.full.step_sizes"] = [0.01], [0.002]
    more = {"trainer.threads": 1, "cache_dir": str(tmp_path / "cache"), "output_dir": str(tmp_path / "runs")}
    threads = torch.get_num_threads()
    small = distil("demo", per_class=3, **options, **more)
    torch.set_num_threads(threads)
    output, _ = run(*SMALL, "cache_dir=cache2", "logger=none", "output_dir=others", folder=tmp_path)
    other = DistilledSet.load(result_of(output).parent / "artifact")
    assert torch.equal(small.x, other.x)
    assert torch.equal(small.step_sizes, other.step_sizes)


def test_real_texts_are_picked_and_train_students_of_every_space(texts, labels, places, tmp_path):
    picked = select(texts, labels, per_class=3, method="k_means", **{"embedding.dimension": 16}, **places)
    assert isinstance(picked, TextSet)
    assert set(picked.read()) <= set(texts)
    assert picked.to_dataset()["label"][:] == ["neg", "pos"] * 3
    picked.save(tmp_path / "picked")
    loaded = DistilledSet.load(tmp_path / "picked")
    with pytest.raises(TextddError, match=r"carries no space"):
        loaded.train()
    classify = train(loaded, "fasttext", texts, labels, cache_dir=places["cache_dir"])
    assert set(classify(["good", "bad"])) <= {"neg", "pos"}
    with pytest.raises(TextddError, match=r"train\(small, 'lstm', data=\.\.\.\)"):
        train(loaded, "lstm")
    pytest.importorskip("transformers")
    classify = train(loaded, "pretrained", path=str(tiny_bert(tmp_path / "bert")))
    assert set(classify(["good", "bad"])) <= {"neg", "pos"}


def test_sets_of_several_parties_train_one_student_that_can_be_scored(texts, labels, places):
    more = [f"middling word{i % 6} so so {i}" for i in range(80)]
    pairs = [(texts, labels), (more + texts[1::2], ["mid"] * 80 + labels[1::2])]
    little = {"evaluation.steps": 5, "evaluation.step_sizes": [0.01], "model.filters": 8}
    small = {"embedding.dimension": 16, **little, **places}
    sets = [select(*one, per_class=10, method="random", **small) for one in pairs]
    assert [one.classes for one in sets] == [["neg", "pos"], ["mid", "pos"]]
    everything, named = texts + more, labels + ["mid"] * 80
    corpus = {"cache_dir": places["cache_dir"], "embedding.dimension": 16}
    classify = train(sets, "fasttext", everything, named, steps=200, step_size=0.01, balance=True, **corpus)
    assert classify.classes == ["mid", "neg", "pos"]
    scores = classify.score(everything, named)
    right = [own == wanted for own, wanted in zip(classify(everything), named, strict=True)]
    assert scores["accuracy"] == pytest.approx(np.mean(right))
    assert scores["accuracy"] > 0.8
    with pytest.raises(TextddError, match="Text 0 has the label 'new'; the classes are mid, neg, pos"):
        classify.score(["good"], ["new"])
    with pytest.raises(TextddError, match="Got 1 texts and 2 labels"):
        classify.score(["good"], ["neg", "pos"])
    with pytest.raises(TextddError, match="Got steps=0"):
        train(sets, "fasttext", everything, named, steps=0, **corpus)


def test_the_trust_report_is_that_of_the_command(texts, labels, places):
    small = {"embedding.dimension": 16, "evaluation.steps": 5, "model.filters": 8, **places}
    picked = select(texts, labels, per_class=3, method="random", **small)
    cache = {"cache_dir": places["cache_dir"]}
    report = trust_report(picked, texts, labels, against=[], triggers=0, resamples=100, **{"students": 2, **cache})
    assert report["sides"]["heldout"] == "validation"  # the set knows what it was made from
    assert report["matches"]["texts_of_the_set"]["training"] == 6
    assert set(report["membership"]) == {"set"}
    with pytest.raises(TextddError, match=r"trust\.shadows"):
        trust_report(picked, texts, labels, shadows=1, **cache)


def test_pairs_and_several_labels_from_lists(places):
    pairs = [(f"man {i}", f"dog {i % 3}") for i in range(60)]
    several = [["big"] * (i % 2) + ["red"] * (i % 3 == 0) for i in range(60)]
    picked = select(pairs, several, per_class=2, method="random", **{"evaluation.steps": 5}, **places)
    assert all(len(text) == 2 for text in picked.texts)
    assert picked.task.name == "several_labels"
    assert set(picked.classes) == {"big", "red"}


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((["a", "b"], ["x"]), {}, "Got 2 texts and 1 labels; as many are needed"),
        ((["a", "b"],), {}, "Got 2 texts and no labels"),
        ((3,), {}, "Got int for train. Allowed: a pandas frame"),
        (("demo",), {"distiller.inner_step": 3}, r"Unknown option 'distiller.inner_step'\. Nearest: distiller.inner_s"),
        (("demo",), {"per_class": 0}, "Got per_class=0. Allowed: a whole number from 1"),
        (("demo",), {"student": "textcn"}, "Type: model=textcnn"),
    ],
)
def test_mistakes_are_those_of_the_command(arguments, options, message):
    with pytest.raises(TextddError, match=message):
        distil(*arguments, **{"per_class": 1, **options})


def test_an_unknown_selector_says_which_there_are():
    with pytest.raises(TextddError, match="Type: method=k_means"):
        select("demo", per_class=1, method="k-means")


@pytest.mark.parametrize(
    ("value", "typed"),
    [
        (None, "null"),
        (np.bool_(True), "true"),
        ([1, "a b"], '[1,"a b"]'),
        ("it's", '"it\'s"'),
        (np.float64(0.5), "0.5"),
    ],
)
def test_values_are_typed_as_hydra_reads_them(value, typed):
    assert written(value) == typed
