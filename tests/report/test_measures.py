"""Tasks with other measures: read, pooled, shown under their names, and never mixed without a word."""

import io
import json
import re
from types import SimpleNamespace

import pytest
import torch
from matplotlib.figure import Figure
from rich.console import Console

from tests.report.conftest import SEVERAL_LABELS, invented
from tests.report.test_tables import lines_of, table_of
from textdd.report.figures import OTHERS, colours, draw_accuracy_against_steps
from textdd.report.gallery import pictures
from textdd.report.inside import course, readings
from textdd.report.measures import called, either
from textdd.report.page import write_report
from textdd.report.paper import PAPER
from textdd.report.pooling import configurations
from textdd.report.results import find
from textdd.report.tables import accuracies, uses
from textdd.report.terminal import print_results, results_table, sweep_table
from textdd.report.texts import written
from textdd.sets.artifact import card
from textdd.sets.distilled_set import DistilledSet


def several(dataset="emotions", **changes):
    return invented(dataset, measures=SEVERAL_LABELS, **changes)


def shown(table):
    console = Console(file=io.StringIO(), width=160, emoji=False)
    console.print(table)
    return console.file.getvalue()


@pytest.fixture
def labelled(place):
    """A configuration of two seeds and two sizes."""
    place("a", several(seed=0))
    place("larger", several(per_class=60, seed=0))
    return place("b", several(seed=4))


@pytest.fixture
def both(place):
    """A corpus of each kind, and one of the paper's under both."""
    place("a", several())
    place("b", invented())
    return place("c", several("dbpedia"))


def test_measures_have_names():
    assert [called(name) for name in SEVERAL_LABELS] == ["micro-F1", "macro-F1", "mean average precision"]
    assert called("exact_match") == "exact match"
    assert either(["x", "micro_f1", "accuracy", "micro_f1"]) == "accuracy or micro-F1 or x"


@pytest.mark.parametrize(
    ("measures", "what"),
    [
        ([], "measures is []; a list of at least 1"),
        ("micro_f1", "measures is 'micro_f1'; a list of"),
        ([1], "measures[0] is 1; a text is allowed"),
        (["accuracy"], "methods.distilled.accuracy is missing"),
        (["seconds"], "methods.distilled.seconds is 10.0; an object"),
        (["micro_f1", "curve"], "methods.distilled.curve.mean is "),
    ],
)
def test_measures_that_are_not_there_are_damage(measures, what, place):
    (trouble,) = find([place("bad", several() | {"measures": measures})]).troubles
    assert (trouble.kind, what in trouble.what) == ("damaged", True), trouble.what


def test_every_measure_is_checked_in_every_part(place):
    result = several()
    del result["methods"]["random"]["transfer"]["fasttext"]["mean_average_precision"]["std"]
    (trouble,) = find([place("bad", result)]).troubles
    assert "methods.random.transfer.fasttext.mean_average_precision.std is missing" in trouble.what


def test_seeds_are_pooled_in_every_measure(labelled):
    known, _ = configurations(find([labelled]).runs)
    distilled = known[0].result["methods"]["distilled"]
    assert [distilled[name]["mean"] for name in SEVERAL_LABELS] == pytest.approx([0.82, 0.72, 0.62])
    assert distilled["recovery"] == pytest.approx(0.82 / 0.92)
    assert distilled["variants"]["hard_labels"]["recovery"] == pytest.approx(0.72 / 0.92)


def test_nothing_is_a_share_of_zero(place):
    result = several()
    result["methods"]["full"]["micro_f1"] |= {"mean": 0.0, "values": [0.0, 0.0]}
    (known,), _ = configurations(find([place("a", result)]).runs)
    assert [method["recovery"] for method in known.result["methods"].values()] == [0, 0, 0]


def test_tables_name_the_measure(labelled):
    table = table_of(accuracies, labelled)
    assert table.caption.startswith("Test micro-F1 of students")
    assert float(lines_of(table)[0]["test micro-F1: distilled"]) == pytest.approx(0.82)
    line = lines_of(table_of(uses, labelled))[0]
    assert [float(line[called(name)]) for name in SEVERAL_LABELS] == pytest.approx([0.82, 0.72, 0.62])
    assert "accuracy" not in line
    assert "accuracy" not in table.caption


def test_rows_of_several_measures_name_theirs(both):
    table = table_of(accuracies, both)
    lines = lines_of(table)
    assert {(line["corpus"], line["measure"]) for line in lines} == {
        ("emotions", "micro-F1"), ("dbpedia", "micro-F1"), *((corpus, "accuracy") for corpus in PAPER),
    }  # fmt: skip
    of = {(line["corpus"], line["measure"]): line for line in lines}
    assert float(of["ag_news", "accuracy"]["the paper's own: distilled"]) == PAPER["ag_news"].distilled
    assert of["dbpedia", "accuracy"]["test accuracy or micro-F1: distilled"] == "not run"
    assert of["dbpedia", "micro-F1"]["the paper's own: distilled"] == "\N{EN DASH}"
    assert "Every number is of the measure that its row names." in table.caption
    used = {line["corpus"]: line for line in lines_of(table_of(uses, both)) if line["used"] == "as it is"}
    assert (used["ag_news"]["micro-F1"], used["emotions"]["accuracy"]) == ("\N{EN DASH}", "\N{EN DASH}")
    assert (used["ag_news"]["measure"], used["emotions"]["measure"]) == ("accuracy", "micro-F1")


def test_the_paper_stands_beside_no_other_measure(place):
    table = table_of(accuracies, place("a", several("ag_news")))
    assert len(table.rows) == 1
    assert not any("paper" in column.group for column in table.columns)


def test_one_corpus_under_two_measures_is_two_configurations(place):
    place("a", several("demo"))
    known, troubles = configurations(find([place("b", invented("demo"))]).runs)
    assert [c.title for c in known] == ["demo, 30 per class, accuracy", "demo, 30 per class, micro-F1"]
    assert troubles == []


def test_figures_name_the_measure(labelled, both):
    del labelled  # lies in the same folder
    labels = {}
    for picture in pictures(configurations(find([both]).runs)[0], [])[:3]:
        assert picture.heading.startswith("Accuracy or micro-F1 against")
        for panel in picture.panels:
            axes = Figure().subplots()
            panel.draw(axes)
            labels.setdefault(picture.name, set()).add((panel.title.split(", ")[0], axes.get_ylabel()))
    assert labels["figure4"] == {("emotions", "test micro-F1")}
    assert labels["seconds"] == {
        ("ag_news", "test accuracy"), ("emotions", "test micro-F1"), ("dbpedia", "test micro-F1"),
    }  # fmt: skip
    assert ("emotions", "validation micro-F1") in labels["figure3"]


def test_curves_are_of_the_headline(tmp_path):
    axes = Figure().subplots()
    draw_accuracy_against_steps(axes, several())
    assert axes.get_ylabel() == "validation micro-F1"
    assert axes.get_legend().get_texts()[0].get_text() == "distilled: test 0.810 ± 0.014"
    (tmp_path / "metrics.jsonl").write_text('{"step": 1, "validation/micro_f1": 0.5}\n')
    assert course(tmp_path / "metrics.jsonl", "micro_f1") == [(2, 0.5)]
    assert course(tmp_path / "metrics.jsonl") == []


def test_methods_of_any_name_have_colours_of_their_own():
    found = colours(["distilled", "written", "random", "rewritten", "written"])
    assert list(found) == ["distilled", "written", "random", "rewritten"]
    assert [found["written"], found["rewritten"]] == list(OTHERS[:2])
    axes = Figure().subplots()
    result = several()
    result["methods"] = {"written": result["methods"]["random"]} | result["methods"]
    draw_accuracy_against_steps(axes, result)
    assert len({line.get_color() for line in axes.get_lines()}) == 4


def test_terminal_shows_every_measure():
    text = shown(results_table(several()))
    heads = re.search(r"┃ trained on +┃ +micro-F1 ┃ +macro-F1 ┃ +mean average precision ┃ +recovery ┃", text)
    assert heads
    assert "0.8100 ± 0.0141 │ 0.7100 ± 0.0141 │        0.6100 ± 0.0141 │" in text
    assert "test micro-F1, mean ± std of 2 fresh students" in text


def test_a_sweep_over_several_measures_names_them():
    text = shown(sweep_table([invented(), several()]))
    assert "test accuracy or micro-F1, mean" in text
    assert re.search(r"│ emotions +│ 30 +│ meta_gradient +│ micro-F1 +│ 0.8100", text)
    assert "measure" not in shown(sweep_table([several()]))


def test_names_are_no_markup(capsys):
    name = "[bold red]x[/]:star:[/nothing]"
    result = invented(name, distiller=name, measures=("accuracy", "[b]est"))
    result["methods"][name] = result["methods"]["random"] | {"variants": {name: result["methods"]["random"]}}
    result["methods"]["random"]["transfer"] = {name: result["methods"]["distilled"]}
    for text in (shown(results_table(result)), shown(sweep_table([result, several(name)]))):
        assert name in text
        assert "[/bold]" not in text
    assert f"student {name}" in shown(results_table(result))
    assert "[b]est" in shown(results_table(result))
    print_results(result)
    assert ":star:" in capsys.readouterr().out


def test_page_of_several_measures(both, tmp_path):
    page = write_report(find([both]), tmp_path / "out").read_text()
    assert "Accuracy or micro-F1 (table 2)" in page
    assert "full data's accuracy or micro-F1" in page
    assert page.count("micro-F1</td>") > 2
    assert 'id="texts"' not in page
    (both / "b" / "result.json").unlink()
    page = write_report(find([both]), tmp_path / "out").read_text()
    assert '<h2 id="table2">Micro-F1 (table 2)</h2>' in page
    assert "accuracy" not in page.lower()


def test_texts_are_shown_as_they_are(place, monkeypatch, tmp_path):
    texts = [{"text": f"text {i} <b>", "label": "joy & fear" if i % 2 else "anger"} for i in range(25)]
    made_of_texts = SimpleNamespace(
        written=texts, vectors=None, step_sizes=None, y=torch.eye(2), classes=["anger", "joy"]
    )
    assert readings(made_of_texts) == []
    assert [(found.label, len(found.texts), found.more) for found in written(made_of_texts)] == [
        ("anger", 10, 3), ("joy & fear", 10, 2),
    ]  # fmt: skip
    place("a", several())
    (place("a", several()) / "a" / "artifact").mkdir()
    monkeypatch.setattr("textdd.report.page.DistilledSet", SimpleNamespace(load=lambda _: made_of_texts))
    page = write_report(find([tmp_path / "runs"]), tmp_path / "out").read_text()
    assert '<a href="#texts">The texts</a>' in page
    assert page.count("&lt;b&gt;\n</li>") == 20
    assert "<p><strong>joy &amp; fear</strong></p>" in page
    assert "and 2 more" in page
    assert "hold no word vectors to compare with" in page


def test_sets_in_another_space_have_no_words():
    assert readings(SimpleNamespace(vectors=None)) == []
    assert written(SimpleNamespace(written=None)) == []


@pytest.mark.slow
def test_a_result_that_names_the_usual_measures_is_as_before(place, tmp_path):
    root = place("a", invented())
    pages = [write_report(find([root]), tmp_path / "one").read_text()]
    (root / "a" / "result.json").write_text(json.dumps(invented() | {"measures": ["accuracy", "macro_f1"]}))
    pages.append(write_report(find([root]), tmp_path / "two").read_text())
    assert pages[0] == pages[1]


def test_card_shows_every_measure(real):
    distilled = DistilledSet.load(real / "artifact")
    methods = several()["methods"]
    metrics = {name: {key: found[key] for key in (*SEVERAL_LABELS, "recovery")} for name, found in methods.items()}
    manifest = json.loads((real / "artifact" / "manifest.json").read_text()) | {"metrics": metrics}
    lines = card(manifest, distilled).splitlines()
    start = lines.index("| trained on | test micro-F1 | macro-F1 | mean average precision |")
    assert lines[start + 1 : start + 3] == ["|---|---|---|---|", "| distilled | 0.8100 ± 0.0141 | 0.7100 | 0.6100 |"]
