"""Runs with a language model as the student: rows without training, sets of texts and matrices, and what reads them."""

import json

import pandas as pd
import pytest
import torch

from tests.tiny import tiny_llama
from textdd import DistilledSet, evaluate, train
from textdd.cli import compose_config
from textdd.config import register, to_run
from textdd.errors import TextddError
from textdd.quiet import quiet
from textdd.report.page import write_report
from textdd.report.results import find
from textdd.report.terminal import print_results
from textdd.run import execute
from textdd.students import make_student

pytest.importorskip("transformers", reason="needs transformers")
register()
QUICK = (
    "evaluation.steps=6",
    "evaluation.students=2",
    "evaluation.step_sizes=[0.01]",
    "evaluation.texts=40",
    "evaluation.full.epochs=1",
    "evaluation.full.step_sizes=[0.002]",
    "evaluation.selectors=[less]",
    "trainer=cpu",
    "trainer.threads=1",
    "logger=csv",
    "per_class=2",
)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a language model, and a corpus whose classes are told by a word."""
    place = tmp_path_factory.mktemp("place")
    tiny_llama(place / "llama", 8)
    texts = [f"word{i % 7} word{8 + i % 2} word{i % 5}" for i in range(120)]
    frame = pd.DataFrame({"text": texts, "label": [("good", "bad")[i % 2] for i in range(120)]})
    frame.to_csv(place / "texts.csv", index=False)
    return place


def line(place, *options):
    corpus = ["dataset=local", f"dataset.path={place}/texts.csv", f"cache_dir={place}/cache"]
    return [*corpus, "model=causal_lm", f"model.path={place}/llama", *options]


def made(place, *options):
    quiet()  # of bodies that are in evaluation mode, too
    words = line(place, *QUICK, f"output_dir={place}/runs", *options)
    return execute(to_run(compose_config("config", words)))


@pytest.fixture(scope="module")
def texts(place):
    steps = ["distiller.outer_steps=2", "distiller.inner_steps=2", "distiller.check_every=2"]
    real = ["distiller=label_distillation", "distiller.parametrisation=real", "distiller.length=0"]
    return made(place, *real, *steps, "model.tuning=lora:2", "model.orders=2")


@pytest.fixture(scope="module")
def matrices(place):
    steps = ["distiller.outer_steps=3", "distiller.inner_steps=1", "distiller.check_every=3"]
    return made(place, "distiller=meta_gradient", "model.tuning=lora:2", "model.orders=0", *steps)


def test_rows_without_training_stand_beside_the_others(texts, place, capsys):
    methods = json.loads(texts.read_text())["methods"]
    assert list(methods) == ["distilled", "random", "less", "zero_shot", "full"]
    for name in ("distilled", "random", "less"):
        assert len(methods[name]["variants"]["in context"]["accuracy"]["values"]) == 2
    assert {"as it is", "at the median"} == set(methods["zero_shot"]["variants"])
    print_results(json.loads(texts.read_text()))
    assert "in context, as it is" in capsys.readouterr().out
    page = write_report(find([place / "runs"]), place / "out").read_text()
    assert "zero_shot" in page


def test_a_set_of_texts_trains_language_models(texts, place, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    artifact = texts.parent / "artifact"
    words = line(
        place, f"artifact={artifact}", "students=1", "steps=5", "step_sizes=[0.01]", "texts=30", "model.orders=1"
    )
    config = evaluate.OmegaConf.to_object(
        compose_config("evaluate", [*words, "model.answer=head", "model.tuning=top:1"])
    )
    found = json.loads(evaluate.execute(config).read_text())
    assert list(found["results"]) == ["causal_lm"]  # a head gives no answer in words
    classify = train(DistilledSet.load(artifact), "causal_lm", path=str(place / "llama"), tuning="lora:2")
    assert set(classify(["word1 word8 word2", "word3 word9 word2"])) <= {"good", "bad"}


def test_matrices_lie_in_the_space_of_the_model(matrices, place):
    loaded = DistilledSet.load(matrices.parent / "artifact")
    assert loaded.manifest["student"]["words"] == ["bad", "good"]
    assert loaded.manifest["student"]["template"] == "Text: {text}\nLabel:"
    path = str(place / "llama")
    classify = loaded.train(seed=0, path=path)
    again = loaded.train(seed=0, path=path)
    assert torch.equal(classify.theta, again.theta)
    with pytest.raises(TextddError, match=r"made for the language model 'llama'.*model=causal_lm model\.path=FOLDER"):
        loaded.train(seed=0)


def test_b_alone_learns_in_one_step(matrices, place):
    """At B = 0 nothing that is said depends on A, so one step leaves A where it was drawn."""
    loaded = DistilledSet.load(matrices.parent / "artifact")
    assert loaded.recipe.steps == 1
    model = loaded.model(str(place / "llama"))
    student = make_student(model, loaded.space_at(model.path).dimension, loaded.task)
    before = student.unflatten(student.fresh(3))
    after = student.unflatten(loaded.train(seed=3, path=str(place / "llama")).theta)
    moved = {name.split(".")[1] for name in before if not torch.equal(before[name], after[name])}
    assert moved <= {"up"}


def test_words_are_made_by_matching_the_last_layer(place):
    """experiment=gradmm: matrices by the gradients of a head on the last token, then likely words by ADMM."""
    few = ["distiller.options.gradient_matching.outer_steps=2", "distiller.options.gradient_matching.check_every=2"]
    few += ["distiller.options.gradient_matching.inner_steps=4", "distiller.options.project.outer_steps=2"]
    path = made(place, "experiment=gradmm", "model.orders=0", *few)
    small = DistilledSet.load(path.parent / "artifact")
    assert small.origins == ["projected"] * 4
    assert small.manifest["distiller"]["stages"] == ["gradient_matching", "project"]
    assert len(small.manifest["distilling"]["stages"]) == 2
    assert all(text.strip() for (text,) in small.texts)
