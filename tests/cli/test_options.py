"""Every option has a range, and a value outside of it is told before anything begins; all options are tried."""

import dataclasses
import math
import re
import sys
from functools import cache
from itertools import zip_longest
from typing import Annotated

import pytest
from omegaconf import OmegaConf

from textdd import cli, run
from textdd.allowed import AnyOf, Arguments, Chosen, ListOf, Number, OneOf, Text, Whole
from textdd.config import register
from textdd.groups import choices_of
from textdd.options import rule_of, table

register()

GROUPS = ("dataset", "model", "embedding", "distiller", "trainer", "logger")
CHOSEN = zip_longest(*([f"{group}={name}" for name in choices_of(group)] for group in GROUPS))
COMPOSED = [
    *(("config", *filter(None, chosen)) for chosen in CHOSEN),
    ("config", "distiller=chain", "distiller.stages=[meta_gradient,gradient_matching,trajectory_matching,paper]"),
    ("config", "experiment=quick", "dataset=demo", "per_class=3"),
    ("evaluate", "artifact=FOLDER"),
    ("evaluate", "artifact=FOLDER", "model=lstm"),
    ("evaluate", "artifact=FILE", "dataset=sst2", "embedding=glove"),
    ("quality", "artifact=FILE", "dataset=sst2"),
    ("trust", "artifact=FOLDER"),
    ("export", "artifact=FOLDER", "to=FILE"),
    ("score", "set=FOLDER", "dataset=sst2", "embedding=glove"),
    ("report", "runs=FOLDER"),
    ("report", "runs=[FOLDER,OTHER]"),
    ("leaderboard",),
    ("dashboard",),
]
"""All choices of all groups, and all commands, with what cannot be left out."""

NO_NUMBERS = (math.nan, math.inf, -math.inf, 10**400, "word", True, None, [1], {"a": 1})


@cache
def options_of(config_name, *arguments):
    """The options of a configuration, in which nothing is typed that is no choice."""
    cfg = cli.compose_config(config_name, list(arguments))
    return table(OmegaConf.to_object(cfg), OmegaConf.to_container(cfg))


def outside(rule):
    """Values that a rule does not allow: below, above, not finite, and of other kinds."""
    match rule:
        case Whole():
            return [rule.least - 1, rule.most + 1, rule.least + 0.5, *NO_NUMBERS]
        case Number():
            open_ends = [end for end, sign in zip((rule.least, rule.most), rule.ends, strict=True) if sign in "()"]
            return [rule.least - 1, rule.most * 1.01 + 1, *open_ends, *NO_NUMBERS]
        case OneOf():
            return ["no such word", 3, math.nan, ["a"], {"a": 1}]
        case Text():
            return ["", "null \0 character", "x" * (rule.most + 1), ["a"], {"a": 1}, None]
        case ListOf():
            return [*([wrong] for wrong in outside(rule.each)), "word", None, *([[]] if rule.least else [])]
        case AnyOf():
            found = [wrong for one in rule.rules for wrong in outside(one)]
            return [wrong for wrong in found if not any(one.holds(wrong) for one in rule.rules)]
        case Chosen():
            return ["another", None]
        case Arguments():
            return [3, "word", {1: 2}]
    raise AssertionError(f"no values outside of {rule!r} are known")


@pytest.fixture(scope="module")
def options():
    """Every option of every command and choice, once."""
    return {
        (line[0], option.key, str(option.rule)): option for line in COMPOSED for option in options_of(*line)
    }.values()


@pytest.mark.parametrize("line", COMPOSED, ids=" ".join)
def test_what_conf_says_is_within_its_range_and_has_a_meaning(line):
    for option in options_of(*line):
        assert option.refusal() is None
        assert option.meaning, option.key


def test_what_is_outside_of_its_range_is_refused_by_name_with_a_remedy(options):
    assert len(options) > 250
    for option in options:
        tried = outside(option.rule)
        assert len(tried) > 1, option
        for wrong in tried:
            message = str(option._replace(value=wrong).refusal())
            assert re.match(rf"Got {re.escape(option.key)}=.*\. Type: \S+=", message), (
                f"{option.key}={wrong!r}: {message}"
            )


def test_the_remedy_is_within_the_range(options):
    for option in options:
        for wrong in [] if isinstance(option.rule, Chosen) else outside(option.rule):
            suggested = option.rule.suggested(wrong, option.default)
            assert option.rule.holds(suggested), (option, wrong, suggested)


def test_an_option_without_a_range_is_a_mistake_of_the_program():
    @dataclasses.dataclass
    class Careless:
        width: int = 3

    with pytest.raises(TypeError, match=r"Careless\.width declares no range"):
        table(Careless())
    assert rule_of(list[int]) is None
    assert rule_of(Annotated[int, "a remark"] | None) is None


LINES = {
    "evaluation.steps=0": "Allowed: a whole number from 1 to 1000000; the default is 400. Type: evaluation.steps=400",
    "evaluation.full.epochs=-1": "Type: evaluation.full.epochs=10",
    "distiller.clip=nan": "Got distiller.clip=nan. Allowed: a number from 0 to 1e+06; the default is 2",
    "distiller.minutes=inf": "Got distiller.minutes=inf",
    "distiller.step_size=1e30": "Got distiller.step_size=1e+30. Allowed: a number from 1e-08 to 10000",
    "distiller.clip=-1": "Type: distiller.clip=2",
    "embedding.smoothing=nan": "Type: embedding.smoothing=0.75",
    "embedding.window=1000000000": "Type: embedding.window=10",
    "model.filters=0": "Type: model.filters=100",
    "trainer.devices=1000000": "Allowed: a whole number from 1 to 128",
    f"seed={'9' * 5000}": "Got seed=999",
    f"distiller.minutes={'9' * 400}": "Got: distiller.minutes=999",
}


@pytest.mark.parametrize("line", LINES, ids=lambda line: line[:30])
def test_on_the_command_line_nothing_begins(line, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["textdd", line, "cache_dir=cache"])
    with pytest.raises(SystemExit) as left:
        run.main()
    assert left.value.code == 2
    assert LINES[line] in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
