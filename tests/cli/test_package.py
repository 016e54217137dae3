"""The package as others get it: a wheel installed elsewhere, and data that not every machine has."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import SMALL

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_wheel_holds_configuration_and_templates(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    templates = {
        f"textdd/templates/{name}" for name in ("card.md.jinja", "report.html.jinja", "report.css", "leaderboard.js")
    }
    assert {"textdd/conf/config.yaml", "textdd/conf/report.yaml", "textdd/conf/dataset/demo.yaml"} | templates <= names
    assert not any(name.startswith(("conf/", "tests/")) for name in names)


def test_wheel_works_from_another_folder(wheel, tmp_path):
    """Installed into a folder of its own, far from the checkout, beside this environment's libraries."""
    target = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", target, wheel]
    subprocess.run(install, check=True, capture_output=True)
    environment = {**os.environ, "PYTHONPATH": str(target), "WANDB_MODE": "offline"}
    where = subprocess.run(
        [sys.executable, "-c", "import textdd; print(textdd.__file__)"],
        cwd=tmp_path, env=environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert where.stdout.startswith(str(target))
    done = subprocess.run(
        [sys.executable, "-m", "textdd.run", *SMALL, "cache_dir=cache", "logger=none"],
        cwd=tmp_path, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads(Path(done.stdout.splitlines()[-1].removeprefix("result: ")).read_text())
    assert result["methods"]["distilled"]["accuracy"]["mean"] > 0


def test_real_questions_through_the_whole_program(real_data, tmp_path):
    """A few outer steps on the real TREC with real vectors: far from converged, but better than chance."""
    vectors = real_data / "vectors" / "glove_twitter_100d_head.txt"
    arguments = [
        "dataset=trec6", f"data_dir={real_data}", "embedding=glove", f"embedding.path={vectors}", "per_class=9",
        "distiller.outer_steps=40", "distiller.check_every=40", "distiller.check_texts=300",
        "distiller.targets=labels", "evaluation.steps=30", "evaluation.students=1", "evaluation.texts=300",
        "evaluation.step_sizes=[0.003]", "evaluation.transfer=[]", "evaluation.full.epochs=4",
        "evaluation.full.step_sizes=[0.002]", f"cache_dir={tmp_path}/cache", "logger=none",
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "textdd.run", *arguments], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(Path(done.stdout.splitlines()[-1].removeprefix("result: ")).read_text())
    methods = result["methods"]
    assert methods["full"]["accuracy"]["mean"] > 0.7
    assert methods["full"]["accuracy"]["mean"] > methods["distilled"]["accuracy"]["mean"] > 0.5
    assert result["budget"] == pytest.approx(54 / 5365)
