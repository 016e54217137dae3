"""The whole trust report on a small corpus: sets that give texts away, sets that do not, and what is held out."""

import json
import sys
from dataclasses import asdict

import numpy as np
import pytest
import torch

from tests.conftest import SMALL
from textdd.corpora.corpus import load_corpus
from textdd.corpora.sources import DatasetConfig
from textdd.errors import TextddError
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.matrices import MatrixSet
from textdd.sets.parametrisations import Free
from textdd.sets.texts import ABOUT_A_HUNDRED, TextSet
from textdd.trust.__main__ import composed, execute, main
from textdd.trust.heldout import sides_of
from textdd.trust.read_out import read_out

CORPUS = ["embedding=corpus", *(word for word in SMALL if word.startswith(("dataset.", "embedding.")))]
LITTLE = ["model=textcnn", "model.filters=8", "students=2", "trust.resamples=100"]
LITTLE += ["trust.full.epochs=1", "trust.full.step_sizes=[0.002]"]


def command(artifact, cache, *more):
    return composed([f"artifact={artifact}", f"cache_dir={cache}", *LITTLE, *more])


@pytest.fixture(scope="module")
def files(tmp_path_factory, problem):
    """Two files of texts and labels: one of training texts, one of their words put in another order."""
    folder, train = tmp_path_factory.mktemp("trust"), problem.corpus.train
    rows = np.concatenate([np.flatnonzero(train.targets == c)[:2] for c in range(3)])
    generator = np.random.default_rng(0)
    texts = [text for (text,) in train.texts(rows)]
    mixed = [" ".join(generator.permutation(text.split())) for text in texts]
    for name, those in (("copied", texts), ("mixed", mixed)):
        lines = [{"text": text, "label": problem.corpus.classes[i // 2]} for i, text in enumerate(those)]
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    return folder


def test_a_set_of_training_texts_gives_them_away(files, cache, monkeypatch, problem):
    monkeypatch.chdir(files)
    more = ["trust.texts=100", "trust.shadows=2", "trust.triggers=2"]
    path, found = execute(command(files / "copied.jsonl", cache, "dataset=demo", *CORPUS, *more))
    assert path.name == "trust-copied-demo.json"
    assert json.loads(path.read_text()) == found
    assert found["sides"]["heldout"] == "test"  # nobody knows what a stranger's set has seen
    assert found["matches"]["copies"]["training"] >= 6
    assert found["matches"]["copies"]["heldout"] == 0
    assert found["nearest"]["training"] == pytest.approx(1)
    assert found["nearest"]["heldout"] < 0.9
    assert set(found["membership"]) == {"set", "random", "full"}
    assert all(attacked["lira"]["shadows"] == 2 for attacked in found["membership"].values())
    beside = [attacked["lira"] for attacked in found["membership"].values()]
    alone = [found["itself"]["bigrams"], found["itself"]["likeness"]]
    for attacked in (*found["membership"].values(), found["membership"]["random"]["own_texts"], *beside, *alone):
        for name in ("area", "found"):
            low, high = attacked[name]["interval"]
            assert 0 <= low <= attacked[name]["value"] + 1e-9
            assert attacked[name]["value"] <= high + 1e-9 <= 1 + 2e-9
    assert found["membership"]["random"]["own_texts"]["area"]["value"] > 0.8  # the attack finds what there is
    assert found["groups"] is None
    assert len(found["triggers"]["found"]) == len(found["triggers"]["by_chance"]) == 2
    assert {one["class"] for one in found["triggers"]["found"]} <= set(problem.corpus.classes)
    assert all(row["source"] for row in found["thresholds"])
    assert any("differential privacy" in remark for remark in found["remarks"])
    assert not any(str(files) in json.dumps(found[key]) for key in ("student", "options", "machine"))


def test_a_set_of_no_training_texts_does_not(files, cache, monkeypatch):
    monkeypatch.chdir(files)
    more = ["dataset=demo", *CORPUS, "trust.against=[]"]
    _, found = execute(command(files / "mixed.jsonl", cache, *more))
    assert found["matches"]["copies"]["training"] == found["matches"]["rare"]["training"] == 0
    assert list(found["membership"]) == ["set"]
    assert found["triggers"] is None  # nothing to hold them against
    assert execute(command(files / "mixed.jsonl", cache, *more))[1] == found


def test_main_prints_the_report(files, cache, monkeypatch, capsys):
    monkeypatch.chdir(files)
    words = [f"artifact={files}/copied.jsonl", f"cache_dir={cache}", *LITTLE, "dataset=demo", *CORPUS]
    monkeypatch.setattr(sys, "argv", ["textdd trust", *words, "trust.against=[random]", "trust.shadows=2"])
    main()
    printed = " ".join(capsys.readouterr().out.split())
    shown = ("beside 2 shadow students", "no student:", "sequences of words of the set", "Hashes say neither")
    for part in (
        *shown,
        "the same text",
        "random texts",
        "None of this is differential privacy",
        "found at 1 %",
        "result:",
    ):
        assert part in printed


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ([], "Type: textdd trust artifact="),
        (["artifact=x", "trust.against=[everybody]"], "random or full"),
        (["artifact=x", "trust.rare=0"], "trust.rare"),
        (["artifact=x", "trust.shadows=1"], "trust.shadows=0"),
        (["artifact=x", "trust.triggers=-1"], "trust.triggers=10"),
        (["artifact=x", "embedding.dimension=8"], "Type: embedding="),  # a group that is null
    ],
)
def test_mistakes_say_what_to_type(words, remedy):
    with pytest.raises(TextddError) as refusal:
        composed(words)
    assert remedy in str(refusal.value)


def made_of(corpus, key=None, dataset=None):
    split = {"key": key, "options": asdict(dataset or DatasetConfig())}
    manifest = {"dataset": "x", "classes": corpus.classes, "distiller": {"name": "x"}, "corpus": split}
    y = torch.eye(len(corpus.classes))
    return TextSet([("one",)] * len(y), y, None, ABOUT_A_HUNDRED, manifest)


def test_validation_is_held_out_of_a_set_that_was_made_of_this_very_corpus(corpus):
    alike, other = DatasetConfig(), DatasetConfig(validation=0.3)
    own = sides_of(made_of(corpus, corpus.key), corpus, alike, 0)
    foreign = sides_of(made_of(corpus, "another"), corpus, alike, 0)
    split_otherwise = sides_of(made_of(corpus, corpus.key, other), corpus, alike, 0)
    assert (own.part, foreign.part, split_otherwise.part) == ("validation", "test", "test")
    assert len(own.heldout) <= len(corpus.validation)
    seen = {name: [] for name in (False, True)}
    for segments, heldout in own.blocks(50):
        for text, out in zip(segments[0].to_pylist(), heldout.tolist(), strict=True):
            seen[out].append(text)
    assert sorted(seen[True]) == sorted(text for (text,) in own.heldout.texts(np.arange(len(own.heldout))))
    assert sorted(seen[False]) == sorted(text for (text,) in own.training.texts(np.arange(len(own.training))))


def small_corpus(folder, train, test):
    for part, texts in (("train", train), ("test", test)):
        lines = [f"{text},{'ab'[i % 2]}" for i, text in enumerate(texts)]
        (folder / f"{part}.csv").write_text("text,label\n" + "\n".join(lines) + "\n")
    return load_corpus(DatasetConfig("tiny", path=str(folder), validation=0.2), None, folder / "cache", 0)


def test_what_stands_on_both_sides_is_in_neither(tmp_path):
    train = [f"text number{i} of{i}" for i in range(40)]
    corpus = small_corpus(
        tmp_path, [*train, "BOTH sides  of it", "both sides of it "], ["Both sides of it", "only here"]
    )
    sides = sides_of(made_of(corpus), corpus, DatasetConfig(), 0)
    written = [text for (text,) in sides.training.texts(np.arange(len(sides.training)))]
    assert not any("sides" in text for text in written)
    assert [text for (text,) in sides.heldout.texts(np.arange(len(sides.heldout)))] == ["only here"]
    assert sides.shared == 1 + len(corpus.train) - len(written)


def test_nothing_held_out_is_an_error(tmp_path):
    train = [f"text number{i} of{i}" for i in range(40)]
    corpus = small_corpus(tmp_path, [*train, *["both sides"] * 9], ["both sides", "both  sides"])
    if not any(text == "both sides" for (text,) in corpus.train.texts(np.arange(len(corpus.train)))):
        pytest.skip("all copies went to validation")
    with pytest.raises(TextddError, match="nothing is held out"):
        sides_of(made_of(corpus), corpus, DatasetConfig(), 0)


def test_words_are_read_out_of_matrices(problem):
    space, rows = problem.space, np.array([0, 5, 9])
    tokens = problem.train.tokens(rows)
    x = space.table[tokens.ids]
    manifest = {"classes": problem.corpus.classes, "distiller": {}}
    made = MatrixSet(Free(x), torch.eye(3), None, ABOUT_A_HUNDRED, space, manifest)
    texts, facts = read_out(made, space)
    for (text,), ids, mask in zip(texts, tokens.ids, tokens.mask, strict=True):
        known = int(mask.sum())
        names = space.tokeniser.decode(ids[mask].tolist(), skip_special_tokens=False).split()
        assert text.split()[:known] == names
    assert facts["cosine"] <= 1 + 1e-6
    assert len(facts["texts"]) == 3


@pytest.mark.slow
def test_matrices_of_a_run_are_examined(tmp_path, cache):
    import textdd

    words = dict(word.split("=", 1) for word in [*CORPUS, "model.filters=8"])
    made = textdd.distil("demo", per_class=2, minutes=0.02, output_dir=str(tmp_path), cache_dir=str(cache), **words)
    made.save(tmp_path / "artifact")
    _, found = execute(command(tmp_path / "artifact", cache, "trust.against=[random]"))
    assert isinstance(DistilledSet.load(tmp_path / "artifact"), MatrixSet)
    assert found["sides"]["heldout"] == "validation"
    assert found["membership"]["set"]["recipe"] == "own"
    assert len(found["read_out"]["texts"]) == found["examples"]
