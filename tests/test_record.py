"""Files that are whole or absent, metrics that survive a kill, and mirrors of them."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
import torch
from matplotlib.image import imsave
from safetensors.torch import load_file

from tests.report.conftest import SEVERAL_LABELS, invented
from textdd.loggers import LoggerConfig, MetricsFile, Mirrors
from textdd.loggers.server import has_key
from textdd.loggers.wandb import WandbMirror
from textdd.progress import Bar, track
from textdd.record import write_bytes, write_json, write_tensors
from textdd.run_folder import once
from textdd.trainer import AtomicCheckpointIO


def test_json_refuses_what_is_no_json(tmp_path):
    write_json(tmp_path / "a" / "b.json", {"x": 1})
    assert json.loads((tmp_path / "a" / "b.json").read_text()) == {"x": 1}
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "c.json", float("nan"))
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_tensors_may_share_memory(tmp_path):
    base = torch.arange(6.0).view(2, 3)
    write_tensors(tmp_path / "t.safetensors", {"all": base, "columns": base.t()})
    assert torch.equal(load_file(tmp_path / "t.safetensors")["columns"], base.t())


def test_a_killed_writer_leaves_the_old_content(tmp_path):
    """A process that rewrites a file without end is killed: the file is one of the contents, whole."""
    target = tmp_path / "file"
    write_bytes(target, b"0" * 10**6)
    code = (
        "import pathlib, sys; from textdd.record import write_bytes\n"
        "while True:\n    for digit in b'12':\n        write_bytes(pathlib.Path(sys.argv[1]), bytes([digit]) * 10**6)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, target])
    deadline = time.monotonic() + 60
    while target.read_bytes()[:1] == b"0":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    content = target.read_bytes()
    assert len(content) == 10**6
    assert len(set(content)) == 1


def test_checkpoints_are_moved_into_place(tmp_path):
    io = AtomicCheckpointIO()
    io.save_checkpoint({"a": torch.ones(3)}, tmp_path / "last.ckpt")
    assert torch.equal(io.load_checkpoint(tmp_path / "last.ckpt", weights_only=True)["a"], torch.ones(3))
    assert len(list(tmp_path.iterdir())) == 1


def test_metrics_rewind_to_a_checkpoint(tmp_path):
    metrics = MetricsFile(tmp_path / "m.jsonl")
    metrics.rewind(3)  # nothing there yet
    for step in range(5):
        metrics.log_metrics({"loss": step / 2}, step)
    with metrics.path.open("a") as file:
        file.write('{"step": 5, "lo')  # cut off by a kill
    metrics.rewind(3)
    assert [json.loads(line)["step"] for line in metrics.path.read_text().splitlines()] == [0, 1, 2]
    metrics.log_metrics({"accuracy": 1.0}, 3)
    metrics.write_csv()
    assert (tmp_path / "m.csv").read_text().splitlines() == [
        "step,loss,accuracy",
        "0,0.0,",
        "1,0.5,",
        "2,1.0,",
        "3,,1.0",
    ]


def test_no_mirror_without_a_wish(tmp_path):
    mirrors = Mirrors(LoggerConfig(), tmp_path, "title", "group", {})
    assert [type(logger) for logger in mirrors.distilling()] == [MetricsFile]
    mirrors.log_results({}, tmp_path / "figure.png")
    mirrors.close()
    assert list(tmp_path.iterdir()) == []


def test_finished_work_is_not_done_again(tmp_path):
    assert once(tmp_path / "part.json", lambda: {"a": 1}) == {"a": 1}
    assert once(tmp_path / "part.json", lambda: pytest.fail("done again")) == {"a": 1}


def test_progress_in_a_log_file_is_a_line_now_and_then(monkeypatch, capsys):
    monkeypatch.setattr("textdd.progress.QUIET_SECONDS", 0.0)
    bar = Bar("working", total=4, done=2)
    bar.update(2)
    bar.update(3, "accuracy 0.5")
    bar.close()
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "working: 2/4, time left unknown"
    assert lines[1].startswith("working: 3/4, ")
    assert lines[1].endswith(" s left  accuracy 0.5")


def test_progress_on_a_terminal_shows_the_note(monkeypatch):
    import io

    from rich.console import Console

    screen = io.StringIO()
    monkeypatch.setattr("textdd.progress.console", Console(file=screen, force_terminal=True, width=120))
    bar = Bar("distilling", total=10)
    bar.update(5, "validation/accuracy 0.8123")
    bar._bar.refresh()
    bar.close()
    assert "distilling" in screen.getvalue()
    assert "5/10" in screen.getvalue()
    assert "validation/accuracy 0.8123" in screen.getvalue()
    assert list(track([1, 2], "things")) == [1, 2]


def test_a_key_is_found_where_wandb_keeps_it(monkeypatch, tmp_path):
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert not has_key()
    (tmp_path / ".netrc").write_text("machine api.wandb.ai login user password secret")
    (tmp_path / ".netrc").chmod(0o600)
    assert has_key()
    (tmp_path / ".netrc").unlink()
    monkeypatch.setenv("WANDB_API_KEY", "secret")
    assert has_key()


@pytest.fixture
def figure(tmp_path):
    """A picture of two by two."""
    imsave(tmp_path / "figure.png", [[0.0, 1.0], [1.0, 0.0]])
    return tmp_path / "figure.png"


COLUMNS = [
    "method", "variant", "micro_f1", "micro_f1_std", "macro_f1", "macro_f1_std", "mean_average_precision",
    "mean_average_precision_std", "recovery", "seconds", "bytes",
]  # fmt: skip


def test_results_of_several_labels_as_csv(tmp_path, figure):
    methods = invented(measures=SEVERAL_LABELS)["methods"]
    mirrors = Mirrors(LoggerConfig(csv=True), tmp_path, "title", "group", {})
    mirrors.log_results(methods, figure, SEVERAL_LABELS)
    with (tmp_path / "results.csv").open(newline="") as file:
        head, *rows = csv.reader(file)
    assert head == COLUMNS
    assert [row[:2] for row in rows] == [
        ["distilled", ""], ["distilled", "hard_labels"], ["random", ""], ["random", "student fasttext"], ["full", ""],
    ]  # fmt: skip
    assert [float(rows[0][i]) for i in (2, 4, 6)] == pytest.approx([0.81, 0.71, 0.61])
    mirrors.log_results(invented()["methods"], figure)
    head = (tmp_path / "results.csv").read_text().splitlines()[0]
    assert head == "method,variant,accuracy,accuracy_std,macro_f1,macro_f1_std,recovery,seconds,bytes"


def test_results_of_several_labels_in_tensorboard(tmp_path, figure):
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    from textdd.loggers.tensorboard import TensorBoardMirror

    TensorBoardMirror(tmp_path).log_results(invented(measures=SEVERAL_LABELS)["methods"], figure, SEVERAL_LABELS)
    read = events.EventAccumulator(str(tmp_path / "tensorboard" / "distilled")).Reload()
    scalars = {"student/validation_micro_f1", *(f"test/{measure}" for measure in SEVERAL_LABELS)}
    assert set(read.Tags()["scalars"]) == scalars
    assert read.Scalars("test/mean_average_precision")[0].value == pytest.approx(0.61)
    assert read.Tags()["images"] == ["micro_f1_against_steps"]


def test_results_of_several_labels_in_wandb(tmp_path, figure, monkeypatch):
    logged, summaries = [], []

    def logger(mirror, method):
        del mirror, method
        summaries.append({})
        run = SimpleNamespace(define_metric=lambda *_, **__: None, log=logged.append, summary=summaries[-1])
        return SimpleNamespace(experiment=run)

    monkeypatch.setattr(WandbMirror, "logger", logger)
    mirror = WandbMirror(LoggerConfig(), tmp_path, "title", "group", {})
    mirror.log_results(invented(measures=SEVERAL_LABELS)["methods"], figure, SEVERAL_LABELS)
    assert len(summaries) == 3
    assert summaries[0]["test/micro_f1"] == pytest.approx(0.81)
    assert {f"test/{measure}_std" for measure in SEVERAL_LABELS} < set(summaries[2])
    assert logged[0].keys() == {"student/step", "student/validation_micro_f1"}
    (comparison,) = [entry for entry in logged if "results" in entry]
    assert comparison["results"].columns == COLUMNS
    assert "micro_f1_against_steps" in comparison
