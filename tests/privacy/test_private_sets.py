"""A private set from end to end: what is refused, what it is made from, what it says, and what it keeps to itself."""

import json

import numpy as np
import pandas as pd
import pytest
import pytorch_lightning as pl
import torch

from tests.conftest import STILL
from tests.distillers.test_distillers import fitted, options, prepared
from tests.tiny import tiny_llama
from textdd import distil, trust_report
from textdd.api.composing import composed
from textdd.distillers.gradient_matching import GradientMatchingConfig
from textdd.errors import TextddError
from textdd.outer.batches import OuterBatches, OuterData, PoissonBatches
from textdd.outer.distil import make_distiller
from textdd.prepare import prepare
from textdd.privacy.account import Account, shortened
from textdd.privacy.accounting import epsilon
from textdd.privacy.config import PrivacyConfig
from textdd.privacy.released import released
from textdd.quiet import quiet
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.exported import export

pytest.importorskip("transformers", reason="needs transformers")

TEXTS = [f"word{i % 7} word{8 + i % 2} word{i % 5}" for i in range(120)]
LABELS = [("good", "bad")[i % 2] for i in range(120)]
PRIVATE = {
    "distiller": "gradient_matching",
    "distiller.gradient": "head",
    "distiller.privacy.epsilon": 4,
    "distiller.start": "noise",
    "distiller.length": 4,
    "distiller.outer_steps": 4,
    "distiller.outer_batch": 20,
    "distiller.check_every": 2,
    "distiller.inner_steps": 4,
    "distiller.pool": 2,
    "dataset.length": 16,
    "answer": "head",
    "tuning": "head",
    "trainer": "cpu",
    "trainer.threads": 1,
}
"""A line that is private; every refusal below changes one thing of it."""


def options_of(**changes):
    named = {"answer": "model.answer", "tuning": "model.tuning"}
    return {named.get(name, name): value for name, value in {**PRIVATE, **changes}.items() if value is not None}


def chain(**changes):
    """The same as the first stage of a chain."""
    stages = {"distiller": "chain", "distiller.stages": ["gradient_matching", "project"]}
    own = {k.replace("distiller.", "distiller.options.gradient_matching."): v for k, v in options_of().items()}
    return {**own, **stages, "distiller.options.project.onto": "nearest", **changes}


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    quiet()
    return tiny_llama(tmp_path_factory.mktemp("llama"), 8)


@pytest.fixture
def places(tmp_path):
    return {"cache_dir": str(tmp_path / "cache"), "output_dir": str(tmp_path / "runs")}


@pytest.fixture
def of_a_model(llama, places):
    given = options_of(**places, **{"model.path": llama})
    return prepare(composed(TEXTS, LABELS, 2, "causal_lm", given))


REFUSED = [
    ({"distiller.gradient": "full"}, r"distiller.gradient=full for a private set.*Type: distiller.gradient=head"),
    ({"distiller.start": "real"}, r"distiller.start=real .*Allowed: noise. Type: distiller.start=noise"),
    ({"distiller.start": "telling"}, r"distiller.start=telling .*Type: distiller.start=noise"),
    ({"distiller.start": "kmeans"}, r"distiller.start=kmeans .*Type: distiller.start=noise"),
    ({"distiller.labels": "teacher"}, r"a teacher is trained on the texts.*Type: distiller.labels=hard"),
    ({"distiller.length": -1}, r"distiller.length=-1 .*lengths of the texts.*Type: distiller.length=16"),
    ({"distiller.outer_steps": 0}, r"distiller.outer_steps=0 .*Type: distiller.outer_steps=400"),
    ({"distiller.privacy.epsilon": None, "distiller.privacy.delta": 1e-5}, r"delta=1e-05 and no epsilon"),
    ({"dataset.length": "auto"}, r"dataset.length=auto for a private set.*Type: dataset.length=64"),
    ({"trainer.devices": 2}, r"one is counted. Type: trainer.devices=1 trainer.num_nodes=1"),
]


@pytest.mark.parametrize(("changes", "message"), REFUSED)
def test_other_touches_of_the_texts_are_refused(changes, message, llama, places):
    with pytest.raises(TextddError, match=message):
        composed(TEXTS, LABELS, 2, "causal_lm", {**options_of(**places, **changes), "model.path": llama})


def test_words_that_are_read_off_the_corpus_are_refused(places):
    given = {name: value for name, value in options_of(**places).items() if not name.startswith("model.")}
    with pytest.raises(TextddError, match=r"Got model=textcnn for a private set: its words.*Type: model=pretrained"):
        composed(TEXTS, LABELS, 2, "textcnn", given)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"distiller.options.project.onto": "mixture"}, r"Type: distiller.options.project.onto=nearest"),
        ({"distiller.stages": ["gradient_matching", "meta_gradient"]}, r"meta_gradient reads texts without noise"),
        ({"distiller.stages": ["kernel_ridge", "gradient_matching"]}, r"what kernel_ridge owes to the texts"),
        (
            {"distiller.options.gradient_matching.start": "real"},
            r"Type: distiller.options.gradient_matching.start=noise",
        ),
    ],
)
def test_other_stages_that_read_texts_are_refused(changes, message, llama, places):
    with pytest.raises(TextddError, match=message):
        composed(TEXTS, LABELS, 2, "causal_lm", {**chain(**places, **changes), "model.path": llama})


def test_a_start_from_another_set_is_refused(llama, places, tmp_path):
    table = tmp_path / "texts.csv"
    pd.DataFrame({"text": TEXTS[:4], "label": LABELS[:4]}).to_csv(table, index=False)
    given = {**options_of(**places), "model.path": llama, "distiller.warm_start": str(table)}
    with pytest.raises(TextddError, match=r"what the other set owes.*Type: distiller.warm_start=null"):
        composed(TEXTS, LABELS, 2, "causal_lm", given)


def test_texts_of_several_labels_are_refused(several_labels):
    config = options("gradient_matching", gradient="head", start="noise", privacy=PrivacyConfig(epsilon=4.0))
    with pytest.raises(TextddError, match=r"one class a text. Type: distiller.privacy.epsilon=null"):
        prepared(config, several_labels)


def test_a_delta_that_gives_texts_away_whole_is_refused():
    with pytest.raises(TextddError, match=r"for 100 training texts.*Allowed: below 0.01"):
        Account.of(PrivacyConfig(epsilon=4.0, delta=0.01), 100, 10, 5)


def test_the_account_is_that_of_the_steps_and_the_batches(of_a_model, capsys):
    texts, config = len(of_a_model.train), composed_method(of_a_model)
    account = prepared(config, of_a_model).account
    assert (account.steps, account.sampling_rate, account.clip) == (4, 20 / texts, 1.0)
    assert account.delta == pytest.approx(0.1 / texts)
    spent = epsilon(account.sampling_rate, account.noise_multiplier, account.steps, account.delta)
    assert 3.99 < spent <= account.epsilon == 4.0
    assert "differentially private with ε = 4 and δ = 0.0011; noise of" in capsys.readouterr().err


def composed_method(problem, **changes):
    small = {"gradient": "head", "start": "noise", "length": 4, "outer_batch": 20, "pool": 2, "outer_steps": 4}
    return options("gradient_matching", privacy=PrivacyConfig(epsilon=4.0), **{**small, **changes})


def test_batches_are_poisson_samples(of_a_model):
    """Every text takes part as often as said, sizes spread like a binomial, and no two texts go together."""
    texts, steps = len(of_a_model.train), 3000
    batches = PoissonBatches(of_a_model.train, 20, steps, seed=3)
    there = np.zeros((steps, texts))
    for step in range(steps):
        there[step, batches.rows(step)] = 1
    rate = 20 / texts
    assert np.abs(there.mean(0) - rate).max() < 5 * np.sqrt(rate * (1 - rate) / steps)
    assert there.sum(1).var() == pytest.approx(texts * rate * (1 - rate), rel=0.15)
    assert np.abs(np.corrcoef(there.T) - np.eye(texts)).max() < 6 / np.sqrt(steps)
    assert list(batches.rows(7)) == list(PoissonBatches(of_a_model.train, 20, steps, seed=3, first=5).rows(7))


def test_a_step_may_have_no_text_at_all(of_a_model):
    distiller = prepared(composed_method(of_a_model), of_a_model)
    batch = of_a_model.reader()(of_a_model.train.batch(np.zeros(0, np.int64)))
    loss = distiller.objective(batch, 0)
    loss.backward()
    moved = distiller.synthetic.x.grad.abs().sum((1, 2)) > 0
    assert moved.all()  # which classes had a text does not show


def test_noise_hides_the_gradient_and_without_it_the_angles_are_those_of_clipped_sums(of_a_model):
    """With hardly any noise and no clipping the loss is that of the method without privacy."""
    batch = of_a_model.reader()(of_a_model.train.batch(np.arange(30)))
    plain = make_distiller(composed_method(of_a_model), of_a_model)
    plain.config.privacy = PrivacyConfig()
    private = prepared(composed_method(of_a_model), of_a_model)
    private.secret.fill_(1)  # some noise hardly turns a gradient
    told = private.account
    private.account = Account(4.0, 1e-3, 1e-12, 1e4, told.sampling_rate, 4)
    assert private.objective(batch, 0).item() == pytest.approx(plain.objective(batch, 0).item(), abs=1e-4)
    private.account = told
    assert private.objective(batch, 0).item() != pytest.approx(plain.objective(batch, 0).item(), abs=1e-2)


def begun(problem, steps, secret=None, resume=None):
    """A private distiller after so many of four steps, and its trainer."""
    quiet()
    distiller = prepared(composed_method(problem), problem)
    if secret is not None:
        distiller.secret.fill_(secret)
    data = OuterData(problem, 20, 4, 50, poisson_seed=distiller.poisson_seed)
    trainer = pl.Trainer(max_steps=steps, max_epochs=-1, limit_val_batches=0, enable_checkpointing=False, **STILL)
    trainer.fit(distiller, datamodule=data, ckpt_path=resume, weights_only=True)
    return distiller, trainer


def test_a_resumed_run_draws_the_same_noise_and_another_run_other(of_a_model, tmp_path):
    half, trainer = begun(of_a_model, 2)
    trainer.save_checkpoint(tmp_path / "half.ckpt")
    resumed, _ = begun(of_a_model, 4, resume=tmp_path / "half.ckpt")
    whole, _ = begun(of_a_model, 4, secret=int(half.secret))
    assert int(resumed.secret) == int(half.secret)
    assert torch.equal(resumed.synthetic.x, whole.synthetic.x)
    other, _ = begun(of_a_model, 4)
    assert int(other.secret) != int(half.secret)
    assert not torch.equal(other.synthetic.x, whole.synthetic.x)


def test_the_last_set_is_kept_and_not_the_one_that_did_best(of_a_model):
    distiller = prepared(composed_method(of_a_model), of_a_model)
    distiller.best_accuracy.fill_(0.9)
    assert distiller.keeps(torch.tensor(0.1))
    distiller.config.privacy = PrivacyConfig()
    assert not distiller.keeps(torch.tensor(0.1))


def test_without_privacy_nothing_changes(problem):
    """No secret, the batches of old, and the same set again."""
    config = options("gradient_matching", gradient="head")
    assert config.privacy == PrivacyConfig()
    assert not config.privacy.on
    one, other = (fitted(config, problem)[0] for _ in range(2))
    assert "secret" not in one.state_dict()
    assert one.poisson_seed() is None
    assert one.told() == {}
    assert torch.equal(one.synthetic.x, other.synthetic.x)
    rows = OuterBatches(problem.train, 32, 4, seed=0).rows(1)
    assert len(set(rows)) == 32


@pytest.fixture
def made(llama, places):
    quiet()
    return distil(TEXTS, LABELS, per_class=2, student="causal_lm", path=llama, **options_of(**places))


def test_the_artefact_tells_the_promise_and_no_figures_of_the_texts(made, tmp_path):
    assert made.kind == "matrices"
    assert "validation_accuracy" in made.manifest["distilling"]  # in the run's own record
    made.manifest["metrics"] = {"distilled": {"accuracy": {"mean": 0.7, "std": 0.1}}}
    made.save(tmp_path / "set")
    files = {path.name: path.read_bytes() for path in (tmp_path / "set").iterdir()}
    assert set(files) == {"distilled.safetensors", "manifest.json", "README.md"}
    told = json.loads(files["manifest.json"])
    assert told["privacy"]["epsilon"] == 4
    assert told["privacy"]["noise_multiplier"] > 0.3
    assert told["privacy"]["repeatable"] is False
    assert told["metrics"] == {}
    assert told["corpus"]["key"] == ""
    assert b"validation_accuracy" not in files["manifest.json"]
    card = files["README.md"].decode()
    assert "differentially private with ε = 4" in card
    assert "0.7" not in card
    again = DistilledSet.load(tmp_path / "set")
    assert again.manifest["privacy"] == told["privacy"]


def test_trust_tells_the_promise(made, places, tmp_path, llama):
    more = {"students": 1, "against": ["random"], "resamples": 100, "model.path": llama, "trust.triggers": 0}
    given = {"cache_dir": places["cache_dir"], "answer": "head", "tuning": "head"}
    named = {f"model.{name}" if name in ("answer", "tuning") else name: value for name, value in given.items()}
    result = trust_report(made, TEXTS, LABELS, student="causal_lm", **named, **more)
    assert result["privacy"]["epsilon"] == 4
    assert result["remarks"][0].startswith("The maker promises that the set is (ε, δ)-differentially private")


def test_the_nearest_words_keep_the_promise(llama, places, tmp_path):
    quiet()
    made = distil(TEXTS, LABELS, per_class=2, student="causal_lm", **{**chain(**places), "model.path": llama})
    assert made.kind == "texts"
    made.save(tmp_path / "set")
    told = json.loads((tmp_path / "set" / "manifest.json").read_text())
    assert told["privacy"]["epsilon"] == 4
    assert "validation_accuracy" not in json.dumps(told)
    assert told["recipe"]["steps"] == 100  # and not what did best on validation texts
    export(made, tmp_path / "texts.jsonl")
    assert "differentially private with ε = 4" in (tmp_path / "README.md").read_text()


def test_only_a_promise_leaves_things_out():
    manifest = {"metrics": {"a": 1}, "distilling": {"validation_accuracy": 0.5}}
    assert released(manifest) is manifest


def test_small_numbers_are_rounded_up():
    assert [shortened(value) for value in (0.00104, 1e-5, 2.51e-7, 0)] == ["0.0011", "1e-05", "2.6e-07", "0"]


def test_private_experiment_is_a_right_line(llama, places):
    run = composed(TEXTS, LABELS, 2, "causal_lm", {"experiment": "gradmm_private", "model.path": llama, **places})
    method = run.distiller.options["gradient_matching"]
    assert isinstance(method, GradientMatchingConfig)
    assert (method.privacy.epsilon, method.start) == (8, "noise")
