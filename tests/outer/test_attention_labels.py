"""Sets with attention labels: learned, kept, loaded, taught, refused where they mean nothing; plain lessons beside."""

import dataclasses
import json

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from tests.sets.test_artifact import edit_manifest, replace_tensors
from tests.tiny import tiny_bert
from textdd import DistilledSet
from textdd.api import distil
from textdd.api.composing import composed
from textdd.errors import TextddError
from textdd.outer import heads
from textdd.outer.distil import make_distiller
from textdd.outer.heads import drawn, head_texts
from textdd.outer.materials import Materials
from textdd.prepare import prepare
from textdd.seeds import numpy_generator
from textdd.sets.matrices import MatrixSet
from textdd.sets.training_set import train_students
from textdd.trainer import make_trainer

QUICK = {
    "experiment": "attention_labels",
    "distiller.outer_steps": 3,
    "distiller.check_every": 3,
    "distiller.length": 5,
}
QUICK |= {"distiller.outer_batch": 8, "distiller.check_texts": 8, "dataset.length": 8, "trainer.accelerator": "cpu"}


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    pytest.importorskip("transformers", reason="needs transformers")
    return str(tiny_bert(tmp_path_factory.mktemp("bert"), 8))


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    folder = tmp_path_factory.mktemp("places")
    return {"cache_dir": str(folder / "cache"), "output_dir": str(folder / "runs")}


@pytest.fixture(scope="module")
def frame():
    texts = [" ".join(f"word{(i * k) % 20}" for k in range(1, 7)) for i in range(90)]
    return pd.DataFrame({"text": texts, "label": [i % 3 for i in range(90)]})


@pytest.fixture(scope="module")
def small(frame, bert, places):
    return made(frame, bert, places)


def made(frame, bert, places, **changes):
    options = {**QUICK, **places, "model.tuning": "full", **changes}
    return distil(frame, text="text", label="label", per_class=1, student="pretrained", path=bert, **options)


def distiller_of(frame, bert, places, **changes):
    options = {**QUICK, **places, "text": "text", "label": "label", "path": bert, "model.tuning": "full", **changes}
    problem = prepare(composed(frame, None, 1, "pretrained", options))
    return make_distiller(composed(frame, None, 1, "pretrained", options).distiller, problem), problem


def own_training(distilled, reader):
    examples = [distilled.training_set(reader)]
    ((theta,),) = train_students(
        reader.student, examples, distilled.recipe, [0], [distilled.recipe.steps], distilled.step_sizes
    )
    return theta


@pytest.mark.parametrize(
    ("rows", "layers", "tuning", "shape"),
    [
        ("all", "last", "full", (3, 1, 1, 5, 5)),
        pytest.param("all", "all", "top:1", (3, 1, 1, 5, 5), marks=pytest.mark.slow),
        ("cls", "all", "lora:2", (3, 2, 1, 1, 5)),
    ],
)
def test_they_are_learned_and_come_back(frame, bert, places, tmp_path, rows, layers, tuning, shape):
    named = {"distiller.attention": rows, "distiller.attention_layers": layers, "model.tuning": tuning}
    distiller, problem = distiller_of(frame, bert, places, **named)
    distilled = made(frame, bert, places, **named)
    assert distilled.attention.logits.shape == shape
    assert not torch.equal(distilled.attention.logits.float(), distiller.synthetic.attention_logits)
    assert distilled.stored_bytes()["attention"] == 2 * distilled.attention.logits.numel()
    distilled.save(tmp_path / "set")
    again = DistilledSet.load(tmp_path / "set")
    assert torch.equal(again.attention.logits, distilled.attention.logits)
    assert again.attention.weight == 10.0
    assert json.loads((tmp_path / "set" / "manifest.json").read_text())["bytes"] == distilled.stored_bytes()
    reader = problem.reader()
    theta = own_training(distilled, reader)
    assert torch.equal(own_training(again, reader), theta)
    without = MatrixSet(again.texts, again.text_labels, again.step_sizes, again.recipe, None, again.manifest)
    assert not torch.equal(own_training(without, reader), theta)
    assert distilled.training_set(reader).plain().attention is None
    assert distilled.first(1).attention.logits.shape == shape


@pytest.mark.slow
def test_without_weight_the_set_is_that_without_them_to_the_bit(frame, bert, places):
    nothing = made(frame, bert, places, **{"distiller.attention_weight": 0})
    without = made(frame, bert, places, **{"distiller.attention": "none"})
    assert torch.equal(nothing.x, without.x)
    assert torch.equal(nothing.y, without.y)
    assert torch.equal(nothing.step_sizes, without.step_sizes)
    assert without.attention is None
    assert nothing.attention is not None


@pytest.mark.slow
def test_a_set_is_a_start_for_others_with_its_attention_labels(frame, bert, places, small, tmp_path):
    small.save(tmp_path / "set")
    warm = {"distiller.warm_start": str(tmp_path / "set")}
    options = {**QUICK, **places, "text": "text", "label": "label", "path": bert, "model.tuning": "full", **warm}
    run = composed(frame, None, 1, "pretrained", options)
    problem = prepare(run)
    distiller = make_distiller(run.distiller, problem, small)
    assert torch.equal(distiller.synthetic.attention_logits, small.attention.logits.float())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model.tuning": "head"}, r"Got distiller\.attention=cls; this student has no attention .* Type: model=pretr"),
        ({"distiller.parametrisation": "real"}, r"distiller\.parametrisation=real: sets of texts .*attention=none"),
        ({"distiller.attention": "some"}, r"Got distiller\.attention=some\. Allowed: none, cls or all"),
        ({"distiller.attention_weight": -1}, r"Got distiller\.attention_weight=-1"),
    ],
    ids=["head", "real", "some", "weight"],
)
def test_mistakes_say_what_is_allowed(frame, bert, places, changes, message):
    with pytest.raises(TextddError, match=message):
        distiller_of(frame, bert, places, **changes)


@pytest.mark.parametrize("student", ["head", "textcnn-like"])
def test_students_of_whom_they_say_nothing_are_told_of(frame, bert, places, small, capsys, student):
    named = {"model.tuning": "head"} if student == "head" else {}
    _, problem = distiller_of(frame, bert, places, **{"distiller.attention": "none", **named})
    if student != "head":
        problem.student.module.attends = None
    assert small.training_set(problem.reader()).attention is None
    assert "is trained without them" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"attention": torch.zeros(3, 1, 1, 1, 4).half()}, r"attention labels \(3, 1, 1, 1, 4\) for 3 examples of 5"),
        ({"attention": torch.zeros(2, 1, 1, 1, 5).half()}, r"attention labels \(2, 1, 1, 1, 5\) for 3"),
        ({"attention": torch.zeros(3, 1, 1, 2, 5).half()}, r"attention labels \(3, 1, 1, 2, 5\) for 3"),
        ({"attention": torch.zeros(3, 1, 1, 5).half()}, r"attention has the shape \[3, 1, 1, 5\]"),
        ({"attention": torch.zeros(3, 1, 1, 1, 5)}, r"attention is of the type F32"),
        ({"attention": torch.full((3, 1, 1, 1, 5), torch.inf).half()}, r"attention holds numbers that are not finite"),
        ({}, r"attention labels without a weight, or a weight without labels"),
    ],
    ids=["length", "examples", "rows", "dimensions", "type", "infinite", "missing"],
)
def test_labels_of_strangers_are_looked_at(small, tmp_path, change, message):
    folder = tmp_path / "set"
    small.save(folder)
    tensors = load_file(folder / "distilled.safetensors")
    del tensors["attention"]
    replace_tensors(folder, **(tensors | change))
    with pytest.raises(TextddError, match=message):
        DistilledSet.load(folder)


@pytest.mark.parametrize("weight", [None, -1.0, "10", {"weight": 1}])
def test_weights_of_strangers_are_looked_at(small, tmp_path, weight):
    small.save(tmp_path / "set")
    edit_manifest(tmp_path / "set", attention=None if weight is None else {"weight": weight})
    with pytest.raises(TextddError, match="attention"):
        DistilledSet.load(tmp_path / "set")


@pytest.mark.parametrize("tuning", [pytest.param("full", marks=pytest.mark.slow), "lora:2"])
def test_plain_lessons_of_the_head_are_beside_the_recipe_and_differentiated(frame, bert, places, tuning):
    """The objective against finite differences; at no share it is the recipe's, at a whole one the heads' alone."""
    changes = {"distiller.plain_share": 0.4, "distiller.plain_part": "head", "model.tuning": tuning}
    distiller, problem = distiller_of(frame, bert, places, **changes)
    distiller.prepare(Materials(problem, problem.cache, make_trainer))
    distiller.double()
    batch, x = problem.reader(dtype=torch.float64)(problem.train.batch(torch.arange(8).numpy())), distiller.synthetic.x
    (gradient,) = torch.autograd.grad(distiller.objective(batch, 1), x)
    direction = torch.randn(x.shape, dtype=x.dtype, generator=torch.Generator().manual_seed(0))
    values = []
    for sign in (1e-6, -1e-6):
        with torch.no_grad():
            x.add_(sign * direction)
        values.append(distiller.objective(batch, 1).item())
        with torch.no_grad():
            x.sub_(sign * direction)
    assert (gradient * direction).sum().item() == pytest.approx((values[0] - values[1]) / 2e-6, rel=1e-3)
    losses, whole = {}, distiller.objective(batch, 1).item()
    for share in (0.0, 1.0):
        distiller.config = dataclasses.replace(distiller.config, plain_share=share)
        losses[share] = distiller.objective(batch, 1).item()
    assert whole == pytest.approx(0.6 * losses[0.0] + 0.4 * losses[1.0], rel=1e-6)
    assert abs(losses[0.0] - losses[1.0]) > 1e-3


def test_heads_are_judged_by_what_the_frozen_body_makes_of_real_texts(frame, bert, places, monkeypatch):
    changes = {"distiller.plain_share": 0.5, "distiller.plain_part": "head"}
    distiller, problem = distiller_of(frame, bert, places, **changes)
    headed, train = distiller.headed, problem.corpus.train
    texts = head_texts(problem, headed)
    batch = problem.reader().embed(problem.train.tokens(torch.arange(len(train)).numpy()))
    features, _ = headed.below(batch.x, batch.mask)
    found = drawn(texts, len(train), 3, batch.x)
    order = torch.from_numpy(numpy_generator(3, "texts of heads").choice(len(train), len(train), replace=False))
    assert torch.allclose(found.x, features[order], atol=1e-6)
    assert torch.equal(found.labels, batch.labels[order])
    assert len(drawn(texts, 7, 3, batch.x).labels) == 7
    monkeypatch.setattr(heads, "MOST_TEXTS", 20)
    some = head_texts(problem, headed)
    assert len(some) == 20
    assert torch.allclose(drawn(some, 20, 3, batch.x).x, drawn(texts.sample(20), 20, 3, batch.x).x, atol=1e-6)
