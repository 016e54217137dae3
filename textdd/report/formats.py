"""A table as CSV for programs, as Markdown for a README and as LaTeX for a paper."""

from __future__ import annotations

import csv
from io import StringIO

from textdd.harmless import in_cell, in_markdown
from textdd.report.tables import Cell, Column, Table


def heading(column: Column) -> str:
    """A heading with what stands above it."""
    return f"{column.group}: {column.name}" if column.group else column.name


def to_csv(table: Table) -> str:
    """Write numbers in full, and each standard deviation in a column of its own."""
    with_std = [any(row[i].std is not None for row in table.rows) for i in range(len(table.columns))]
    head = []
    for column, has_std in zip(table.columns, with_std, strict=True):
        name = in_cell(heading(column))
        head += [name, f"{name}, std"] if has_std else [name]
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    for row in table.rows:
        line: list[object] = []
        for cell, has_std in zip(row, with_std, strict=True):
            line.append(in_cell(cell.shown) if cell.value is None else cell.value)
            if has_std:
                line.append("" if cell.std is None else cell.std)
        writer.writerow(line)
    return text.getvalue()


def to_markdown(table: Table) -> str:
    """Write a table as GitHub shows it."""

    def text(cell: Cell) -> str:
        shown = in_markdown(cell.shown) + ("" if cell.std is None else f" ± {cell.std:.4f}")
        return f"**{shown}**" if cell.best else shown

    lines = [[in_markdown(heading(column)) for column in table.columns]]
    lines.append(["---:" if column.numeric else "---" for column in table.columns])
    lines += [[text(cell) for cell in row] for row in table.rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + f"\n\n{in_markdown(table.caption)}\n"


LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\N{EN DASH}": "--",
    "±": r"$\pm$",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}


def to_latex(table: Table) -> str:
    """Write a table for the packages booktabs and graphicx, scaled to the width of the text."""

    def text(cell: Cell) -> str:
        if cell.std is not None:
            shown = rf"{cell.shown} \pm {cell.std:.4f}"
            return rf"$\mathbf{{{shown}}}$" if cell.best else f"${shown}$"
        return latex(cell.shown)

    alignment = "".join("r" if column.numeric else "l" for column in table.columns)
    lines = [[latex(heading(column)) for column in table.columns]]
    lines += [[text(cell) for cell in row] for row in table.rows]
    head, *body = (" & ".join(line) + r" \\" for line in lines)
    parts = [
        r"\begin{table*}",
        r"\centering",
        rf"\caption{{{latex(table.caption)}}}",
        rf"\label{{tab:{table.name}}}",
        r"\resizebox{\textwidth}{!}{%",
        rf"\begin{{tabular}}{{{alignment}}}",
        r"\toprule",
        head,
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}}",
        r"\end{table*}",
    ]
    return "\n".join(parts) + "\n"


def latex(text: str) -> str:
    """Text that LaTeX takes as it is."""
    return "".join(LATEX.get(sign, sign) for sign in text)
