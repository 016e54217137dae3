"""What every way must do that turns matrices into words: one table of configurations."""

import dataclasses

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from tests.distillers.test_distillers import options as options_of_distillers
from tests.students.test_pretrained import problem_of
from tests.tiny import bert_of_pieces, tiny_gpt
from textdd.checks import check
from textdd.cli import compose_config
from textdd.config import register, to_run
from textdd.distillers.project import LABELS, ONTO
from textdd.errors import TextddError
from textdd.groups import CONF
from textdd.loggers import LoggerConfig, Mirrors
from textdd.loggers.metrics import MetricsFile
from textdd.outer.materials import Place
from textdd.outer.start import started_set
from textdd.projecting.plan import plan_of_projecting
from textdd.projecting.project import project
from textdd.quiet import quiet
from textdd.seeds import numpy_generator
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.matrices import MatrixSet
from textdd.sets.texts import TextSet
from textdd.trainer import TrainerConfig

SMALL = {"outer_steps": 4, "check_every": 2, "check_texts": 50, "inner_steps": 20, "step_sizes": [0.01], "near": 4}
TABLE = [
    *(("problem", onto, {}) for onto in ONTO),
    *(
        pytest.param("problem", onto, {"labels": "hard", "metric": "euclid"}, marks=pytest.mark.slow)
        for onto in ("nearest", "mixture")
    ),
    *(("of_a_model", onto, {}) for onto in ONTO),
    ("several_labels", "mixture", {}),
    ("pairs", "admm", {}),
]


@pytest.fixture(autouse=True)
def as_a_run_is():
    """Lightning's remarks are switched off in every run."""
    quiet()


def options(onto, language_model, **changes):
    register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = OmegaConf.to_object(compose("config", ["distiller=project"]).distiller)
    given = {"language_model": language_model} if onto == "admm" else {}
    return dataclasses.replace(config, onto=onto, **{**SMALL, **given, **changes})


@pytest.fixture(scope="module")
def language_model(tmp_path_factory):
    pytest.importorskip("transformers", reason="needs transformers")
    return str(tiny_gpt(tmp_path_factory.mktemp("gpt"), spread=5.0))


@pytest.fixture(scope="module")
def of_a_model(tmp_path_factory):
    """Texts that a pretrained encoder reads with [CLS] and [SEP] around."""
    pytest.importorskip("transformers", reason="needs transformers")
    folder, generator = tmp_path_factory.mktemp("pieces"), numpy_generator(0, "pieces")
    texts = [" ".join(generator.choice(["dogs", "rain", "plays"][i % 2 :], 6)) for i in range(20)]
    return dataclasses.replace(problem_of(folder, bert_of_pieces(folder / "bert"), texts), per_class=2)


def manifest_of(problem):
    space = problem.space
    return {
        "dataset": "demo",
        "classes": problem.corpus.classes,
        "task": problem.task.name,
        "distiller": {"name": "project"},
        "student": {"name": "textcnn"},
        "embedding": {"name": "corpus"},
        "space": {"name": space.name, "kind": space.kind, "sha256": space.sha256, "path": space.facts.get("path")},
        "per_class": 2,
        "length": space.length,
        "seed": 0,
        "versions": {"textdd": "0.4"},
        "metrics": {},
    }


def source_of(problem, noise=0.3):
    """Matrices of real texts that were moved a little, with soft labels."""
    synthetic = started_set(options_of_distillers("meta_gradient", length=7, pieces=1), problem).synthetic
    generator = torch.Generator().manual_seed(0)
    x = synthetic.x.detach()
    x = x + noise * x.std() * torch.randn(x.shape, generator=generator)
    y, manifest = synthetic.text_labels().detach(), manifest_of(problem)
    return MatrixSet(x, y, synthetic.step_sizes().detach(), synthetic.recipe, problem.space, manifest)


def projected(config, problem, folder, source=None):
    """A set, as a run of this method makes it."""
    place = Place(folder, problem.corpus.folder / "materials-project", Mirrors(LoggerConfig(), folder, "", "", {}))
    source = source or source_of(problem)
    return project(config, problem, TrainerConfig(accelerator="cpu"), place, manifest_of(problem), source)


@pytest.mark.parametrize(("which", "onto", "changes"), TABLE)
class TestEveryWay:
    @pytest.fixture
    def subject(self, which, request):
        return request.getfixturevalue(which)

    def test_texts_of_words_with_labels_and_a_recipe(self, subject, onto, changes, language_model, tmp_path):
        config, source = options(onto, language_model, **changes), source_of(subject)
        made = projected(config, subject, tmp_path / "run", source)
        assert isinstance(made, TextSet)
        assert made.origins == ["projected"] * len(source.text_labels)
        tokens = subject.space.tokens(made.texts)
        assert tokens.ids.shape[1] <= 7
        assert not (tokens.ids == subject.space.tokeniser.token_to_id("[UNK]")).any()
        assert all(segment.strip() for text in made.texts for segment in text)
        if config.labels == "hard":
            assert torch.equal(made.text_labels, subject.task.hardened(source.text_labels))
        elif onto == "nearest":
            assert torch.equal(made.text_labels, source.text_labels)
        facts = made.manifest["distilling"]
        assert facts["outer_steps"] == (0 if onto == "nearest" else 4)
        assert 0 < facts["validation_accuracy"] <= 1
        assert 0 < facts["matrices"]["validation_accuracy"] <= 1
        assert facts["seconds"] > 0
        assert made.recipe.steps <= 20
        made.save(tmp_path / "artifact")
        again = DistilledSet.load(tmp_path / "artifact")
        assert (again.texts, again.origins) == (made.texts, made.origins)


@pytest.mark.parametrize("onto", [pytest.param("mixture", marks=pytest.mark.slow), "admm"])
def test_one_seed_gives_one_set_and_a_killed_run_the_same(onto, problem, language_model, tmp_path, monkeypatch):
    config = options(onto, language_model, outer_step_size=0.3)
    whole = projected(config, problem, tmp_path / "whole")

    class Killed(Exception):
        """Stands for a kill."""

    def killed(self, metrics, step=None):
        if step >= 3:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(MetricsFile, "log_metrics", killed)
        with pytest.raises(Killed):
            projected(config, problem, tmp_path / "killed")
    assert (tmp_path / "killed" / "checkpoints" / "last.ckpt").exists()
    again = projected(config, problem, tmp_path / "killed")
    assert again.texts == whole.texts
    assert torch.equal(again.text_labels, whole.text_labels)
    assert again.recipe == whole.recipe
    assert again.texts != projected(options("nearest", None), problem, tmp_path / "nearest").texts


@pytest.mark.parametrize("labels", LABELS)
def test_words_of_real_texts_are_these_texts(labels, problem, tmp_path):
    source = source_of(problem, noise=0.0)
    made = projected(options("nearest", None, labels=labels), problem, tmp_path, source)
    real = started_set(options_of_distillers("meta_gradient", length=7, pieces=1), problem).synthetic
    assert torch.equal(problem.space.table[problem.space.tokens(made.texts).ids][..., :7, :], real.x.detach())


@pytest.mark.parametrize("onto", ONTO)
def test_a_plan_needs_no_matrices(onto, problem, language_model, tmp_path):
    found = plan_of_projecting(options(onto, language_model), problem, TrainerConfig(accelerator="cpu"), tmp_path)
    assert found.outer_steps == (0 if onto == "nearest" else 4)
    assert (found.seconds > 0) == (onto != "nearest")


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda s: TextSet([("a",)] * 6, s.y, None, s.recipe, s.manifest), r"one of texts already.*Type: distiller="),
        (lambda s: s.manifest["space"].update(sha256="0"), r"other vectors.*Type the options.*embedding=corpus seed=0"),
        (lambda s: s.manifest.update(classes=["a", "b"]), "has 2 classes"),
    ],
)
def test_what_cannot_be_projected_is_refused(spoil, expected, problem, tmp_path):
    source = source_of(problem)
    with pytest.raises(TextddError, match=expected):
        projected(options("nearest", None), problem, tmp_path, spoil(source) or source)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["distiller=project"], r"without matrices.*Type: distiller=chain distiller.stages=\[meta_gradient,project\]"),
        (["distiller=chain", "distiller.stages=[project,label_distillation]"], "without matrices"),
        (
            ["distiller=chain", "distiller.stages=[meta_gradient,project]", "distiller.options.project.onto=admm"],
            r"project\.onto=admm without a language model.*Type for instance: distiller\.options\.project\.language",
        ),
    ],
)
def test_what_is_missing_is_said_before_data_is_read(arguments, expected):
    register()
    with pytest.raises(TextddError, match=expected):
        check(to_run(compose_config("config", arguments)))


def test_a_projection_alone_takes_no_minutes():
    assert options("nearest", None, minutes=3.0).minutes == 0.0
    assert options("mixture", None, minutes=3.0).minutes == 3.0
