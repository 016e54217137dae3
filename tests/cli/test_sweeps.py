"""Sweeps as a user starts them, in real processes: jobs that fail beside others, kills, and every launcher."""

import json
import os
import re
import signal
import time

import pytest

from tests.cli.test_runs import finish, inspect_offline, run, start
from tests.conftest import SMALL
from textdd import cli
from textdd.config import to_run
from textdd.errors import TextddError
from textdd.locks import locked
from textdd.run import check_line, execute
from textdd.sweep import PLUGINS, Outcome, command, failure, print_summary

TINY = (*(argument for argument in SMALL if argument != "per_class=3"), "evaluation.transfer=[]", "cache_dir=cache")
THREE = ("-m", *TINY, "logger=wandb", "per_class=3,4,500", "output_dir=runs")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder to run in; its sweeps share one cache."""
    return tmp_path_factory.mktemp("sweeps")


@pytest.fixture(scope="module")
def swept(place, corpus):
    """What a sweep printed, two of whose jobs ran in parallel on an empty cache; one of them must fail.

    The corpus is being tokenised when it begins, so that jobs are sure to wait, whichever starts first.
    """
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    with locked(place / "cache" / "corpora" / corpus.key, "this test"):
        process = start("textdd.run", *THREE, "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", folder=place)
        deadline = time.monotonic() + 120
        while not any("waiting for" in log.read_text() for log in place.glob("runs/sweeps/*/[01].log")):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
    return finish(process, code=1)


def test_a_failed_job_is_told_and_stops_no_other(swept, place):
    output, errors = swept
    assert len(list(place.glob("runs/*/result.json"))) == 2
    assert "job 2 failed" in errors
    assert "job 0 finished" in errors
    assert "job 1 finished" in errors
    log = next(place.glob("runs/sweeps/*/2.log")).read_text()
    for told in (log, errors):
        assert "Traceback (most recent call last)" in told
        assert "The most possible is per_class=175" in told
    assert re.search(r"finished\s.*demo +│ 3 +│ meta_gradient", output, re.DOTALL)
    assert re.search(r"failed\s.*│ 2 +│ per_class=500 +│ TextddError: 500 examples", output, re.DOTALL)


def test_a_failed_job_leaves_what_the_report_reads(swept, place):
    (path,) = place.glob("runs/failed/*.json")
    left = json.loads(path.read_text())
    assert left["command"] in swept[0]
    assert left["command"].startswith("python -m textdd.run dataset.demo.train=600 ")
    assert left["error"].startswith("TextddError: 500 examples per class")
    assert left["traceback"].startswith("Traceback")
    assert (left["options"]["per_class"], left["options"]["dataset"]["name"]) == (500, "demo")


def test_parallel_jobs_share_the_cache(swept, place):
    assert "waiting for another process, which has begun: " in swept[1]
    results = [json.loads(path.read_text()) for path in place.glob("runs/*/result.json")]
    seconds = {result["methods"]["full"]["seconds"] for result in results}
    assert len(seconds) == 1  # of one training, whose result both read


def test_no_two_jobs_write_into_one_wandb_run(swept, place):
    runs = [sorted(folder.glob("offline-run-*")) for folder in place.glob("runs/*/wandb")]
    assert [len(paths) for paths in runs] == [3, 3]  # one for each method
    assert len({path.name.rpartition("-")[2] for paths in runs for path in paths}) == 6
    held = [inspect_offline(paths[0])["config"] for paths in runs]
    assert sorted((config["method"], config["per_class"]) for config in held) == [("distilled", 3), ("distilled", 4)]


@pytest.mark.slow
def test_another_sweep_by_submitit_skips_what_is_finished(swept, place):
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    results = list(place.glob("runs/*/result.json"))
    before = [result.stat().st_mtime_ns for result in results]
    line = [argument.replace("3,4,500", "3,500") for argument in THREE]
    output, errors = run(*line, "hydra/launcher=submitit_local", folder=place, code=1)
    assert "job 0 finished" in errors
    assert "The most possible is per_class=175" in errors
    assert output.startswith("result: ")
    assert [result.stat().st_mtime_ns for result in results] == before
    logs = [path.read_text() for path in place.glob("runs/sweeps/*/0.log")]
    assert sum("This run is finished" in log for log in logs) == 1


@pytest.mark.slow
def test_a_killed_sweep_goes_on(swept, place):
    """Job by job in one process, killed within the second: the first stays finished, the second goes on."""
    line = ("-m", *TINY, "logger=none", "per_class=3", "seed=0,1", "output_dir=runs")
    process = start("textdd.run", *line, folder=place)
    deadline = time.monotonic() + 240
    while not list(place.glob("runs/demo-3-*-s1-*/checkpoints/last.ckpt")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    (first,) = place.glob("runs/demo-3-*-s0-*/result.json")
    assert not list(place.glob("runs/demo-3-*-s1-*/artifact")), "killed too late to show anything"
    output, errors = run(*line, folder=place)
    assert "This run is finished" in errors
    assert str(first) in output
    assert "job 1 finished, 2 of 2" in errors
    assert "failed" not in output


def test_a_success_removes_the_failure(swept, place, monkeypatch):
    monkeypatch.chdir(place)
    config = to_run(cli.compose_config("config", cli.jobs_of(THREE)[0]))
    left = failure(config)
    left.write_text("{}")
    execute(config)
    assert not left.exists()


def test_an_experiment_is_put_on_the_command_line():
    jobs = cli.jobs_of(["-m", "experiment=figure4", "dataset=trec6,ag_news", "seed=7", "data_dir=x"])
    assert jobs[0] == ["dataset=trec6", "seed=7", "budget=0.0001", "experiment=figure4", "data_dir=x"]
    assert len(jobs) == 8
    table, figure = (cli.jobs_of(["-m", f"experiment={name}"]) for name in ("table2", "figure3"))
    assert len(table) == 24
    assert [job[:2] for job in table] == [job[:2] for job in figure]


@pytest.mark.parametrize(
    "line", ["quick", "table2 seed=0 dataset=dbpedia", "figure3 seed=0 dataset=trec6", "figure4 dataset=ag_news"]
)
def test_every_experiment_is_a_right_line(line):
    check_line(["-m", *f"experiment={line}".split()])


MISTAKES = {
    "experiment=table2": r"a sweep over dataset, seed\. Type: python -m textdd.run -m experiment=table2",
    "experiment=table2 dataset=demo": r"or give seed one value each",
    "-m experiment=table2,quick": r"one experiment at a time",
    "-m experiment=tabel2": r"Unknown experiment 'tabel2'\. Allowed \(nearest first\): table2",
    "-m experiment=table2 dataset=demo,trec": r"Unknown dataset 'trec'.*Type: dataset=trec6",
    "-m plan=true seed=0,1": r"plan=true in a sweep\. Plan one of its runs",
    "-m hydra/launcher=joblb seed=0,1": r"hydra/launcher/joblb",
    "-m hydra/launcher=joblib hydra.launcher.jobs=2": r"jobs",
}


@pytest.mark.parametrize("line", MISTAKES)
def test_mistakes(line):
    with pytest.raises(TextddError, match=MISTAKES[line]):
        check_line(line.split())


def test_one_job_of_an_experiment_runs_alone():
    check_line(command(cli.jobs_of(["-m", "experiment=quick"])[0]).split()[3:])


def test_a_launcher_that_is_not_installed(monkeypatch):
    monkeypatch.setitem(PLUGINS, "joblib", "hydra-no-launcher")
    with pytest.raises(TextddError, match=r"pip install 'textdd\[launchers\]'"):
        check_line(["-m", "hydra/launcher=joblib", "seed=0,1"])


def test_missing_corpora_are_listed_once_and_killed_jobs_as_failed(capsys, tmp_path):
    missing = Outcome("missing", error="MissingCorpus: get it there", dataset="sogou_news")
    jobs = [["dataset=sogou_news", f"seed={seed}"] for seed in (0, 1, 2)]
    print_summary(jobs, [missing, missing, Outcome()], tmp_path)
    shown = capsys.readouterr().out
    assert shown.count("get it there") == 1
    assert "ended without a word" in shown
    assert shown.endswith("python -m textdd.run dataset=sogou_news seed=2\n")
