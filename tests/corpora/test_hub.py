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
from textdd.corpora.hub import HubSplit

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
    "some/older": {
        "main": {"older.py": PROGRAM},
        COPY: {
            "default/older-train-00000-of-00002.parquet": parquet(14),
            "default/older-train-00001-of-00002.parquet": parquet(6),
            "default/older-test.parquet": parquet(8),
            ".gitattributes": b"",
        },
    },
    "some/both": {"main": {"both.py": PROGRAM}, COPY: {**pieces("default"), **pieces("default", 4, part="partial-")}},
    "some/uncopied": {"main": {"uncopied.py": PROGRAM}},
    "some/gated": {"main": {"train.parquet": parquet(20)}},
    "some/forbidden": {"main": {"train.parquet": parquet(20)}},
}


@pytest.fixture(scope="module")
def hub():
    with serve(REPOS, {"some/gated": 401, "some/forbidden": 403}) as address:
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
    ({"hub": "some/older"}, 20, 8, COPY),
    ({"hub": "some/both"}, 20, 8, COPY),
    ({"hub": "some/plain", "revision": "main"}, 30, 10, "main"),
    ({"hub": "some/many", "subset": "fine", "revision": commit_of("some/many", COPY)}, 40, 8, COPY),
)


@pytest.fixture(scope="module")
def place(tmp_path_factory, hub):
    """A folder whose cache holds what was read from the hub, and what was said."""
    folder = tmp_path_factory.mktemp("hub")
    return folder, *read(folder, hub, *(options for options, *_ in READABLE))


@pytest.mark.parametrize("i", range(len(READABLE)), ids=["-".join(options.values()) for options, *_ in READABLE])
def test_of_a_data_set_that_is_a_program_the_hubs_own_copy_is_read(i, place):
    options, rows, test, branch = READABLE[i]
    commit = commit_of(options["hub"], branch)
    assert place[1][i] == {"classes": ["no", "yes"], "rows": rows, "test": test, "read": commit}


def test_what_was_read_once_is_read_again_without_a_network(place):
    folder, found, _ = place
    again, _ = read(folder, "http://127.0.0.1:9", *(options for options, *_ in READABLE), offline=True)
    assert again == found


def test_what_was_downloaded_and_is_damaged_is_downloaded_anew(place, hub):
    folder, found, _ = place
    files = [path for path in (folder / "cache" / "hub").rglob("*-train.arrow") if path.is_file()]
    files += (folder / "cache" / "hub" / "copies").rglob("snapshots/*/fine/train/0000.parquet")
    for path in files:
        content = path.read_bytes()
        path.write_bytes(content[:-40] + bytes([content[-40] ^ 1]) + content[-39:])
    again, said = read(folder, hub, *(options for options, *_ in READABLE))
    assert again == found
    assert said.count("It is downloaded anew.") == len(files) > 3


@pytest.mark.slow
def test_a_pinned_commit_is_not_replaced_by_what_was_downloaded_earlier(place):
    pinned = {"hub": "some/plain", "revision": "0" * 40}
    (found,), _ = read(place[0], "http://127.0.0.1:9", pinned, offline=True)
    assert f"Type: dataset.revision={commit_of('some/plain', 'main')}" in found["error"]


@pytest.mark.slow
def test_a_split_that_was_not_downloaded_counts_as_out_of_reach(place):
    (found,), _ = read(place[0], "http://127.0.0.1:9", {"hub": "some/program", "hub_test": "dev"}, offline=True)
    assert "some/program [dev] cannot be loaded from the hub" in found["error"]


def test_that_a_copy_is_read_is_told_once(place):
    told = "some/program is read from the parquet copy that the hub made of it, at its commit "
    assert place[2].count(told + commit_of("some/program", COPY)) == 1


def test_a_pinned_split_is_identified_without_being_read(tmp_path, monkeypatch):
    monkeypatch.setattr(HubSplit, "_read", property(lambda _: pytest.fail("was read")))
    split = HubSplit("some/many", "a" * 40, "fine", "train", "label", tmp_path)
    assert split.fingerprint(tmp_path) == f"some/many@{'a' * 40}:fine/train"


def test_a_copy_of_a_part_is_told(place):
    assert "some/partly [train]: the hub's parquet copy holds only the first part" in place[2]


ABSENT = (
    ({"hub": "some/many"}, "some/many has the subsets coarse, fine. Type for instance: dataset.subset=coarse"),
    ({"hub": "some/many", "subset": "medium"}, "Got dataset.subset=medium; some/many has the subsets fine, coarse"),
    (
        {"hub": "some/many", "revision": commit_of("some/many", COPY)},
        "dataset.subset=null; some/many has the subsets coarse, fine",
    ),
    (
        {"hub": "some/program", "hub_test": "dev"},
        "some/program has the splits test, train. Type for instance: dataset.hub_t",
    ),
    (
        {"hub": "some/plain", "hub_test": "dev"},
        "some/plain has the splits test, train. Type for instance: dataset.hub_test",
    ),
    (
        {"hub": "some/program", "revision": commit_of("some/program", "main")},
        f"commits of its own. Type: dataset.revision={commit_of('some/program', COPY)}",
    ),
    ({"hub": "some/uncopied"}, "the hub has made no parquet copy of it"),
    ({"hub": "some/unknown"}, "the hub has no data set of that name, or does not show it to you. Either mend the name"),
    (
        {"hub": "some/gated"},
        "accept them at https://huggingface.co/datasets/some/gated and log in by typing `hf auth login`",
    ),
    ({"hub": "some/forbidden"}, "it is gated: whoever reads it has to accept its conditions"),
    ({"hub": "some/plain", "revision": "0" * 40}, "Revision '0000"),
    (
        {"hub": "some/plain", "subset": "fine"},
        "some/plain has the subsets default. Type for instance: dataset.subset=default",
    ),
)


@pytest.fixture(scope="module")
def refusals(tmp_path_factory, hub):
    return read(tmp_path_factory.mktemp("absent"), hub, *(options for options, _ in ABSENT))[0]


@pytest.mark.parametrize("i", range(len(ABSENT)), ids=["-".join(options.values()) for options, _ in ABSENT])
def test_what_is_not_there_is_told(i, refusals):
    assert ABSENT[i][1] in refusals[i]["error"]
