"""Results to report: invented ones of which all is known, and a real one."""

import json
import shutil

import numpy as np
import pytest
from hydra import compose, initialize_config_dir

from tests.conftest import SMALL
from textdd.config import register, to_run
from textdd.groups import CONF
from textdd.run import execute

register()


ONE_CLASS = ("accuracy", "macro_f1")
SEVERAL_LABELS = ("micro_f1", "macro_f1", "mean_average_precision")


def scored(centre, seed, steps=(1, 2, 4), measures=ONE_CLASS):
    """What two invented students reached, with a curve that goes up to it; each measure is 0.1 below the one before."""
    found = {}
    for number, measure in enumerate(measures):
        lower = centre - 0.1 * number if measures is SEVERAL_LABELS else centre
        values = [lower + 0.01 * seed, lower + 0.02]
        found[measure] = {"mean": float(np.mean(values)), "std": float(np.std(values, ddof=1)), "values": values}
    curve = {"steps": list(steps), "mean": [centre / 2, centre / 1.5, centre][: len(steps)], "std": [0.1] * len(steps)}
    return {**found, "curve": curve}


def invented(dataset="ag_news", per_class=30, seed=0, measures=ONE_CLASS, **changes):
    """The content of a result.json; of one class a text it names no measures, as in version 0.3."""
    cost = {"seconds": 10.0 + seed, "peak_memory_bytes": 2_000_000, "bytes": 1000}
    distilled, random, full = (scored(centre, seed, measures=measures) for centre in (0.8, 0.6, 0.9))
    recipe = {"optimiser": "adam", "steps": 4, "batch": 8, "order": "fixed", "step_size": 0.01}
    hard = {**scored(0.7, seed, measures=measures), "recovery": 0.78}
    distilled |= {"recipe": recipe, "pieces": 4, "variants": {"hard_labels": hard}}
    random |= {"transfer": {"fasttext": scored(0.5, seed, measures=measures)}}
    methods = {"distilled": distilled, "random": random, "full": full}
    for method in methods.values():
        method |= {**cost, "recovery": method[measures[0]]["mean"] / full[measures[0]]["mean"]}
    named = {} if measures is ONE_CLASS else {"measures": list(measures)}
    return {
        "dataset": dataset, "per_class": per_class, "budget": per_class / 10000, "model": "textcnn",
        "embedding": "glove", "distiller": "meta_gradient", "seed": seed, "students": 2, "methods": methods,
        "distilling": {"seconds": 10.0, "outer_steps": 100}, "versions": {"textdd": "0.1.0"}, **named, **changes,
    }  # fmt: skip


@pytest.fixture
def place(tmp_path):
    """A folder of runs, and a function that puts results there."""

    def put(name, content):
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "result.json").write_text(content if isinstance(content, str) else json.dumps(content))
        return tmp_path / "runs"

    return put


@pytest.fixture(scope="session")
def real(tmp_path_factory):
    """The folder of a real run."""
    place = tmp_path_factory.mktemp("real")
    options = [*SMALL, f"cache_dir={place}/cache", f"output_dir={place}/runs", "logger=csv", "seed=1"]
    options.append("distiller.outer_steps=10")  # Lightning warns of fewer steps than between two lines of its log
    with initialize_config_dir(str(CONF), version_base="1.3"):
        run = to_run(compose("config", options))
    return execute(run).parent


@pytest.fixture(scope="session")
def mixed(real, tmp_path_factory):
    """A real run among others: of another size, with names that are no good HTML, failed, unfinished, damaged."""
    place = tmp_path_factory.mktemp("mixed") / "runs"
    shutil.copytree(real, place / real.name)
    result = json.loads((real / "result.json").read_text())
    result |= {"per_class": 9, "budget": 0.045}
    result["config"]["per_class"] = 9
    hostile = invented('<script>alert("$x^2$")</script>', 3, seed=1)
    others = {"larger": result, "hostile": hostile, "damaged": {"dataset": "demo"}}
    for name, content in others.items():
        (place / name).mkdir()
        (place / name / "result.json").write_text(json.dumps(content))
    (place / "unfinished" / "artifact").mkdir(parents=True)
    (place / "failed").mkdir()
    failure = {"command": "python -m textdd.run seed=7", "error": "<b>no</b>", "traceback": "Trace <i>", "options": []}
    (place / "failed" / "demo-s7.json").write_text(json.dumps(failure))
    return place
