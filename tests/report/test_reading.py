"""What a report reads: every run is found, and whatever cannot be used is named and stops nothing."""

import json
import re

import pytest

from tests.report.conftest import invented
from textdd.errors import TextddError
from textdd.report.command import command_of, options_of
from textdd.report.pooling import configurations
from textdd.report.results import find

DAMAGES = {
    "not JSON": ('{"dataset": ', "it cannot be read: Expecting value"),
    "no object": ([1], "the file is .1.; an object is allowed"),
    "of an old version": ({"dataset": "demo", "methods": {}}, "per_class is missing"),
    "without full data": (invented() | {"methods": {"distilled": {}}}, r"methods.distilled.accuracy is missing"),
    "a word for a number": (invented() | {"per_class": "ten"}, "per_class is 'ten'; a whole number is allowed"),
    "not finite": (
        json.dumps(invented()).replace('"budget": 0.003', '"budget": NaN'),
        "it holds NaN, which is no number",
    ),
    "truth for a number": (invented(budget=True), "budget is True; a finite number is allowed"),
}


@pytest.mark.parametrize(("content", "what"), [pytest.param(*damage, id=name) for name, damage in DAMAGES.items()])
def test_damaged_result_is_named_and_the_others_are_read(content, what, place):
    place("good", invented())
    found = find([place("bad", content)])
    assert [run.name for run in found.runs] == ["runs/good"]
    (trouble,) = found.troubles
    assert (trouble.kind, trouble.name) == ("damaged", "runs/bad")
    assert re.search(what, trouble.what)


def test_bad_number_of_a_variant_is_found(place):
    result = invented()
    del result["methods"]["distilled"]["variants"]["hard_labels"]["curve"]["std"]
    (trouble,) = find([place("bad", result)]).troubles
    assert "methods.distilled.variants.hard_labels.curve.std is missing" in trouble.what


def test_runs_in_folders_of_folders_and_single_files(place):
    root = place("sweep/a", invented(seed=1))
    place("sweep/b", invented(seed=0))
    assert [run.result["seed"] for run in find([root]).runs] == [0, 1]
    assert [run.name for run in find([root / "sweep" / "a"]).runs] == ["a"]
    assert len(find([root / "sweep" / "a" / "result.json", root]).runs) == 2  # one of them is the same


def test_failed_and_unfinished_runs_are_named(mixed):
    found = find([mixed])
    assert {(trouble.kind, trouble.name) for trouble in found.troubles} == {
        ("damaged", "runs/damaged"), ("failed", "demo-s7"), ("unfinished", "runs/unfinished"),
    }  # fmt: skip
    failed = next(trouble for trouble in found.troubles if trouble.kind == "failed")
    assert (failed.what, failed.command, failed.details) == ("<b>no</b>", "python -m textdd.run seed=7", "Trace <i>")
    (mixed / "failed" / "broken.json").write_text("{}")
    names = [trouble.what for trouble in find([mixed]).troubles if trouble.name == "broken"]
    (mixed / "failed" / "broken.json").unlink()
    assert names == ["broken.json: command is missing"]


def test_nothing_to_report(tmp_path):
    with pytest.raises(TextddError, match=r"There is no .*Type: runs=runs"):
        find([tmp_path / "nowhere"])
    with pytest.raises(TextddError, match=r"No result.json under .*python -m textdd.run"):
        find([tmp_path])


def test_repeated_and_missing_runs_are_named(place):
    for name, result in {"a": invented(), "copy": invented(), "b": invented(per_class=60, seed=0)}.items():
        place(name, result)
    root = place("c", invented(per_class=60, seed=5))
    known, troubles = configurations(find([root]).runs)
    assert [configuration.seeds for configuration in known] == [[0], [0, 5]]
    repeated, missing = troubles
    assert (repeated.kind, repeated.name) == ("repeated", "runs/copy")
    assert (missing.kind, missing.name) == ("missing", "ag_news, 30 per class, seed 5")
    assert missing.command.endswith("dataset=ag_news model=textcnn embedding=glove distiller=meta_gradient "
                                    "per_class=30 seed=5")  # fmt: skip


def test_command_makes_the_configuration_again(real):
    """What is read off a result composes to what was run, all but places."""
    from textdd.cli import compose_config

    result = json.loads((real / "result.json").read_text())
    options = options_of(result)
    composed = compose_config("config", options)
    assert composed.per_class == 3
    assert composed.dataset.demo == result["config"]["dataset"]["demo"]
    for part in ("model", "embedding", "distiller", "evaluation"):
        assert composed[part] == result["config"][part]
    assert not any("cache" in option or "output" in option for option in options)
    assert "'evaluation.step_sizes=[0.01]'" in command_of(options)


def test_command_keeps_folders_to_itself():
    config = {"dataset": {"name": "mine", "path": "/home/someone/texts.csv"}, "data_dir": "/secret", "seed": 3}
    options = options_of(invented(config=config))
    assert "dataset.path=DIR/texts.csv" in options
    assert "dataset.name=mine" in options
    assert not any("/home" in option or "secret" in option for option in options)
