"""A set of texts from the run that makes it to the file that is handed on, by the commands."""

import json
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from tests.conftest import SMALL
from textdd import DistilledSet, evaluate, export
from textdd.cli import compose_config
from textdd.config import register, to_run
from textdd.errors import TextddError
from textdd.groups import CONF
from textdd.prepare import prepare
from textdd.quality import __main__ as quality
from textdd.report.page import write_report
from textdd.report.results import find
from textdd.report.terminal import print_results
from textdd.report.texts import print_quality
from textdd.run import execute
from textdd.sets import exported

register()
REAL = ("distiller.parametrisation=real", "distiller.length=0", "logger=csv", "distiller.outer_steps=10")


def run_of(place, *options):
    words = [*SMALL, *REAL, f"cache_dir={place}/cache", f"output_dir={place}/runs", *options]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return to_run(compose("config", words))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder in which a run has made a set of real texts."""
    place = tmp_path_factory.mktemp("made")
    return place, execute(run_of(place))


@pytest.fixture
def working(made, monkeypatch, tmp_path):
    """The run's folder, and an empty one to work in."""
    monkeypatch.chdir(tmp_path)
    place, result = made
    return place, result.parent / "artifact"


def test_a_run_examines_its_texts(made, capsys):
    place, path = made
    result = json.loads(path.read_text())
    found = result["quality"]
    assert found["origins"] == {"real": 9}
    assert found["copied"]["exactly"] == 1
    assert found["likeness"] == pytest.approx(1)
    assert 0 <= result["methods"]["distilled"]["teacher_agreement"] <= 1
    page = write_report(find([place / "runs"]), place / "out").read_text()
    assert "100% exactly, 0% nearly" in page
    assert page.count("real, exactly as in the corpus") == 9


def test_a_file_is_scored_and_examined(working, monkeypatch):
    place, artifact = working
    monkeypatch.setattr("textdd.outer.teacher.STEPS", 5)
    monkeypatch.setattr("textdd.outer.teacher.EPOCHS", 1)
    path = export.execute(export.composed([f"artifact={artifact}", f"to={place}/shared/set.csv"]))
    corpus = ["dataset=demo", *(word for word in SMALL if word.startswith("dataset."))]
    words = [f"artifact={path}", f"cache_dir={place}/cache", *corpus, "embedding=corpus", "embedding.dimension=16"]
    result = quality.execute(quality.composed([*words, "model=textcnn", "model.filters=8"]))
    assert result == Path("quality-set-demo.json")
    assert json.loads(result.read_text())["copied"]["exactly"] == 1
    given = [*words, "students=1", "steps=10", "step_sizes=[0.01]"]
    config = evaluate.OmegaConf.to_object(compose_config("evaluate", given))
    assert evaluate.execute(config) == Path("evaluation-set-demo-textcnn-1-s0.json")
    with pytest.raises(TextddError, match=r"whose test texts are to be read.*Type: dataset=NAME"):
        evaluate.execute(evaluate.OmegaConf.to_object(compose_config("evaluate", [f"artifact={path}"])))


def test_test_texts_are_refused_unless_allowed_and_then_said_beside_every_figure(working, capsys):
    place, artifact = working
    run = run_of(place)
    small = DistilledSet.load(artifact)
    problem = prepare(run)
    small.texts[0] = problem.corpus.test.texts([0])[0]
    file = place / "leaky" / "set.jsonl"
    exported.export(small, file)
    options = [f"distiller.warm_start={file}", "distiller.length=-1", f"output_dir={place}/leaks"]
    with pytest.raises(TextddError, match=r"Of the 9 texts of the set, 1 among the test texts.*allow_overlap=true"):
        execute(run_of(place, *options))
    path = execute(run_of(place, *options, "quality.allow_overlap=true"))
    assert DistilledSet.load(path.parent / "artifact").texts == small.texts
    print_results(json.loads(path.read_text()))
    assert "of the 9 texts of the set, 1 among the test texts" in " ".join(capsys.readouterr().out.split())
    page = write_report(find([place / "leaks"]), place / "leaks-out").read_text()
    assert page.count("of the 9 texts of the set, 1 among the test texts") > 5


def test_terminal_shows_texts_in_one_line_and_obeys_none(capsys):
    rows = [{"text": "\x1b[31m[red]" + "long " * 99, "label": "[b]x", "origin": "real"}] * 12
    found = {"tokens": 1, "bytes": 1, "gzip_bytes": 1, "distinct": dict.fromkeys("123", 1.0), "likeness": 1.0}
    found |= {"duplicates": {"exact": 0, "near": 0}, "copied": {"exactly": 0, "nearly": 0}, "texts": rows}
    print_quality({**found, "overlap": {"validation": 0, "test": 0}})
    out = capsys.readouterr().out
    assert "\x1b[31m" not in out
    assert r"\x1b[31m[red]long" in out
    assert "[b]x" in out
    assert out.count("…") == 10
    assert "and 2 more" in out


@pytest.mark.parametrize("name", ["评论 ü.csv", "a=b, 100% {c} [d].csv", "it's #1 $x;(y).csv"])
def test_paths_are_read_as_they_are_typed(name):
    exported = export.composed([f"artifact={name}", f"to=other {name}"])
    assert (exported.artifact, exported.to) == (name, f"other {name}")
    assert quality.composed([f"artifact={name}"]).artifact == name
