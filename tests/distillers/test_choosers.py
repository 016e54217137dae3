"""What every method must do that chooses texts, whichever it is: one table of configurations."""

import dataclasses
import json
from functools import partial

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from textdd.choosing.choose import SEARCH, choose
from textdd.choosing.labels import LABELS
from textdd.choosing.method import PICKS
from textdd.choosing.pool import FORMS
from textdd.config import register
from textdd.distillers import CHOOSERS
from textdd.errors import TextddError
from textdd.evaluation.scoring import score
from textdd.groups import CONF
from textdd.loggers import LoggerConfig, Mirrors
from textdd.outer.materials import Materials, Place
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.texts import TextSet
from textdd.sets.training_set import train_students
from textdd.trainer import TrainerConfig, make_trainer
from textdd.writing.plan import plan_of_writing
from textdd.writing.tuning import TuneConfig

SMALL = {"rounds": 12, "redraw": 4, "asked": 60, "looked_at": 20, "rerank": 2}
SMALL |= {"inner_steps": 20, "step_sizes": [0.01]}
VARIANTS = [
    *(("bilevel_selection", {"start": start}) for start in PICKS),
    *(("bilevel_selection", {"labels": labels}) for labels in LABELS),
    *(("bilevel_selection", {"form": form, "tokens": 6}) for form in FORMS),
    ("generate", {"tune": TuneConfig(steps=4, rank=2)}),
    ("generate", {"tune": TuneConfig(matching=3, drafts=32, drafts_together=4, rank=2)}),
]
TABLE = [
    *(("problem", name, {}) for name in CHOOSERS),
    *(pytest.param("problem", name, changes, marks=pytest.mark.slow) for name, changes in VARIANTS),
    *(("several_labels", name, {}) for name in CHOOSERS),
    *(("several_labels", "bilevel_selection", {"labels": labels}) for labels in LABELS if labels != "hard"),
    *(("pairs", name, {}) for name in CHOOSERS),
]


@pytest.fixture
def options(request):
    """Small options of a method by its name; a method that writes gets a small language model."""

    def options(name, **changes):
        if name == "generate":
            changes = {
                "language_model": request.getfixturevalue("language_model"),
                "written": 64,
                "longest": 40,
                **changes,
            }
        return small_options(name, **changes)

    return options


def small_options(name, **changes):
    register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = OmegaConf.to_object(compose("config", [f"distiller={name}"]).distiller)
    return dataclasses.replace(config, **{**SMALL, **changes})


def chosen(config, problem, folder, source=None):
    """A set, as a run of this method makes it."""
    candidates, _ = CHOOSERS[config.name]
    mirrors = Mirrors(LoggerConfig(), folder, "", "", {})
    shared = (
        problem.cache / "materials" / f"{problem.corpus.key}-{problem.space.sha256[:8]}"
    )  # one teacher for all tests
    make = partial(make_trainer, TrainerConfig(accelerator="cpu"), alone=True)
    materials = Materials(problem, shared, make)
    manifest = {
        "dataset": "demo",
        "classes": problem.corpus.classes,
        "task": problem.task.name,
        "distiller": {"name": config.name},
        "student": {"name": "textcnn"},
        "embedding": {"name": "corpus"},
        "per_class": 2,
        "length": problem.space.length,
        "versions": {"textdd": "0.4"},
        "metrics": {},
    }
    return choose(config, candidates, materials, Place(folder, shared, mirrors), manifest, source)


@pytest.mark.parametrize(("which", "name", "changes"), TABLE)
class TestEveryChooser:
    @pytest.fixture
    def subject(self, which, request):
        return request.getfixturevalue(which)

    def test_a_set_of_readable_texts_of_every_class_in_turn(self, subject, name, changes, tmp_path, options):
        made = chosen(options(name, **changes), subject, tmp_path / "run")
        assert isinstance(made, TextSet)
        assert len(set(made.texts)) == len(made) == 2 * subject.classes
        assert all(segment.strip() for text in made.texts for segment in text)
        assert len(made.origins) == len(made)
        assert made.manifest["distilling"]["outer_steps"] <= 12
        if name == "generate":  # what became of all that was written
            assert sum(made.manifest["distilling"]["drafts"].values()) == 64 * subject.classes
        if subject.task.name == "one_class" and changes.get("labels") != "teacher":
            assert made.text_labels.argmax(1).tolist() == [m % subject.classes for m in range(len(made))]
        assert 0 <= float(made.text_labels.min()) <= float(made.text_labels.max()) <= 1

    def test_it_trains_students(self, subject, name, changes, tmp_path, options):
        made, reader = chosen(options(name, **changes), subject, tmp_path / "run"), subject.reader()
        trained = train_students(subject.student, [made.training_set(reader)], made.recipe, [0, 1], [made.recipe.steps])
        headline = subject.task.measures[0]
        assert float(score([theta for (theta,) in trained], subject.validation, reader)[headline].mean()) > 0.3

    def test_one_seed_gives_one_set_and_a_killed_run_the_same(
        self, subject, name, changes, tmp_path, monkeypatch, options
    ):
        config = options(name, **changes)
        whole = chosen(config, subject, tmp_path / "whole")

        class Killed(Exception):
            """Stands for a kill."""

        from textdd.loggers.metrics import MetricsFile

        def killed(self, metrics, step=None):
            if step == 8:
                raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(MetricsFile, "log_metrics", killed)
            with pytest.raises(Killed):
                chosen(config, subject, tmp_path / "killed")
        assert json.loads((tmp_path / "killed" / SEARCH).read_text())["round"] == 4
        again = chosen(config, subject, tmp_path / "killed")
        assert again.texts == whole.texts
        assert torch.equal(again.text_labels, whole.text_labels)
        assert again.recipe == whole.recipe

    def test_it_is_kept_and_found_again(self, subject, name, changes, tmp_path, options):
        made = chosen(options(name, **changes), subject, tmp_path / "run")
        made.save(tmp_path / "artifact")
        again = DistilledSet.load(tmp_path / "artifact")
        assert again.texts == made.texts
        assert again.origins == made.origins


@pytest.mark.parametrize("name", CHOOSERS)
def test_a_set_of_texts_is_a_warm_start(name, problem, tmp_path, options):
    first = chosen(options(name), problem, tmp_path / "first")
    again = chosen(options(name, rounds=1, asked=10), problem, tmp_path / "second", first)
    assert len(set(again.texts) & set(first.texts)) >= len(first) - 1
    assert again.text_labels.argmax(1).tolist() == [m % 3 for m in range(6)]


@pytest.mark.parametrize("name", CHOOSERS)
def test_a_warm_start_of_another_size_is_refused(name, problem, tmp_path, options):
    first = chosen(options(name), problem, tmp_path / "first")
    with pytest.raises(TextddError, match=r"has 1 texts per class, this run 2\. Type: per_class=1"):
        chosen(options(name), problem, tmp_path / "second", first.first(1))


@pytest.mark.parametrize("form", ["joined", "trimmed"])
def test_pairs_stay_whole(form, pairs, tmp_path, options):
    with pytest.raises(TextddError, match=r"both segments stay whole\. Type: distiller\.form=whole"):
        chosen(options("bilevel_selection", form=form), pairs, tmp_path / "run")


def test_joined_texts_use_the_tokens_they_may_have(problem, tmp_path, options):
    """Of several texts of one class, no longer than allowed, and longer than one text would be."""
    made = chosen(options("bilevel_selection", form="joined", tokens=24), problem, tmp_path / "run")
    counts = [len(problem.space.tokeniser.encode(text).ids) for (text,) in made.texts]
    assert max(counts) <= 24
    whole = {text for (text,) in problem.corpus.train.texts(range(len(problem.corpus.train)))}
    assert sum(text not in whole for (text,) in made.texts) >= 3


@pytest.mark.parametrize("tune", [{}, {"steps": 40, "matching": 30, "rank": 2, "drafts": 64, "drafts_together": 2}])
def test_a_plan_of_writing_writes_nothing_that_is_kept(tune, problem, tmp_path, options):
    problem = dataclasses.replace(problem, cache=tmp_path)
    make = partial(make_trainer, TrainerConfig(accelerator="cpu"), alone=True)
    found = plan_of_writing(options("generate", tune=TuneConfig(**tune)), Materials(problem, tmp_path, make))
    assert found.outer_steps == 12
    assert 0 < found.seconds_before < found.seconds
    assert not (tmp_path / "written").exists()
    assert not (tmp_path / "tuned").exists()


def test_a_plan_sends_nothing(problem, tmp_path, options, capfd):
    make = partial(make_trainer, TrainerConfig(accelerator="cpu"), alone=True)
    config = options("generate", language_model=None, endpoint="http://localhost:9/v1")
    assert plan_of_writing(config, Materials(problem, tmp_path, make)).seconds_before == 0
    assert "6 prompts would go to http://localhost:9/v1" in " ".join(capfd.readouterr().err.split())
