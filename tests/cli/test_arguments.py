"""Mistakes on the command line: found before any data is read, told with what is allowed and what to type."""

import re

import pytest

from textdd import cli
from textdd.errors import TextddError, nearest_first
from textdd.run import check_line

MISTAKES = {
    "datset=demo": r"Unknown option 'datset'\. Nearest: dataset, .*Type: dataset=",
    "distiller.inner_step=3": r"Unknown option 'distiller.inner_step'\. Nearest: distiller.inner_steps",
    "dataset=ag_new": r"Unknown dataset 'ag_new'\. Allowed \(nearest first\): ag_news, .*Type: dataset=ag_news",
    "logger=[csv,wand]": r"Unknown logger 'wand'.*Type: logger=wandb",
    "budget=abc": r"'abc'.*Float\nGot: budget=abc",
    "per_class=1.5": r"'1.5'.*Integer",
    "budget=2": r"Got budget=2; a fraction in \(0, 1\]",
    "budget": r"Got 'budget'; options are written option=value\. Type: budget=\.\.\.",
    "per_class=3 budget=0.01": r"give one of them\. Type: per_class=3",
    "per_class=0": r"Got per_class=0; 1 or more is allowed\. Type: per_class=10",
    "distiller.truncation=pol": r"Unknown truncation 'pol'.*Type: distiller.truncation=pool",
    "distiller.truncation=random distiller.window=99": r"a window is no longer than the training\. Type: ",
    "distiller=kernel_ridge distiller.learn_step_sizes=true": r"Type: distiller.learn_step_sizes=false",
    "distiller=kernel_ridge distiller.regularisation=0": r"must be positive\. Type: distiller.regularisation=0.1",
    "distiller=kernel_ridge distiller.pool=0": r"Got distiller.pool=0; 1 or more",
    "distiller=kernel_ridge distiller.oldest=-1": r"Got distiller.oldest=-1; 0 or more",
    "distiller=distribution_matching distiller.labels=soft": r"compares texts alone.*Type: distiller.labels=hard",
    "distiller=gradient_matching distiller.gradient=heads": r"Type: distiller.gradient=head$",
    "distiller=gradient_matching distiller.inner_steps=3 distiller.online_steps=4": r"Type: distiller.online_steps=3",
    "distiller.name=kernel_ride": r"Type: distiller=kernel_ridge",
    "distiller.inner_optimiser=adamw": r"Type: distiller.inner_optimiser=adam$",
    "distiller.start=noisy": r"Type: distiller.start=noise$",
    "distiller.labels=fuzzy": r"Unknown kind of labels 'fuzzy'",
    "distiller.order=random": r"Unknown order",
    "distiller.engine=unrol": r"Type: distiller.engine=unroll",
    "distiller.side_by_side=alway": r"Type: distiller.side_by_side=always$",
    "evaluation.side_by_side=true": r"Unknown way of training several students .*Type: evaluation.side_by_side=",
    "distiller.decay=linear": r"Unknown decay",
    "distiller.outer_optimiser=lion": r"Unknown outer optimiser",
    "distiller.outer_batch=0": r"Got distiller.outer_batch=0; 1 or more",
    "distiller.step_size=0": r"must be positive\. Type: distiller.step_size=0.01",
    "distiller.confidence=1": r"lies in \(0, 1\)",
    "distiller.averaging=1": r"lies in \[0, 1\)",
    "distiller.parametrisation=lowrank": r"Unknown parametrisation 'lowrank'.*Type: distiller.parametrisation=low_rank",
    "distiller.rank=0": r"Got distiller.rank=0; 1 or more",
    "distiller.parametrisation=mixture distiller.start=noise": r"noise has no words\. Type: distiller.start=real",
    "distiller=paper distiller.parametrisation=real distiller.start=real": r"nothing is left to learn\. Type: ",
    "distiller.nested=[3,1]": r"ascending numbers from 1\. Type: distiller.nested=\[1,3\]",
    "per_class=3 distiller.nested=[1,3]": r"below 3, .* Type: distiller.nested=\[1\]",
    "distiller=trajectory_matching distiller.pace=0": r"Got distiller.pace=0; 1 or more",
    "distiller=trajectory_matching distiller.window=25": r"a window is no longer than the training\. Type: ",
    "distiller=trajectory_matching distiller.expert_optimiser=adamw": r"Type: distiller.expert_optimiser=adam$",
    "distiller.warm_start=nowhere": r"nowhere is not a textdd artefact.*Give the folder named artifact",
    "distiller=chain distiller.stages=[]": r"a chain has a stage\. Type: distiller.stages=\[meta_gradient\]",
    "distiller=chain distiller.stages=[papr,meta_gradient]": r"Unknown stage 'papr'.*stages=\[paper,meta_gradient\]$",
    "distiller=chain distiller.options.meta_gradient.window=0": r"Type: distiller.options.meta_gradient.window=8$",
    "distiller=chain distiller.options.meta_gradient.wndow=9": r"Nearest: distiller.options.meta_gradient.window, ",
    "distiller=chain distiller.options.meta_gradient.length=9": r"Type: distiller.options.meta_gradient.length=-1$",
    "distiller=chain distiller.outer_steps=9": r"Unknown option 'distiller.outer_steps'\. Nearest: .*outer_steps",
    "distiller=chain distiller.minutes=0": r"must be positive\. Type: distiller.minutes=4",
    "trainer.precision=bf16": r"Unknown precision 'bf16'.*Type: trainer.precision=bf16-mixed",
    "evaluation.transfer=[lsmt]": r"Unknown student 'lsmt'.*Type: evaluation.transfer=\[lstm\]$",
    "evaluation.selectors=[herding,k_centre]": r"Unknown selector 'k_centre'.*Type: evaluation.selectors=\[k_center\]$",
    "trainer.matmul=low": r"Unknown precision of matrix products 'low'.*Type: trainer.matmul=",
    "distiller.targets=techer": r"Unknown targets 'techer'.*Type: distiller.targets=teacher$",
    "distiller.plain_share=1.5": r"it lies in \[0, 1\]\. Type: distiller.plain_share=0.2",
    "embedding.name=glov": r"Unknown embedding 'glov'",
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
    cli.print_help("run", "PURPOSE", [("per_class=10", "MEANING")], "config", [])
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
    cli.print_help("run", "", [], "config", ["distiller=chain", "distiller.stages=[meta_gradient]"])
    shown = capsys.readouterr().out
    assert "distiller.options.meta_gradient.truncation=none" in shown
    assert "distiller.options.paper" not in shown


def test_nearest_first():
    assert nearest_first("ag_new", ["sst2", "trec6", "ag_news"])[0] == "ag_news"
