"""Which selectors are compared, and that what one of them was worth is found again whatever the others are."""

import dataclasses
from types import SimpleNamespace

import pytest
import torch
from hydra import compose, initialize_config_dir
from matplotlib.figure import Figure

from tests.conftest import SMALL
from textdd.config import register, to_run
from textdd.evaluation.protocol import EvaluationConfig, Protocol
from textdd.experiment import compare
from textdd.groups import CONF
from textdd.report.figures import draw_accuracy_against_steps
from textdd.report.terminal import results_table

SCORE = {"mean": 0.5, "std": 0.1, "values": [0.4, 0.6]}
RESULT = {
    "accuracy": SCORE,
    "macro_f1": SCORE,
    "bytes": 10,
    "seconds": 1.0,
    "peak_memory_bytes": 10**6,
    "curve": {"steps": [1, 2], "mean": [0.4, 0.5], "std": [0.1, 0.1]},
}


@pytest.fixture
def compared(problem, tmp_path, monkeypatch):
    """Compare with a list of selectors; gives the methods and which selectors had to be scored."""
    scored = []
    monkeypatch.setattr(Protocol, "full", lambda *_: (None, dict(RESULT)))
    monkeypatch.setattr(Protocol, "distilled", lambda *_: dict(RESULT))
    monkeypatch.setattr(Protocol, "selected", lambda _, name, *__: scored.append(name) or dict(RESULT))
    register()

    def compared(selectors, *options):
        scored.clear()
        arguments = [*SMALL, f"cache_dir={tmp_path}", f"evaluation.selectors=[{selectors}]", *options]
        with initialize_config_dir(str(CONF), version_base="1.3"):
            run = to_run(compose("config", arguments))
        distilled = SimpleNamespace(manifest={"distilling": {"seconds": 1.0, "peak_memory_bytes": 10**6}})
        folder = tmp_path / f"run-{selectors}"
        methods = compare(run, dataclasses.replace(problem, cache=tmp_path), distilled, folder)
        return methods, list(scored)

    return compared


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        (["random"], ["random"]),
        ([], ["random"]),
        (["k_center", "herding"], ["random", "k_center", "herding"]),
        (["herding", "random", "herding"], ["random", "herding"]),
    ],
)
def test_random_is_always_compared(listed, expected, problem):
    config = dataclasses.replace(EvaluationConfig(), selectors=listed)
    assert Protocol(config, problem, torch.device("cpu"), 0).selectors() == expected


def test_selectors_stand_between_distilled_and_full(compared):
    methods, _ = compared("herding,k_means")
    assert list(methods) == ["distilled", "random", "herding", "k_means", "full"]
    assert all(method["recovery"] == 1 for method in methods.values())


def test_each_is_scored_once_whatever_the_list(compared):
    assert compared("")[1] == ["random"]
    assert compared("herding")[1] == ["herding"]
    assert compared("k_center,random,herding")[1] == ["k_center"]
    assert compared("herding", "evaluation.steps=20")[1] == ["random", "herding"]
    assert compared("herding", "seed=1")[1] == ["random", "herding"]


def test_each_has_its_row_and_its_line(compared):
    methods, _ = compared("herding,k_center,k_means")
    result = {"dataset": "demo", "per_class": 3, "budget": 0.015, "students": 2, "methods": methods}
    whole = result | {"model": "textcnn", "embedding": "corpus", "distiller": "meta_gradient"}
    in_pieces = methods | {"distilled": methods["distilled"] | {"pieces": 4}}
    table, cut = results_table(whole), results_table(whole | {"methods": in_pieces})
    assert [cell for cell in table.columns[0].cells] == [f"[bold]{name}[/bold]" for name in methods]
    assert table.title.startswith("demo: 3 per class, 1.5 % of the training texts; textcnn")
    assert cut.title.startswith("demo: 3 per class in 4 pieces each, 1.5 %")
    axes = Figure().subplots()
    draw_accuracy_against_steps(axes, result)
    shown = [text.get_text() for text in axes.get_legend().get_texts()]
    assert [text.split(":")[0] for text in shown] == [*list(methods)[:-1], "full data"]
    assert len({line.get_color() for line in axes.get_lines()}) == len(methods)
