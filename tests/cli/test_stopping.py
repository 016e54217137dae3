"""Commands that are asked to stop, while they distil, evaluate, and with several processes: a line, and 130 or 143."""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.cli.test_runs import start
from tests.conftest import SMALL

LONG = ("distiller.outer_steps=4000", "distiller.check_every=5")
SLOW = ("distiller.outer_steps=2", "evaluation.full.epochs=40", "evaluation.steps=3000", "evaluation.students=9")
TWO = ("trainer=ddp", "trainer.accelerator=cpu")


@pytest.mark.parametrize(
    ("number", "status", "arguments", "begun"),
    [
        pytest.param(
            signal.SIGTERM, 143, (*LONG, *TWO), "*/checkpoints/last.ckpt", id="two processes", marks=pytest.mark.slow
        ),
        pytest.param(signal.SIGINT, 130, SLOW, "*/artifact/manifest.json", id="evaluating"),
    ],
)
def test_a_command_that_is_stopped_says_how_to_go_on(number, status, arguments, begun, tmp_path):
    arguments = (*SMALL, *arguments, "logger=csv", "cache_dir=cache", "output_dir=my runs")
    process = start("textdd.run", *arguments, folder=tmp_path)
    deadline = time.monotonic() + 240
    while not list((tmp_path / "my runs").glob(begun)):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process.pid, number)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == status, errors
    assert "Traceback" not in errors
    assert "result:" not in output
    stopped, command = errors.splitlines()[-2:]
    assert stopped == f"stopped by {number.name}; what was finished is kept. To go on from there, type:"
    assert command.startswith("  python -m textdd.run dataset.demo.train=600 ")
    assert command.endswith(" 'output_dir=my runs'")
    assert not list(tmp_path.rglob("*.lock"))


def test_ctrl_c_while_libraries_are_imported(tmp_path):
    process = start("textdd.run", "dataset=demo", folder=tmp_path)
    while not _listens(process.pid):
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130
    assert errors.splitlines() == [
        "stopped by SIGINT; what was finished is kept. To go on from there, type:",
        "  python -m textdd.run dataset=demo",
    ]


def _listens(pid):
    """Whether a process handles SIGTERM, as Linux tells."""
    caught = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigCgt"))
    return int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1
