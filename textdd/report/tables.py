"""The tables of a report: accuracies beside the paper's own (its table 2), the same sets used otherwise, and costs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

from textdd.report.measures import FORMER, best_of, called, measures_of
from textdd.report.paper import PAPER
from textdd.report.pooling import Configuration, measured
from textdd.report.terminal import readable


class Column(NamedTuple):
    """A heading.

    Attributes:
        name: what the column holds.
        group: a heading above it that it shares with its neighbours.
        numeric: numbers stand to the right.
    """

    name: str
    group: str = ""
    numeric: bool = True


@dataclass(frozen=True)
class Cell:
    """A place in a table.

    Attributes:
        shown: what a reader sees.
        value: the number, in full.
        std: its standard deviation, if it has one.
        best: whether it is the best of its kind in the row.
    """

    shown: str
    value: float | None = None
    std: float | None = None
    best: bool = False


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        name: of its files.
        caption: what it shows.
        columns: its headings.
        rows: as many cells in each as there are columns.
    """

    name: str
    caption: str
    columns: list[Column]
    rows: list[list[Cell]]

    @property
    def groups(self) -> list[tuple[str, int]]:
        """The headings above headings, each with the number of columns that it spans."""
        return [(group, len(list(columns))) for group, columns in groupby(self.columns, lambda column: column.group)]

    def cells(self, row: list[Cell]) -> list[tuple[Column, Cell]]:
        """The cells of a row, each with its heading."""
        return list(zip(self.columns, row, strict=True))


NOTHING = Cell("\N{EN DASH}")
NOT_RUN = Cell("not run")

MEASURE = Column("measure", numeric=False)
"""Where the headlines of rows differ, each row names its own."""


def score(estimate: dict[str, float], *, best: bool = False) -> Cell:
    """Mean and standard deviation."""
    return Cell(f"{estimate['mean']:.4f}", estimate["mean"], estimate["std"], best)


def number(value: float, form: str) -> Cell:
    """A number in a Python format."""
    return Cell(format(value, form), value)


def what_columns(configurations: list[Configuration]) -> list[Column]:
    """Headings of the cells that say what a row is of."""
    choices = [key for key in first_choices(configurations) if any(c.choices[key] for c in configurations)]
    return [Column("corpus", numeric=False), Column("per class"), *(Column(key, numeric=False) for key in choices)]


def first_choices(configurations: list[Configuration]) -> list[str]:
    """What tells configurations apart; the same for all of a page."""
    return list(configurations[0].choices) if configurations else []


def what(configuration: Configuration, columns: list[Column]) -> list[Cell]:
    """The cells that say what a row is of."""
    result = configuration.result
    choices = [Cell(configuration.choices[column.name] or NOTHING.shown) for column in columns[2:]]
    return [Cell(result["dataset"]), number(result["per_class"], "d"), *choices]


def accuracies(configurations: list[Configuration]) -> Table:
    """Distilled, selected and full data, beside the paper's own figures where a corpus of the paper was run."""
    methods = dict.fromkeys(name for c in configurations for name in c.result["methods"])
    names = [*(name for name in methods if name != "full"), "full"]
    begin, headline = what_columns(configurations), measured(configurations)
    columns = [*begin, *(Column(name, f"test {headline}") for name in names)]
    columns += [Column("distilled", "recovery"), Column("random", "recovery"), Column("students"), Column("share")]
    rows = [[*what(c, begin), *reached(c, names)] for c in configurations]
    caption = (
        f"Test {headline} of students trained on distilled, selected and all texts: mean ± standard deviation over all "
        f"students of all seeds. Bold: the best small set. Recovery: {headline} as a share of that on the full data. "
        "Share: of the training texts, in examples."
    )
    if MEASURE in begin:
        caption += " Every number is of the measure that its row names."
    table = Table("table2", caption, columns, rows)
    comparable = any(c.headline == "accuracy" and c.result["dataset"] in PAPER for c in configurations)
    return beside_the_paper(table, headline) if comparable else table


def reached(configuration: Configuration, names: list[str]) -> list[Cell]:
    """The headline of every method, recoveries, the number of students, and the share of the training texts."""
    result, headline = configuration.result, configuration.headline
    methods = result["methods"]
    top = best_of(headline, [method[headline]["mean"] for name, method in methods.items() if name != "full"])
    cells = []
    for name in names:
        estimate = methods[name][headline] if name in methods else None
        best = estimate is not None and name != "full" and estimate["mean"] == top
        cells.append(NOTHING if estimate is None else score(estimate, best=best))
    cells += [number(methods[name]["recovery"], ".3f") for name in ("distilled", "random")]
    cells.append(number(len(methods["distilled"][headline]["values"]), "d"))
    return [*cells, Cell(f"{100 * result['budget']:.3g} %", result["budget"])]


def beside_the_paper(table: Table, headline: str) -> Table:
    """Add the paper's own figures, in its order; its corpora that were not run are named.

    Args:
        table: rows of ours.
        headline: what they are of.
    """
    accuracy = Cell("accuracy")

    def comparable(row: list[Cell]) -> bool:
        return dict(table.cells(row)).get(MEASURE, accuracy) == accuracy

    shown = {Column("distilled", f"test {headline}"): NOT_RUN, MEASURE: accuracy}
    not_run = [shown.get(column, NOTHING) for column in table.columns[1:]]
    run = {row[0].shown for row in table.rows if comparable(row)}
    rows = table.rows + [[Cell(corpus), *not_run] for corpus in PAPER if corpus not in run]
    order = [*PAPER, *sorted({row[0].shown for row in rows} - set(PAPER))]
    rows.sort(key=lambda row: order.index(row[0].shown))
    caption = (
        f"{table.caption} The last columns are figures that Li & Li (2021, table 2) published, at 0.1 % of the "
        "training texts (amazon: 0.01 %), with other word vectors, other parts of the corpora and other tuning: for "
        "orientation, not measured here."
    )
    if MEASURE in table.columns:
        caption += " They are accuracies, and stand beside no other measure."
    columns = table.columns + [Column(name, "the paper's own") for name in ("distilled", "random", "full", "recovery")]
    beside = [paper_cells(row[0].shown) if comparable(row) else [NOTHING] * 4 for row in rows]
    return Table(table.name, caption, columns, [[*row, *cells] for row, cells in zip(rows, beside, strict=True)])


def paper_cells(corpus: str) -> list[Cell]:
    """The paper's own figures for a corpus."""
    if corpus not in PAPER:
        return [NOTHING] * 4
    figures = PAPER[corpus]
    shares = [number(value, ".4f") for value in (figures.distilled, figures.random, figures.full)]
    return [*shares, number(figures.distilled / figures.full, ".3f")]


def uses(configurations: list[Configuration]) -> Table:
    """The same sets with other labels, another recipe and other students."""
    begin = what_columns(configurations)
    columns = [*begin, Column("set", numeric=False), Column("used", numeric=False)]
    measures = list(dict.fromkeys(name for c in configurations for name in measures_of(c.result))) or FORMER
    columns += [*(Column(called(name)) for name in measures), Column("recovery")]
    rows = []
    for configuration in configurations:
        for name, method in configuration.result["methods"].items():
            ways: dict[str, dict[str, Any]] = {"as it is": method}
            ways |= {variant.replace("_", " "): scored for variant, scored in method["variants"].items()}
            ways |= {f"by {student}": scored for student, scored in method["transfer"].items()}
            for way, scored in ways.items():
                recovery = number(scored["recovery"], ".3f") if "recovery" in scored else NOTHING
                scores = (score(scored[measure]) if measure in scored else NOTHING for measure in measures)
                rows.append([*what(configuration, begin), Cell(name), Cell(way), *scores, recovery])
    caption = (
        "The same sets used otherwise: with each label replaced by its likeliest class (hard labels), with Adam and "
        "shuffled mini-batches tuned on validation (plain recipe), with every real text cut into pieces that have its "
        "label (in pieces), with the soft labels of a student that has read all texts (teacher labels), and to train "
        "another student by a plain recipe."
    )
    if MEASURE in begin:
        caption += " Recovery is of the measure that the row names."
    return Table("uses", caption, columns, rows)


def costs(configurations: list[Configuration]) -> Table:
    """Seconds, memory and bytes."""
    begin = what_columns(configurations)
    columns = [*begin, Column("set", numeric=False), Column("seconds to make"), Column("peak memory")]
    columns += [Column("bytes"), Column("seconds to train a student"), Column("to test it")]
    rows = []
    for configuration in configurations:
        for name, method in configuration.result["methods"].items():
            seconds = [method.get(f"{work}_seconds") for work in ("train", "test")]
            cells = [
                Cell(name),
                number(method["seconds"], ",.1f"),
                Cell(readable(method["peak_memory_bytes"]), method["peak_memory_bytes"]),
                Cell(readable(method["bytes"]), method["bytes"]),
                *(NOTHING if taken is None else number(taken, ".2f") for taken in seconds),
            ]
            rows.append([*what(configuration, begin), *cells])
    caption = (
        "What each set costs. Seconds to make: of distilling; of picking texts and tuning and training on them; of "
        "training all students on the full data. Means over seeds; peak memory is the most of any. Bytes: the stored "
        "set without word vectors; real texts as token numbers with their labels."
    )
    return Table("costs", caption, columns, rows)
