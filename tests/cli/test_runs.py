"""The program as a user starts it: in processes, from other folders, killed, sharing work with a second process."""

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from tests.conftest import SMALL
from textdd import evaluate

MIRRORED = (*SMALL, "cache_dir=cache", "logger=[csv,tensorboard,wandb]", "evaluation.selectors=[herding]")


def start(module, *arguments, folder, python=sys.executable):
    environment = {**os.environ, "WANDB_MODE": "offline", "HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "default"}
    environment.pop("WANDB_API_KEY", None)
    command = [python, "-m", module, *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=folder, env=environment, text=True, **pipes)


def finish(process, code=0):
    output, errors = process.communicate(timeout=240)
    assert process.returncode == code, errors[-3000:]
    return output, errors


def run(*arguments, folder, code=0, module="textdd.run"):
    return finish(start(module, *arguments, folder=folder), code)


def result_of(output):
    last = output.strip().splitlines()[-1]
    assert last.startswith("result: ")
    return Path(last.removeprefix("result: "))


def inspect_offline(directory):
    """What W&B would be sent of a run that was recorded offline."""
    tool = Path(sys.executable).with_name("wandb")
    command = [tool, "leet", "inspect", "--summary", "--json", directory]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder to run in; its runs share one cache."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def finished(place):
    """The result of one whole run with all mirrors, and what it printed."""
    output, errors = run(*MIRRORED, folder=place)
    return result_of(output), output, errors


def test_result_holds_what_scripts_rely_on(finished):
    path, output, _ = finished
    result = json.loads(path.read_text())
    for method in ("distilled", "random", "herding", "full"):
        scored = result["methods"][method]
        for metric in ("accuracy", "macro_f1"):
            values = scored[metric]["values"]
            assert len(values) == 2
            assert scored[metric]["mean"] == pytest.approx(sum(values) / 2, abs=1e-6)
            assert 0 <= scored[metric]["std"] < 1
        assert scored["recovery"] == pytest.approx(
            scored["accuracy"]["mean"] / result["methods"]["full"]["accuracy"]["mean"]
        )
        assert scored["seconds"] > 0
        assert scored["bytes"] > 0
        assert scored["peak_memory_bytes"] > 10**7
    assert set(result["methods"]["distilled"]["variants"]) == {"hard_labels", "plain_recipe"}
    for selector in ("random", "herding"):
        assert set(result["methods"][selector]["variants"]) == {"in_pieces", "teacher_labels"}
    for method in ("distilled", "random", "herding"):
        assert set(result["methods"][method]["transfer"]) == {"fasttext"}
    expected = {"dataset": "demo", "per_class": 3, "budget": 9 / 600, "model": "textcnn", "embedding": "corpus"}
    expected |= {"distiller": "meta_gradient", "seed": 0}
    assert {key: result[key] for key in expected} == expected
    assert Path(result["artifact"]).is_dir()
    assert (path.parent / "accuracy_against_steps.png").read_bytes().startswith(b"\x89PNG")
    for word in ("distilled", "random", "herding", "full", "recovery", "±"):
        assert word in output


def test_bytes_are_those_of_the_tensors(finished):
    result = json.loads(finished[0].read_text())
    tensors = load_file(Path(result["artifact"]) / "distilled.safetensors")
    assert result["methods"]["distilled"]["bytes"] == sum(tensor.nbytes for tensor in tensors.values())
    assert {name: tensor.dtype.name for name, tensor in tensors.items()} == {
        "x": "float16",
        "y": "float32",
        "step_sizes": "float32",
    }


@pytest.mark.slow
def test_nested_sets_are_scored_by_size(place, finished):
    arguments = (
        *SMALL,
        "cache_dir=cache",
        "logger=none",
        "distiller.nested=[1,2]",
        "distiller.parametrisation=low_rank",
    )
    output, _ = run(*arguments, "distiller.rank=2", "evaluation.transfer=[]", folder=place)
    result = json.loads(result_of(output).read_text())
    distilled = result["methods"]["distilled"]
    tensors = load_file(Path(result["artifact"]) / "distilled.safetensors")
    assert set(tensors) == {"left", "right", "y", "step_sizes"}
    assert distilled["bytes"] == sum(distilled["bytes_of"].values()) == sum(t.nbytes for t in tensors.values())
    sizes = [distilled["variants"][f"first_{size}_per_class"] for size in (1, 2)]
    assert 0 < sizes[0]["bytes"] < sizes[1]["bytes"] < distilled["bytes"]
    assert all(0 < scored["accuracy"]["mean"] <= 1 and scored["recovery"] > 0 for scored in sizes)
    assert [scored["recipe"]["batch"] for scored in sizes] == [3, 3]  # no less than one example per class
    assert "first 2 per class" in output


def test_record_and_mirrors(finished):
    folder = finished[0].parent
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    accuracies = [line["validation/accuracy"] for line in lines if "validation/accuracy" in line]
    assert len(accuracies) == 3  # outer steps 2, 4 and 6
    header, *rows = (folder / "metrics.csv").read_text().splitlines()
    assert "validation/accuracy" in header.split(",")
    assert len(rows) == len(lines)
    with (folder / "results.csv").open() as file:
        table = list(csv.DictReader(file))
    assert [row["method"] for row in table if not row["variant"]] == ["distilled", "random", "herding", "full"]
    accuracies = {
        name: method["accuracy"]["mean"] for name, method in json.loads(finished[0].read_text())["methods"].items()
    }
    assert {row["method"]: float(row["accuracy"]) for row in table if not row["variant"]} == accuracies


def test_wandb_holds_a_run_per_method_and_the_comparison(finished):
    """Read back from what would be uploaded."""
    folder = finished[0].parent
    methods = json.loads(finished[0].read_text())["methods"]
    runs = [(directory, inspect_offline(directory)) for directory in folder.glob("wandb/offline-run-*")]
    assert sorted(inspected["config"]["method"] for _, inspected in runs) == sorted(methods)
    held = {inspected["config"]["method"]: (directory, inspected) for directory, inspected in runs}
    for name, (_, inspected) in held.items():
        assert inspected["summary"]["test/accuracy"] == methods[name]["accuracy"]["mean"]
        assert inspected["summary"]["recovery"] == methods[name]["recovery"]
        text = json.dumps(inspected)
        assert f"demo-3-{name}-s0" in text
        assert folder.name in text  # the group
    distilled, _ = held["distilled"]
    (table,) = distilled.glob("files/media/table/results_*.table.json")
    rows = json.loads(table.read_text())["data"]
    assert [row[:3] for row in rows if not row[1]] == [[n, "", m["accuracy"]["mean"]] for n, m in methods.items()]
    assert list(distilled.glob("files/media/table/accuracy_against_steps_*"))
    (picture,) = distilled.glob("files/media/images/figure_*.png")
    assert picture.read_bytes() == (folder / "accuracy_against_steps.png").read_bytes()


def test_tensorboard_holds_a_line_per_method_and_the_comparison(finished):
    event_accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    folder = finished[0].parent / "tensorboard"
    methods = json.loads(finished[0].read_text())["methods"]
    assert {path.name for path in folder.iterdir()} == set(methods)
    for name, method in methods.items():
        events = event_accumulator.EventAccumulator(str(folder / name)).Reload()
        curve = events.Scalars("student/validation_accuracy")
        assert [event.step for event in curve] == list(method["curve"]["steps"])
        assert [event.value for event in curve] == pytest.approx(method["curve"]["mean"])
        assert events.Scalars("test/accuracy")[0].value == pytest.approx(method["accuracy"]["mean"])
        if name == "distilled":
            assert events.Images("accuracy_against_steps")
            assert len(events.Scalars("validation/accuracy")) == 3  # outer steps 2, 4 and 6
            assert "results/text_summary" in events.Tags()["tensors"]


def test_nothing_that_the_user_cannot_mend_is_said(finished):
    _, _, errors = finished
    assert "wandb" not in errors
    assert "Warning" not in errors


def test_the_same_command_again_only_shows_the_result(place, finished):
    path, first, _ = finished
    before = path.stat().st_mtime_ns
    output, errors = run(*MIRRORED, folder=place)
    assert "finished" in errors
    assert result_of(output) == path
    assert path.stat().st_mtime_ns == before
    assert first.splitlines()[-3:] == output.splitlines()[-3:]


def test_evaluate_scores_the_artefact_again(place, finished):
    result = json.loads(finished[0].read_text())
    arguments = (f"artifact={result['artifact']}", "cache_dir=cache", "students=2")
    output, _ = run(*arguments, folder=place, module="textdd.evaluate")
    again = json.loads(result_of(output).read_text())["results"]["own recipe"]
    assert again["accuracy"] == result["methods"]["distilled"]["accuracy"]


@pytest.mark.slow
def test_evaluate_trains_another_student(place, finished):
    artifact = json.loads(finished[0].read_text())["artifact"]
    arguments = (f"artifact={artifact}", "cache_dir=cache", "students=2")
    output, _ = run(*arguments, "model=fasttext", folder=place, module="textdd.evaluate")
    assert 0 < json.loads(result_of(output).read_text())["results"]["fasttext"]["accuracy"]["mean"] <= 1


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "Which artefact?"),
        (("artifact=nowhere",), "is not a textdd artefact: it has no manifest.json"),
        (("artefact=nowhere",), "Unknown option 'artefact'. Nearest: artifact"),
        (("artifact=nowhere", "model=lsmt"), "Unknown model 'lsmt'. Allowed (nearest first): lstm"),
    ],
)
def test_evaluate_explains(arguments, expected, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["textdd evaluate", *arguments])
    with pytest.raises(SystemExit, match="2"):
        evaluate.main()
    assert expected in capsys.readouterr().err.replace("\n", " ")


def test_mistakes_end_with_status_2_and_no_traceback(place):
    _, errors = run("dataset=ag_new", folder=place, code=2)
    assert "Type: dataset=ag_news" in errors
    assert "Traceback" not in errors


@pytest.mark.slow
def test_what_the_corpus_does_not_allow_ends_so_too(place):
    _, errors = run("budget=0.00001", "cache_dir=cache", folder=place, code=2)
    assert "The least that gives one is budget=" in errors
    assert "Traceback" not in errors


def test_help(place):
    output, _ = run("--help", folder=place)
    assert "Usage: textdd run [option=value ...], or python -m textdd.run ..." in output


LONG = ("distiller.outer_steps=60", "distiller.check_every=5", "logger=csv", "cache_dir=cache")


STATEFUL = "truncation=pool window=2 parametrisation=mixture rank=3 labels=teacher nested=[1]"


def test_a_killed_run_goes_on_to_the_same_result(place, finished):
    """With everything that has a state of its own; the chain below goes without."""
    options = (f"distiller.{option}" for option in STATEFUL.split())
    arguments = (*SMALL, *LONG, *options, "evaluation.transfer=[]")
    whole = result_of(run(*arguments, "output_dir=whole", folder=place)[0])

    process = start("textdd.run", *arguments, "output_dir=killed", folder=place)
    deadline = time.monotonic() + 120
    while not list((place / "killed").glob(f"{whole.parent.name}/checkpoints/last.ckpt")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    folder = place / "killed" / whole.parent.name
    assert not (folder / "artifact").exists(), "killed too late to show anything"

    resumed = result_of(run(*arguments, "output_dir=killed", folder=place)[0])
    assert resumed.parent.name == whole.parent.name
    expected, got = (load_file(path.parent / "artifact" / "distilled.safetensors") for path in (whole, resumed))
    assert expected.keys() == got.keys()
    assert all((expected[name] == got[name]).all() for name in expected)
    accuracies = [json.loads(path.read_text())["methods"]["distilled"]["accuracy"] for path in (whole, resumed)]
    assert accuracies[0] == accuracies[1]

    def record(path):
        lines = [json.loads(line) for line in (path.parent / "metrics.jsonl").read_text().splitlines()]
        return [line for line in lines if "validation/accuracy" in line]

    assert record(resumed) == record(whole)  # nothing lost, nothing twice


CHAIN = (
    *(argument for argument in SMALL if not argument.startswith("distiller.")),
    "distiller=chain",
    "distiller.stages=[trajectory_matching,meta_gradient]",
    *(
        f"distiller.options.{stage}.{option}"
        for stage in ("trajectory_matching", "meta_gradient")
        for option in ("outer_steps=30", "check_every=5", "inner_steps=4", "length=6")
    ),
    *(f"distiller.options.trajectory_matching.{option}" for option in ("experts=2", "pace=2", "window=2")),
    "evaluation.transfer=[]",
    "cache_dir=cache",
    "logger=csv",
)


@pytest.mark.slow
def test_a_chain_killed_in_every_stage_goes_on_to_the_same_result(place, finished):
    whole = result_of(run(*CHAIN, "output_dir=whole", folder=place)[0])
    folder = place / "killed" / whole.parent.name
    stages = [folder / "stage-1-trajectory_matching", folder / "stage-2-meta_gradient"]
    for stage in stages:
        process = start("textdd.run", *CHAIN, "output_dir=killed", folder=place)
        deadline = time.monotonic() + 240
        while not (stage / "checkpoints" / "last.ckpt").exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        assert not (stage / "artifact").exists(), "killed too late to show anything"
    assert (stages[0] / "artifact" / "manifest.json").exists()

    resumed = result_of(run(*CHAIN, "output_dir=killed", folder=place)[0])
    assert resumed.parent == folder
    expected, got = (load_file(path.parent / "artifact" / "distilled.safetensors") for path in (whole, resumed))
    assert all((expected[name] == got[name]).all() for name in expected)
    first = load_file(stages[0] / "artifact" / "distilled.safetensors")
    assert (first["x"] != got["x"]).any()
    facts = json.loads(resumed.read_text())["distilling"]
    assert facts["outer_steps"] == 60
    assert facts["seconds"] == pytest.approx(sum(stage["seconds"] for stage in facts["stages"]))

    def record(path):
        lines = [json.loads(line) for line in (path.parent / "metrics.jsonl").read_text().splitlines()]
        return [line for line in lines if "validation/accuracy" in line]

    assert record(resumed) == record(whole)
    assert [line["step"] for line in record(whole)] == list(range(4, 60, 5))  # the second stage counts on

    warm = (f"distiller.warm_start={resumed.parent / 'artifact'}", "distiller.check_every=6", "evaluation.transfer=[]")
    again = result_of(run(*SMALL[:-2], "trainer=cpu", *warm, "cache_dir=cache", "logger=none", folder=place)[0])
    cold = load_file(finished[0].parent / "artifact" / "distilled.safetensors")["x"]
    x = load_file(again.parent / "artifact" / "distilled.safetensors")["x"]
    assert abs(x - got["x"]).max() < abs(x - cold).max()


@pytest.mark.slow
def test_two_processes_go_through_all_stages(place, finished):
    """After a stage the second process goes on with the set that both hold; the first alone writes."""
    two = ("trainer=ddp", "trainer.accelerator=cpu", "output_dir=ddp-chain")
    path = result_of(run(*CHAIN, *two, folder=place)[0])
    stages = json.loads(path.read_text())["distilling"]["stages"]
    assert [stage["outer_steps"] for stage in stages] == [30, 30]


TWO = ("cache_dir=cache", "logger=csv", "trainer=ddp", "trainer.accelerator=cpu", "output_dir=ddp")


def test_two_processes_hold_one_set(place, finished):
    """Each process draws its own students and texts; averaged gradients keep their sets equal."""
    path = result_of(run(*SMALL, *TWO, folder=place)[0])
    tensors = load_file(path.parent / "artifact" / "distilled.safetensors")
    alone = load_file(finished[0].parent / "artifact" / "distilled.safetensors")
    assert (tensors["x"] != alone["x"]).any()  # two processes see other texts than one


@pytest.mark.slow
def test_two_processes_make_the_same_set_again(place):
    path = result_of(run(*SMALL, *TWO, folder=place)[0])
    tensors = load_file(path.parent / "artifact" / "distilled.safetensors")
    again = result_of(run(*SMALL, *TWO, "overwrite=true", folder=place)[0])
    repeated = load_file(again.parent / "artifact" / "distilled.safetensors")
    assert all((tensors[name] == repeated[name]).all() for name in tensors)


@pytest.mark.slow
def test_two_nodes_make_the_set_of_two_processes(place, finished):
    """Nodes are machines to torchrun; here both are this one, and each starts its own process."""
    arguments = (*SMALL, "cache_dir=cache", "logger=csv", "trainer=ddp", "trainer.accelerator=cpu")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    launch = ("--nnodes=2", "--nproc-per-node=1", "--master-addr=127.0.0.1", f"--master-port={port}")
    nodes = ("-m", "textdd.run", *arguments, "trainer.num_nodes=2", "trainer.devices=1", "output_dir=nodes")
    other = start("torch.distributed.run", *launch, "--node-rank=1", *nodes, folder=place)
    output, _ = run(*launch, "--node-rank=0", *nodes, folder=place, module="torch.distributed.run")
    finish(other)
    made = load_file(result_of(output).parent / "artifact" / "distilled.safetensors")
    path = result_of(run(*arguments, "output_dir=ddp", folder=place)[0])
    expected = load_file(path.parent / "artifact" / "distilled.safetensors")
    assert all((made[name] == expected[name]).all() for name in expected)


@pytest.mark.slow
def test_bf16_runs(place, finished):
    output, _ = run(*SMALL, "cache_dir=cache", "logger=none", "trainer.precision=bf16-mixed", folder=place)
    result = json.loads(result_of(output).read_text())
    exact = json.loads(finished[0].read_text())
    tensors = [load_file(Path(r["artifact"]) / "distilled.safetensors")["x"] for r in (result, exact)]
    assert 0 < abs(tensors[0] - tensors[1]).max() < 0.5
