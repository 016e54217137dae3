"""What version 0.3 made of the same commands: to the bit on the kind of machine that recorded it, nearly elsewhere."""

import hashlib
import json
from pathlib import Path

import pytest
import torch
from safetensors.numpy import load_file

from tests.cli.test_runs import result_of, run
from tests.conftest import SMALL

RECORDED = json.loads(Path(__file__).with_name("recorded-0.3.json").read_text())


def kind_of_machine():
    """What decides how sums are ordered: the processor with its instructions, and torch."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    kept = sorted({line for line in lines if line.startswith(("model", "cpu family", "stepping", "flags"))})
    return hashlib.sha256("\n".join([*kept, torch.__version__]).encode()).hexdigest()


@pytest.mark.parametrize("student", ["textcnn", "lstm", "fasttext"])
def test_what_version_03_made_is_made_again(student, tmp_path):
    options = [option for option in SMALL if not option.startswith("model.")]
    size = "model.filters=8" if student == "textcnn" else "model.hidden=8"
    path = result_of(run(*options, f"model={student}", size, "cache_dir=cache", "logger=none", folder=tmp_path)[0])
    result, tensors = json.loads(path.read_text()), load_file(path.parent / "artifact" / "distilled.safetensors")
    accuracies = {name: method["accuracy"]["values"] for name, method in result["methods"].items()}
    recorded = RECORDED["students"][student]
    if kind_of_machine() == RECORDED["machine"]:
        hashes = {name: hashlib.sha256(tensor.tobytes()).hexdigest() for name, tensor in tensors.items()}
        assert hashes == recorded["sha256"]
        assert accuracies == recorded["accuracies"]
    for name, norm in recorded["norms"].items():
        assert float((tensors[name].astype("float64") ** 2).sum() ** 0.5) == pytest.approx(norm, rel=0.05)
    for name, values in recorded["accuracies"].items():
        assert accuracies[name] == pytest.approx(values, abs=0.1)
