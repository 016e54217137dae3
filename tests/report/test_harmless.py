"""Text from data and options commands no terminal, no spreadsheet and no page."""

import io

import pytest
from rich.markup import escape
from rich.table import Table

from tests.report.conftest import invented
from textdd import cli, progress
from textdd.errors import TextddError
from textdd.harmless import in_cell, in_markdown, on_screen
from textdd.report.formats import to_csv
from textdd.report.pooling import configurations
from textdd.report.results import find
from textdd.report.tables import accuracies
from textdd.report.terminal import Failure, print_results, print_sweep
from textdd.screen import Console

HOSTILE = "runs/[/x] [3,4] [bold] \x1b[31m\x07 :star: \u202e\\"


def test_signs_that_a_terminal_obeys_are_written_out():
    assert on_screen("\x1b]0;t\x07a\u202eb\x9b\r") == r"\x1b]0;t\x07a\u202eb\x9b\r"
    assert on_screen("tab\tnew\nline 名前 é") == "tab\tnew\nline 名前 é"


@pytest.mark.parametrize("terminal", [False, True])
def test_what_is_printed_is_what_the_text_says(terminal):
    screen = Console(file=io.StringIO(), width=200, force_terminal=terminal, color_system=None)
    table = Table(title=escape(HOSTILE))
    table.add_column(escape(HOSTILE))
    table.add_row(escape(HOSTILE))
    screen.print(table)
    screen.print(HOSTILE, markup=False)
    shown = screen.file.getvalue()
    assert shown.count(on_screen(HOSTILE)) == 4
    assert "\x07" not in shown
    assert "\x1b[31m" not in shown


def test_remarks_errors_and_commands_keep_their_lists(capsys, tmp_path):
    progress.say(HOSTILE)
    with pytest.raises(SystemExit):
        cli.exit_with(TextddError(HOSTILE))
    command = f"python -m textdd.run evaluation.selectors=[herding,k_means] 'output_dir={HOSTILE}'"
    print_sweep([invented(dataset=HOSTILE)], {HOSTILE: HOSTILE}, [Failure(0, HOSTILE, HOSTILE, tmp_path, command)])
    print_results(invented(dataset=HOSTILE))
    out, err = capsys.readouterr()
    assert err.count(on_screen(HOSTILE)) == 2
    assert on_screen(command) in out
    assert "\x1b[31m" not in out + err


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\tx", "\r=1"])
def test_no_cell_is_a_formula(cell, place):
    assert in_cell(cell) == f"'{cell}"
    root = place("a", invented(dataset=cell))
    assert f"'{cell}" in to_csv(accuracies(configurations(find([root]).runs)[0]))


def test_numbers_and_other_text_stay_as_they_are():
    assert in_cell("ag_news") == "ag_news"
    assert in_markdown("a_b [c](d) <e>\n# f") == r"a\_b \[c\](d) \<e> # f"
