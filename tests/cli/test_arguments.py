"""Mistakes on the command line: found before any data is read, told with what is allowed and what to type."""

import re

import pytest

from textdd.errors import TextddError, nearest_first
from textdd.help import print_help
from textdd.run import check_line

MISTAKES = {
    "datset=demo": r"Unknown option 'datset'\. Nearest: dataset, .*Type: dataset=",
    "distiller.inner_step=3": r"Unknown option 'distiller.inner_step'\. Nearest: distiller.inner_steps",
    "dataset=ag_new": r"Unknown dataset 'ag_new'\. Allowed \(nearest first\): ag_news, .*Type: dataset=ag_news",
    "logger=[csv,wand]": r"Unknown logger 'wand'.*Type: logger=wandb",
    "budget=abc": r"Got budget=abc\. Allowed: a number above 0, at most 1, or null; .* Type: budget=0.001$",
    "per_class=1.5": r"Got per_class=1.5\. Allowed: a whole number from 1 to 1000000.* Type: per_class=10$",
    "budget=2": r"Got budget=2\. Allowed: a number above 0, at most 1",
    "budget": r"Got 'budget'; options are written option=value\. Type: budget=\.\.\.",
    "per_class=3 budget=0.01": r"give one of them\. Type: per_class=3",
    "per_class=0": r"Got per_class=0\. Allowed: a whole number from 1 .*; the default is null\. Type: per_class=10$",
    "distiller.truncation=random distiller.window=99": r"a window is no longer than the training\. Type: ",
    "distiller=kernel_ridge distiller.learn_step_sizes=true": r"Type: distiller.learn_step_sizes=false",
    "distiller=distribution_matching distiller.labels=soft": r"compares texts alone.*Type: distiller.labels=hard",
    "distiller=gradient_matching distiller.inner_steps=3 distiller.online_steps=4": r"Type: distiller.online_steps=3",
    "distiller.name=kernel_ride": r"Type: distiller=kernel_ridge$",
    "distiller.parametrisation=mixture distiller.start=noise": r"noise has no words\. Type: distiller.start=real",
    "distiller=paper distiller.parametrisation=real distiller.start=real": r"nothing is left to learn\. Type: ",
    "distiller.nested=[3,1]": r"ascending numbers from 1\. Type: distiller.nested=\[1,3\]",
    "per_class=3 distiller.nested=[1,3]": r"below 3, .* Type: distiller.nested=\[1\]",
    "distiller=trajectory_matching distiller.window=25": r"a window is no longer than the training\. Type: ",
    "distiller.warm_start=nowhere": r"nowhere is not a textdd artefact.*Give the folder named artifact",
    "distiller=chain distiller.stages=[]": r"a list \[a,b,\.\.\.\] of 1 or more, .*: distiller.stages=\[kernel_",
    "distiller=chain distiller.stages=[papr,meta_gradient]": r"Type: distiller.stages=\[paper,meta_gradient\]$",
    "distiller=chain distiller.options.meta_gradient.window=0": r"Type: distiller.options.meta_gradient.window=8$",
    "distiller=chain distiller.options.meta_gradient.wndow=9": r"Nearest: distiller.options.meta_gradient.window, ",
    "distiller=chain distiller.options.meta_gradient.length=9": r"Type: distiller.options.meta_gradient.length=-1$",
    "distiller=chain distiller.outer_steps=9": r"Unknown option 'distiller.outer_steps'\. Nearest: .*outer_steps",
    "trainer.precision=bf16": r"Allowed: 32-true, bf16-mixed, .*Type: trainer.precision=bf16-mixed$",
    "evaluation.transfer=[lsmt]": r"Type: evaluation.transfer=\[lstm\]$",
    "evaluation.selectors=[herding,k_centre]": r"Type: evaluation.selectors=\[herding,k_center\]$",
    "distiller=paper distiller.step_size=nan": r"the default is 0.5\. Type: distiller.step_size=0.5$",
    "distiller.name=paper": r"Got distiller.name=paper; it comes with a choice of distiller.*Type: distiller=paper$",
    "model.name=lstm": r"Type: model=lstm$",
    "distiller=chain distiller.options.meta_gradient.name=paper": r"Type: distiller=paper$",
    "distiller=chain distiller.options.meta_gradient=3": r"Allowed: options by their own names, each behind a dot",
    "distiller.step_size=???": r"which is no value\. Type: distiller.step_size=0.004$",
    "embedding.name=glov": r"Type: embedding=glove$",
    "trainer.devices=2 trainer.strategy=ddp -m": r"one process per job.*trainer.strategy=ddp_spawn",
}


@pytest.mark.parametrize("line", MISTAKES)
def test_mistake(line):
    with pytest.raises(TextddError) as caught:
        check_line(line.split())
    assert re.search(MISTAKES[line], str(caught.value), re.DOTALL), str(caught.value)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "dataset=dbpedia budget=0.001",
        "dataset=ag_news model=lstm embedding=glove distiller=paper trainer=ddp logger=none seed=3",
        "-m dataset=ag_news,trec6 per_class=1,10 seed=range(3)",
        "logger=[csv,wandb] distiller.truncation=pool distiller.window=4",
        "hydra.verbose=true per_class=2",
        "distiller=label_distillation",
        "per_class=30 distiller.nested=[1,3,10] distiller.labels=teacher distiller.parametrisation=mixture",
        "distiller=chain distiller.stages=[meta_gradient,trajectory_matching] distiller.minutes=10",
        "-m distiller=chain distiller.stages=[meta_gradient],[trajectory_matching]",
    ],
)
def test_right_lines_pass(line):
    check_line(line.split())


def test_a_mistake_in_any_value_of_a_sweep_is_found():
    with pytest.raises(TextddError, match="Unknown dataset 'agnews'"):
        check_line(["-m", "dataset=demo,agnews"])
    with pytest.raises(TextddError, match="Got per_class=0"):
        check_line(["-m", "per_class=1,0"])


def test_help_teaches(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    print_help("run", "PURPOSE", [("per_class=10", "MEANING")], "config", [])
    shown = capsys.readouterr().out
    for expected in (
        "PURPOSE",
        "# MEANING\n  textdd run per_class=10",
        "dataset=\n  ag_news",
        "distiller.length=",
        "examples per class; give this or budget",
        "evaluation.full.epochs=",
    ):
        assert expected in shown
    documented = [line for line in shown.splitlines() if line.endswith(" -")]
    assert not documented, f"options without a meaning: {documented}"


def test_help_shows_the_options_of_a_chain_s_stages(capsys):
    print_help("run", "", [], "config", ["distiller=chain", "distiller.stages=[meta_gradient]"])
    shown = capsys.readouterr().out
    assert "distiller.options.meta_gradient.truncation=none" in shown
    assert "distiller.options.paper" not in shown


def test_nearest_first():
    assert nearest_first("ag_new", ["sst2", "trec6", "ag_news"])[0] == "ag_news"
