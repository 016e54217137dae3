"""Weights & Biases with no network, a wrong key, and dying: no run is lost to it; without a key nothing is asked."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from urllib.parse import urlsplit

import pytest
import wandb

from textdd.loggers import LoggerConfig, Mirrors
from textdd.loggers import server as module
from textdd.loggers.server import has_key, is_reachable
from textdd.loggers.wandb import WandbMirror

KEY = "0123456789" * 4
NAMES = {kind: {"name": "x"} for kind in ("dataset", "model", "embedding", "distiller")}
LOG = f"""
from pathlib import Path
from textdd.loggers import LoggerConfig, Mirrors
mirrors = Mirrors(LoggerConfig(wandb=True), Path("."), "title", "group", {{**{NAMES}, "seed": 0, "per_class": 1}})
for logger in mirrors.distilling():
    logger.log_metrics({{"a": 1.0}}, 0)
mirrors.close()
"""


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    return WandbMirror(LoggerConfig(wandb=True), tmp_path, "title", "group", {})


def test_a_key_and_no_network(mirror, monkeypatch, capfd):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setenv("WANDB_BASE_URL", address)
    assert mirror.mode == "offline"
    said = capfd.readouterr().err
    assert f"W&B at {address}: it does not answer." in said
    assert f"wandb sync {mirror.folder}/wandb/offline-run-*" in said


def test_a_server_that_answers_and_refuses(mirror, monkeypatch, capfd):
    begun = []

    def begin(mirror, method):
        begun.append(mirror.mode)
        if mirror.mode == "online":
            raise wandb.errors.CommError("returned error 401\nand more")
        return method

    monkeypatch.setattr(WandbMirror, "_begun", begin)
    monkeypatch.setattr("textdd.loggers.wandb.is_reachable", lambda _: True)
    assert mirror.logger("distilled") == "distilled"
    assert begun == ["online", "offline"]
    assert "returned error 401. Its runs are kept in" in capfd.readouterr().err


class Dying:
    """A mirror whose logger fails at some step, and which fails to close."""

    name = version = ""

    def __init__(self):
        self.logged = []

    def logger(self, method):
        return self

    def log_metrics(self, metrics, step):
        if step == 1:
            raise ConnectionResetError("reset by peer")
        self.logged.append(step)

    def close(self):
        raise BrokenPipeError


def test_a_mirror_that_dies_while_distilling_is_left_out(tmp_path, capfd):
    mirrors, dying = Mirrors(LoggerConfig(), tmp_path, "title", "group", {}), Dying()
    mirrors.others.append(dying)
    loggers = mirrors.distilling()
    for step in range(4):
        for logger in loggers:
            logger.log_metrics({"a": 1.0}, step)
    mirrors.close()
    assert dying.logged == [0]
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 4
    assert capfd.readouterr().err.count("Dying failed and is left out: ConnectionResetError: reset by peer") == 1


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace tells what is looked up")
def test_without_a_key_nothing_is_looked_up(tmp_path):
    kept = {key: value for key, value in os.environ.items() if not key.startswith("WANDB_")}
    command = ["strace", "-f", "-e", "trace=connect", "-o", "seen", sys.executable, "-c", LOG]
    environment = {**kept, "HOME": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=240)
    if "ptrace" in done.stderr:
        pytest.skip("strace may not look here")
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.glob("wandb/offline-run-*"))
    assert "AF_UNIX" in (tmp_path / "seen").read_text()
    assert "AF_INET" not in (tmp_path / "seen").read_text()


def test_a_name_that_is_looked_up_for_ever(monkeypatch):
    monkeypatch.setattr(module, "SECONDS", 0.2)
    monkeypatch.setattr(module, "urlopen", lambda *_, **__: contextlib.nullcontext(time.sleep(3)))
    begun = time.monotonic()
    assert not is_reachable("http://nowhere")
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize(
    ("machine", "environment", "found"),
    [
        ("api.wandb.ai", {}, True),
        (urlsplit(wandb.Settings().base_url).netloc, {}, True),
        ("my.server:8080", {"WANDB_BASE_URL": "https://my.server:8080"}, True),
        ("api.wandb.ai", {"WANDB_BASE_URL": "https://my.server:8080"}, False),
        ("elsewhere", {}, False),
        ("elsewhere", {"WANDB_API_KEY": KEY}, True),
    ],
)
def test_the_key_is_found_where_wandb_keeps_it(machine, environment, found, tmp_path, monkeypatch):
    file = tmp_path / "netrc"
    file.write_text(f"machine {machine}\n  login user\n  password {KEY}\n")
    file.chmod(0o600)
    for name in ("WANDB_API_KEY", "WANDB_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"NETRC": str(file), **environment}.items():
        monkeypatch.setenv(name, value)
    assert has_key() is found
