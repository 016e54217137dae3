"""The numbers of a report: pooled as if all students had been measured together, and the same in every format."""

import csv
import io
import statistics

import numpy as np
import pytest

from tests.report.conftest import invented, scored
from textdd.report.formats import to_csv, to_latex, to_markdown
from textdd.report.paper import PAPER
from textdd.report.pooling import configurations, pooled_curve
from textdd.report.results import find
from textdd.report.tables import accuracies, costs, uses
from textdd.report.terminal import readable


def table_of(make, root):
    return make(configurations(find([root]).runs)[0])


def lines_of(table):
    return list(csv.DictReader(io.StringIO(to_csv(table))))


def test_seeds_are_pooled_over_all_students(place):
    place("a", invented(seed=0))
    table = table_of(accuracies, place("b", invented(seed=4)))
    line = next(line for line in lines_of(table) if line["corpus"] == "ag_news")
    values = [0.8, 0.82, 0.84, 0.82]
    assert float(line["test accuracy: distilled"]) == pytest.approx(statistics.fmean(values))
    assert float(line["test accuracy: distilled, std"]) == pytest.approx(statistics.stdev(values))
    assert float(line["recovery: distilled"]) == pytest.approx(0.82 / 0.92)
    assert line["students"] == "4"


def test_curves_are_pooled_as_if_measured_together():
    generator = np.random.default_rng(0)
    runs = [generator.random((students, 3)) for students in (4, 2)]
    steps = ([1, 2, 5], [1, 5, 9])
    curves = [
        {"steps": s, "mean": run.mean(0).tolist(), "std": run.std(0, ddof=1).tolist()}
        for s, run in zip(steps, runs, strict=True)
    ]
    together = np.stack([np.concatenate([runs[0][:, i], runs[1][:, j]]) for i, j in ((0, 0), (2, 1))], axis=1)
    pooled = pooled_curve(curves, [4, 2])
    assert pooled["steps"] == [1, 5]
    assert pooled["mean"] == pytest.approx(together.mean(0))
    assert pooled["std"] == pytest.approx(together.std(0, ddof=1))


def test_the_paper_stands_beside_ours(place):
    lines = lines_of(table_of(accuracies, place("a", invented())))
    assert [line["corpus"] for line in lines] == list(PAPER)  # in the paper's order
    for line in lines:
        figures = PAPER[line["corpus"]]
        assert float(line["the paper's own: distilled"]) == figures.distilled
        assert float(line["the paper's own: random"]) == figures.random
        assert (line["test accuracy: distilled"] == "not run") == (line["corpus"] != "ag_news")
    recoveries = [float(line["the paper's own: recovery"]) for line in lines]
    assert statistics.fmean(recoveries) == pytest.approx(0.9184, abs=2e-4)  # the mean that the paper's text gives


def test_the_paper_is_absent_where_none_of_its_corpora_was_run(place):
    table = table_of(accuracies, place("a", invented("mine")))
    assert len(table.rows) == 1
    assert not any("paper" in column.group for column in table.columns)


def test_best_small_set_is_bold_and_missing_selectors_are_dashes(place):
    result = invented(seed=0)
    result["methods"]["herding"] = result["methods"]["random"] | scored(0.85, 0)
    place("a", result)
    table = table_of(accuracies, place("b", invented("dbpedia")))
    shown = {}
    for row in table.rows:
        shown[row[0].shown] = {c.name: cell for c, cell in table.cells(row) if c.group == "test accuracy"}
    assert [name for name, cell in shown["ag_news"].items() if cell.best] == ["herding"]
    assert [name for name, cell in shown["dbpedia"].items() if cell.best] == ["distilled"]
    assert shown["dbpedia"]["herding"].shown == "\N{EN DASH}"
    assert list(shown["ag_news"]) == ["distilled", "random", "herding", "full"]


def test_what_differs_tells_rows_apart(place):
    for length in (5, 7):
        place(f"{length}", invented(config={"distiller": {"name": "meta_gradient", "length": length}}))
    other = invented(distiller="kernel_ridge", config={"distiller": {"name": "kernel_ridge"}})
    table = table_of(costs, place("other", other))
    rows = {(row[2].shown, row[3].shown) for row in table.rows}
    assert [column.name for column in table.columns[:4]] == ["corpus", "per class", "distiller", "options"]
    assert rows == {
        ("meta_gradient", "distiller.length=5"), ("meta_gradient", "distiller.length=7"),
        ("kernel_ridge", "\N{EN DASH}"),
    }  # fmt: skip


def test_other_uses_and_costs(place):
    root = place("a", invented())
    found = {(line["set"], line["used"]): line for line in lines_of(table_of(uses, root))}
    assert float(found["distilled", "hard labels"]["accuracy"]) == pytest.approx(0.71)
    assert found["random", "by fasttext"]["recovery"] == "\N{EN DASH}"
    cost = lines_of(table_of(costs, root))[0]
    assert (float(cost["seconds to make"]), cost["peak memory"], cost["bytes"]) == (10.0, "2000000", "1000")


def test_every_format_takes_any_name(place):
    table = table_of(accuracies, place("a", invented("a|b_c&d%e$f{g}\\h")))
    assert lines_of(table)[0]["corpus"] == "a|b_c&d%e$f{g}\\h"
    markdown = to_markdown(table).splitlines()
    assert markdown[2].startswith(r"| a\|b\_c&d%e$f{g}\\h | 30 | **0.8100 ± 0.0141** |")
    assert len({line.replace(r"\|", "").count("|") for line in markdown[:3]}) == 1
    latex = to_latex(table)
    assert r"a|b\_c\&d\%e\$f\{g\}\textbackslash{}h & 30 & $\mathbf{0.8100 \pm 0.0141}$" in latex
    assert latex.count("{") - latex.count(r"\{") == latex.count("}") - latex.count(r"\}")


@pytest.mark.parametrize(
    ("count", "shown"), [(0, "0 B"), (999, "999 B"), (999_499, "999 kB"), (999_600, "1 MB"), (5e12, "5e+03 GB")]
)
def test_bytes_are_rounded_before_their_unit_is_chosen(count, shown):
    assert readable(count) == shown


def test_what_a_set_is_compared_with_tells_no_set_from_another(place):
    """Runs that were compared with more selectors continue the line of those that were not, and keep their command."""
    config = {group: {"name": name} for group, name in (("dataset", "ag_news"), ("distiller", "meta_gradient"))}
    more = {**config, "evaluation": {"selectors": ["random", "herding"]}}
    place("a", invented(per_class=1, config=config))
    place("b", invented(per_class=30, config=more))
    found, troubles = configurations(find([place("c", invented(per_class=30, seed=1, config=config))]).runs)
    assert [(c.result["per_class"], c.seeds, c.method) for c in found] == [
        (1, [0], "distilled"),
        (30, [0, 1], "distilled"),
    ]
    assert ["evaluation.selectors=[random,herding]" in c.options for c in found] == [False, True]
    assert [trouble.kind for trouble in troubles] == ["missing"]
