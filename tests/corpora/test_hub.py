"""Data sets on the hub, against a small hub on this machine: those that are a program, subsets, revisions, offline."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys

import datasets
import pytest

from tests.corpora.local_hub import commit_of, serve

COPY = "refs/convert/parquet"
PROGRAM = b"raise SystemExit('nobody should run this')\n"
READ = """
import json, sys
from pathlib import Path
from textdd.corpora.corpus import load_corpus
from textdd.corpora.sources import DatasetConfig
from textdd.errors import TextddError
for options in json.loads(sys.argv[1]):
    try:
        corpus = load_corpus(DatasetConfig(name="x", **options), None, Path("cache"), seed=0)
        counts = {"rows": corpus.train_rows, "test": len(corpus.test)}
        found = {"classes": corpus.classes, **counts, "read": corpus.revision}
    except TextddError as error:
        found = {"error": str(error)}
    print(json.dumps(found))
"""


def parquet(count, classes=("no", "yes")):
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=list(classes))})
    rows = {"text": [f"text {i}" for i in range(count)], "label": [i % len(classes) for i in range(count)]}
    file = io.BytesIO()
    datasets.Dataset.from_dict(rows, features=features).to_parquet(file)
    return file.getvalue()


def pieces(subset, train=20, test=8, part=""):
    return {f"{subset}/{part}train/0000.parquet": parquet(train), f"{subset}/test/0000.parquet": parquet(test)}


REPOS = {
    "some/plain": {"main": {"data/train-00000.parquet": parquet(30), "data/test-00000.parquet": parquet(10)}},
    "some/program": {"main": {"program.py": PROGRAM, "README.md": b"# hi\n"}, COPY: pieces("default")},
    "some/partly": {"main": {"partly.py": PROGRAM}, COPY: pieces("default", part="partial-")},
    "some/many": {"main": {"many.py": PROGRAM}, COPY: {**pieces("fine", 40), **pieces("coarse", 24)}},
    "some/uncopied": {"main": {"uncopied.py": PROGRAM}},
}


@pytest.fixture(scope="module")
def hub():
    with serve(REPOS) as address:
        yield address


def read(folder, address, *options, offline=False):
    environment = {**os.environ, "HF_ENDPOINT": address, "HF_HOME": str(folder / "home"), "NO_PROXY": "*"}
    environment |= {"HF_HUB_OFFLINE": str(int(offline)), "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    command = [sys.executable, "-c", READ, json.dumps(options)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


READABLE = (
    ({"hub": "some/plain"}, 30, 10, "main"),
    ({"hub": "some/program"}, 20, 8, COPY),
    ({"hub": "some/many", "subset": "coarse"}, 24, 8, COPY),
    ({"hub": "some/partly"}, 20, 8, COPY),
)


@pytest.fixture(scope="module")
def place(tmp_path_factory, hub):
    """A folder whose cache holds what was read from the hub, and what was said."""
    folder = tmp_path_factory.mktemp("hub")
    return folder, *read(folder, hub, *(options for options, *_ in READABLE))


@pytest.mark.parametrize("i", range(len(READABLE)), ids=[options["hub"] for options, *_ in READABLE])
def test_of_a_data_set_that_is_a_program_the_hubs_own_copy_is_read(i, place):
    options, rows, test, branch = READABLE[i]
    commit = commit_of(options["hub"], branch)
    assert place[1][i] == {"classes": ["no", "yes"], "rows": rows, "test": test, "read": commit}


def test_what_was_read_once_is_read_again_without_a_network(place):
    folder, found, _ = place
    again, _ = read(folder, "http://127.0.0.1:9", *(options for options, *_ in READABLE), offline=True)
    assert again == found


def test_a_copy_of_a_part_is_told(place):
    assert "some/partly [train]: the hub's copy holds only the first part" in place[2]


ABSENT = (
    ({"hub": "some/many"}, "some/many has the subsets coarse, fine. Type for instance: dataset.subset=coarse"),
    ({"hub": "some/many", "subset": "medium"}, "Got dataset.subset=medium; some/many has the subsets coarse, fine"),
    ({"hub": "some/program", "hub_test": "dev"}, "has no split 'dev'; it has test, train"),
    ({"hub": "some/uncopied"}, "some/uncopied [train] cannot be loaded from the hub"),
    ({"hub": "some/unknown"}, "doesn't exist on the Hub"),
    ({"hub": "some/plain", "revision": "0" * 40}, "Revision '0000"),
    ({"hub": "some/plain", "subset": "fine"}, "Type for instance: dataset.subset=NAME"),
)


@pytest.fixture(scope="module")
def refusals(tmp_path_factory, hub):
    return read(tmp_path_factory.mktemp("absent"), hub, *(options for options, _ in ABSENT))[0]


@pytest.mark.parametrize("i", range(len(ABSENT)), ids=[message[:40] for _, message in ABSENT])
def test_what_is_not_there_is_told(i, refusals):
    assert ABSENT[i][1] in refusals[i]["error"]
