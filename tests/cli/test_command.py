"""One console command with a subcommand for everything; options that take lists take one value as well."""

import os
import subprocess
import sys

import pytest

from textdd import cli


def textdd(*words, **environment):
    command = [sys.executable, "-m", "textdd", *words]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})


def test_names_its_commands():
    for words in ((), ("--help",)):
        shown = textdd(*words)
        assert shown.returncode == 0
        for name in ("run", "evaluate", "quality", "export", "score", "trust", "report", "leaderboard", "dashboard"):
            assert f"textdd {name} " in shown.stdout


@pytest.mark.parametrize(
    ("word", "remedy"), [("evalute", "Type: textdd evaluate"), ("dataset=demo", "Type: textdd run dataset=demo")]
)
def test_an_unknown_command_says_what_to_type(word, remedy):
    done = textdd(word)
    assert done.returncode == 2
    assert remedy in done.stderr


@pytest.mark.slow
def test_hands_the_rest_on():
    done = textdd("run", "dataset=dmo")
    assert done.returncode == 2
    assert "Type: dataset=demo" in done.stderr
    assert "Usage: textdd evaluate" in textdd("evaluate", "--help").stdout


@pytest.mark.slow
@pytest.mark.parametrize("line", ["textdd run dataset=d", "textdd dataset=d"])
def test_completes_choices_in_a_shell(line):
    words = {"COMP_LINE": line, "COMP_POINT": str(len(line))}
    done = textdd("-sc", "query=bash", **words)
    assert {"dataset=dbpedia", "dataset=demo"} <= set(done.stdout.split()), done.stderr


@pytest.mark.parametrize(
    ("typed", "taken"),
    [
        ("evaluation.selectors=herding", "evaluation.selectors=[herding]"),
        ("evaluation.selectors=[herding]", "evaluation.selectors=[herding]"),
        ("distiller.nested=1,3", "distiller.nested=[1],[3]"),
        ("distiller.nested=[1],[1,3]", "distiller.nested=[1],[1,3]"),
        ("dataset.classes=spam", "dataset.classes=[spam]"),
        ("model.widths=3", "model.widths=[3]"),
        ("dataset.text=review", "dataset.text=review"),
        ("seed=1,2", "seed=1,2"),
    ],
)
def test_one_value_is_a_list_of_one(typed, taken):
    assert cli.as_meant("config", [typed, "per_class=3"]) == [taken, "per_class=3"]
