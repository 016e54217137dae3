"""Devices that are not there are refused; double precision goes all the way from the texts to the table."""

import json

import pytest
import torch

from tests.conftest import SMALL
from textdd import DistilledSet
from textdd.cli import compose_config
from textdd.config import register, to_run
from textdd.errors import TextddError
from textdd.experiment import execute
from textdd.outer.distiller import Distiller
from textdd.quiet import quiet
from textdd.trainer import TrainerConfig, set_up_process


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"accelerator": "gpu"}, r"no GPU on this machine\. Type: trainer=cpu$"),
        ({"accelerator": "cpu", "devices": 100_000}, r"this machine has \d+ processor cores\. Type: trainer.devices="),
        ({"accelerator": "cpu", "precision": "16-mixed"}, r"Type: trainer.precision=bf16-mixed$"),
    ],
)
def test_what_the_machine_lacks_is_refused(options, message, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(TextddError, match=message):
        set_up_process(TrainerConfig(**options))


def test_more_gpus_than_there_are(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(TextddError, match=r"has 2 GPUs\. Type: trainer.devices=2$"):
        set_up_process(TrainerConfig(accelerator="gpu", devices=3))


@pytest.fixture
def run_in(tmp_path, monkeypatch):
    """Run a small experiment with options of its own; the dtypes of the distilled texts are noted on the way."""
    register()
    quiet()
    places = [f"cache_dir={tmp_path / 'cache'}", f"output_dir={tmp_path / 'runs'}", "logger=none"]
    dtypes, real_step = set(), Distiller.training_step

    def step(self, *arguments):
        dtypes.update(parameter.dtype for parameter in self.synthetic.parameters())
        return real_step(self, *arguments)

    monkeypatch.setattr(Distiller, "training_step", step)

    def run(*options):
        dtypes.clear()
        result = json.loads(execute(to_run(compose_config("config", [*SMALL, *places, *options]))).read_text())
        return result, DistilledSet.load(result["artifact"]), set(dtypes)

    return run


def test_double_precision_to_the_end(run_in):
    single, expected, dtypes = run_in()
    assert dtypes == {torch.float32}
    double, distilled, dtypes = run_in("trainer.precision=64-true")
    assert dtypes == {torch.float64}
    assert distilled.step_sizes.dtype == distilled.y.dtype == torch.float32
    torch.testing.assert_close(distilled.y, expected.y, atol=1e-3, rtol=1e-3)
    assert double["methods"].keys() == single["methods"].keys()
    # The second time the students of the full data are found in the cache and train nothing.
    again, *_ = run_in("trainer.precision=64-true", "overwrite=true")
    first, second = (run["methods"]["distilled"] for run in (double, again))
    assert [second[name] for name in ("accuracy", "curve")] == [first[name] for name in ("accuracy", "curve")]
    assert second["variants"]["plain_recipe"]["accuracy"] == first["variants"]["plain_recipe"]["accuracy"]
